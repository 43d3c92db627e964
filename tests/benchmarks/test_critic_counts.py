"""What benchmarks/critic.py counts, and that CARD's rule is what its paper's code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoreward.critic.contract import Check


@pytest.fixture(autouse=True)
def beside_the_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))


def test_shares_are_of_all_files_and_no_evidence_finds_nothing() -> None:
    from _critic_set import members
    from critic import Judged, figures, tell

    tune = [member for member in members() if member.half == "tune"]
    bad = [member for member in tune if member.entry.label == "bad"][:4]
    good = [member for member in tune if member.entry.label == "good"][:2]
    said = ("fail", "warning", "no evidence", "pass", "fail", "pass")
    found = [
        Judged(member, {"all": verdict, "card": verdict}, confirmed=number < 2)
        for number, (member, verdict) in enumerate(zip([*bad, *good], said, strict=True))
    ]
    numbers = figures(found)
    assert (numbers["tune/all/recall"], numbers["tune/all/suspected/recall"]) == (0.25, 0.5)
    assert (numbers["tune/all/precision"], numbers["tune/all/suspected/precision"]) == (0.5, 2 / 3)
    assert numbers["tune/all/false"] == 0.5 and numbers["tune/card/bad_no_evidence"] == 1
    assert (numbers["tune/confirmed/bad"], numbers["tune/confirmed/good"]) == (2, 0)
    assert "tune/confirmed/false" not in numbers, "nothing is said of no files"
    assert not [key for key in numbers if key.startswith("set_aside")]
    tell(found)


def test_a_file_is_refused_by_any_check_and_suspected_by_any_warning() -> None:
    from _critic_verdicts import Asked, Kept
    from critic import verdicts

    refused, warned = Check(name="ordering", verdict="fail"), Check(name="ordering", verdict="no evidence")
    others = (Check(name="runs", verdict="pass"), Check(name="exploits", verdict="warning"))
    ordering = {"earlier": Asked(check=refused, preferred=0.9), "little": Asked(check=warned)}
    found = verdicts(Kept(source="a", others=others, ordering=ordering))
    assert (found["all"], found["all, little stored"]) == ("fail", "warning")
    assert (found["exploits"], found["ordering"], found["ordering, little stored"]) == (
        "warning",
        "fail",
        "no evidence",
    )
    assert found["card"] == "pass", "nine in ten successes are above the best failure"


def test_both_halves_are_verified_in_turns() -> None:
    from critic import in_turns

    first = [member.task for member in in_turns("both", ())][:18]
    assert len(set(first)) == 18, "one file of each task comes first"
