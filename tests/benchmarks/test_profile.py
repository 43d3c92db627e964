"""The tables and the page of `benchmarks/training.py`, from figures that are given."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import _page
import _profile

ENTRY = _profile.Profile(
    steps=1_000,
    seconds=10.0,
    cpu_seconds=20.0,
    evaluator_seconds=3.0,
    cell_seconds=0.5,
    parts={"physics": 6.0, "reward": 0.08},
    reward_seconds=0.08,
    message_share=0.25,
)
START = _profile.Start(cold=2.5, warm=1.0)


def test_evaluation_and_cell_have_shares_of_their_own() -> None:
    found = _profile.figures({"half_cheetah/program": ENTRY}, START)
    assert found["profile/half_cheetah/program/evaluator"] == pytest.approx(0.15)
    assert found["profile/half_cheetah/program/cell"] == pytest.approx(0.025)
    lines = _profile.tables({"half_cheetah/program": ENTRY}, START)
    heads, _, cells = (line.strip("| ").split(" | ") for line in lines[:3])
    assert len(heads) == len(cells)
    assert dict(zip(heads, cells, strict=True))["evaluator, of all CPU-seconds"] == "15.0%"
    assert cells[-1] == "2.5%"


def test_the_reward_off_the_critical_path_is_judged_by_the_measured_share() -> None:
    found = _profile.figures({"half_cheetah/program": ENTRY}, START)
    said = _page.critical_path(_page.rewarded(found))
    assert "0.8% of half_cheetah's training seconds" in said
    assert "benchmarks/training.py --profile" in said


def test_the_claims_are_about_trainings_with_a_program_in_the_cell() -> None:
    claimed = {key for _, key, _ in _page.AT_LEAST}
    assert {"half_cheetah/pack/program/ratio", "hopper/pack/program/ratio"} <= claimed
