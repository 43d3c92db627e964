"""How the voxel world is compared with others."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import _voxel_others
from _voxel_others import beside, ours, ratios


def test_ratios_are_taken_within_each_round() -> None:
    """The machine is ten times slower in the second round: nobody is faster for that."""
    held = {
        "ours/512/1": [(50.0, 60.0), (5.0, 60.0), (50.0, 60.0)],
        "ours/512/2": [(100.0, 55.0), (10.0, 55.0), (100.0, 55.0)],
        "crafter/1": [(20.0, 30.0), (2.0, 30.0), (20.0, 30.0)],
    }
    assert ratios(held) == {"ours_to/crafter/1/clock": 5.0, "ours_to/crafter/1/cpu": 2.0}


def test_nothing_is_measured_where_there_is_nothing_beside_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert beside(1, (8,), quick=True) == {}


def test_a_burst_goes_on_through_the_ends_of_episodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_voxel_others, "WORLDS", 4)
    burst = ours(1, 450)
    assert burst() == 4 * 450, "more than the 400 steps that an episode has"
