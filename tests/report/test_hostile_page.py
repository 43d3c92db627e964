"""Nothing that a run holds becomes markup, reorders the page, or makes it too large to mail."""

import shutil
from pathlib import Path

import pytest

from autoreward.errors import RunDamaged
from autoreward.llm.contract import CallName
from autoreward.report.page import LENGTHS, MOST_BYTES, write_report
from autoreward.store.folder import RunFolder
from autoreward.testing.folder import example_run
from tests.report.hostile import WORDS, hostile_run, write_call
from tests.report.reading import HOSTILE, Page, assert_harmless


def test_nothing_of_a_run_becomes_markup(tmp_path: Path) -> None:
    page = Page(write_report(hostile_run(tmp_path / "run", HOSTILE)))
    assert_harmless(page)
    for word in WORDS:
        assert word + HOSTILE in "".join(page.texts), f"{word} is shown as it was written"
    assert str(7 * 191) not in page.text, "no text is read as a template"


def test_hidden_characters_are_shown_or_dropped(tmp_path: Path) -> None:
    """Code that reads otherwise than it runs, and what would drive a terminal or break a parser."""
    run = example_run(tmp_path / "run", finished=False)
    source = RunFolder(run).candidate_path(0, 0) / "reward.py"
    source.write_text("# \u202esecret\u2066 \x1b[2J\x00 \u200b end")
    page = Page(write_report(run))
    assert "# \\u202esecret\\u2066 [2J \\u200b end" in "".join(page.texts)


def test_letters_from_right_to_left_order_their_own_text_only(tmp_path: Path) -> None:
    run = example_run(tmp_path / "run")
    folder = RunFolder(run)
    candidate = folder.candidate(0, 0)
    assert candidate
    folder.write_candidate(candidate.model_copy(update={"idea": "\u05d0\u05d1 100% \u202eevil"}))
    page = Page(write_report(run))
    assert "\u05d0\u05d1 100% \\u202eevil" in "".join(page.texts), "letters stay, marks become visible"
    style = page.own[0][1]
    rule = next(line for line in style.splitlines() if "unicode-bidi: isolate" in line)
    assert {"span", "b", "code", "td", "summary"} <= set(rule.partition("{")[0].replace(",", " ").split())


def test_a_reply_of_a_megabyte_is_cut_and_says_so(tmp_path: Path) -> None:
    run = example_run(tmp_path / "run")
    write_call(run, CallName(role="critic", round=1, candidate=2), "A" * 500_000 + "B" * 500_000)
    page = Page(write_report(run))
    told = f"[... {1_000_000 - LENGTHS[0]:,} of 1,000,000 characters left out ...]"
    assert told in page.text
    assert "rounds/01/calls/critic-2-0.json" in page.text, "where all of it lies"
    assert len(page.html) < 3_000_000


@pytest.mark.parametrize("text", ['"', "<", "\u202e"], ids=["quotes", "markup", "marks"])
def test_the_page_stays_small_whatever_is_written(tmp_path: Path, text: str) -> None:
    """Characters that grow when they are escaped, in every text of many calls."""
    run = example_run(tmp_path / "run")
    for index in range(70):
        write_call(run, CallName(role="designer", round=0, candidate=index), text * 25_000, text * 25_000)
    page = write_report(run)
    assert page.stat().st_size <= MOST_BYTES
    assert "left out" in page.read_text()


def test_a_link_out_of_the_folder_brings_nothing_into_the_page(tmp_path: Path) -> None:
    run = example_run(tmp_path / "run")
    (tmp_path / "secret").write_text("PRIVATE")
    for name in ("run.log", "environment.txt", "command.txt", "best/rollout.png"):
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(tmp_path / "secret")
    page = Page(write_report(run))
    assert "PRIVATE" not in page.html
    assert "data:image/png" not in page.html


@pytest.mark.parametrize("name", ["0/reward.py", "0"])
def test_a_program_behind_a_link_is_not_read(tmp_path: Path, name: str) -> None:
    run = example_run(tmp_path / "run")
    place = run / "rounds" / "00" / "candidates" / name
    shutil.move(place, tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunDamaged, match="lies behind a link"):
        write_report(run)
    assert RunFolder(run).source(0, 1)
    (tmp_path / "link").symlink_to(run)
    assert RunFolder(tmp_path / "link").source(0, 1), "the folder itself may be reached by one"
