"""What `benchmarks/loop_worth.py` makes of searches that have ended."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from autoreward.store.records import CandidateRecord


@pytest.fixture
def worth(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import loop_worth

    return loop_worth


def _results(worth: ModuleType, full: list[float], plain: list[float]) -> dict[str, dict[str, list[object]]]:
    def searched(fresh: float) -> object:
        return worth.Searched(
            seen=(0.0, fresh), fresh=(0.0, fresh), refused=1, repairs=3, stopped=0, labels={"solved": 1}
        )

    return {"reacher": {"full": [searched(each) for each in full], "plain": [searched(each) for each in plain]}}


def test_the_best_so_far_gives_way_to_a_better_one_alone(worth: ModuleType) -> None:
    from _loops import incumbents

    records = [
        CandidateRecord(
            round=0, index=index, idea="", status="trained", origin="composer", success_rate=success, score=score
        )
        for index, (success, score) in enumerate([(0.2, -1.0), (0.1, 5.0), (0.2, -0.5), (0.2, -0.5), (0.9, -2.0)])
    ]
    assert [record.index for record in incumbents(records)] == [0, 0, 2, 2, 4]


def test_repeats_are_compared_in_pairs(worth: ModuleType) -> None:
    options = worth.Options(tasks=("reacher",), rounds=1, candidates=3)
    results = _results(worth, [0.5, 0.6, 0.7, 0.8, 0.9], [0.4, 0.6, 0.6, 0.7, 0.8])
    flat = worth.figures(results, options)
    assert flat["reacher.full.0.after_2"] == flat["reacher.full.0.after_3"] == 0.5, "a refused one changes nothing"
    assert flat["reacher.gain.final"] == pytest.approx(0.1)
    assert flat["reacher.gain.final.low"] <= 0.1 <= flat["reacher.gain.final.high"]
    assert flat["all.gain.final"] == flat["reacher.gain.final"]
    assert flat["reacher.plain.4.label.solved"] == 1
    lines = worth.table(results, options)
    assert f"| reacher ({worth.TASKS['reacher']:,}) | full Critic and Analyzer | 0.70 [" in lines[2]
    assert "(+0.10 +0.00 +0.10 +0.10 +0.10)" in lines[2]


def test_fewer_than_five_repeats_have_no_interval(worth: ModuleType) -> None:
    options = worth.Options(tasks=("reacher",), rounds=1, candidates=3)
    flat = worth.figures(_results(worth, [0.5], [0.4]), options)
    assert not [key for key in flat if key.endswith((".low", ".high"))]


def test_the_picture_is_drawn(worth: ModuleType, tmp_path: Path) -> None:
    options = worth.Options(tasks=("reacher",), rounds=2, candidates=2)
    path = tmp_path / "docs" / "loop_worth.png"
    worth.draw(_results(worth, [0.5, 0.6], [0.4, 0.6]), options, path)
    assert path.read_bytes().startswith(b"\x89PNG")
