"""Uniform actions in the voxel worlds: whole episodes are counted, each once."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from autoreward.envs.voxel.env import VoxelEnv

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import voxel_random
from voxel_random import Options


def test_every_row_counts_once_however_early_it_ends() -> None:
    """Trees everywhere: some episodes succeed at once and are begun again beside those that never do."""
    env = VoxelEnv("approach_tree", 64, split="test", knobs={"trees": 60, "min_distance": 2, "limit": 40})
    counts = voxel_random.whole(env, 0)
    assert counts["episodes"] == 64 and 4 < counts["success"] < 64

    env.reset(seed=0)
    random, first = np.random.default_rng(0), dict[int, float]()
    for _ in range(40):
        _, reward, terminated, truncated, _ = env.step(random.integers(0, env.task.actions, 64))
        for row in np.flatnonzero(terminated | truncated).tolist():
            first.setdefault(row, float(reward[row]))
        env.reset(options={"reset_mask": terminated | truncated})
    assert len(first) == 64 and counts["success"] == sum(reward > 0 for reward in first.values())
    env.close()


def test_who_dies_in_lava_is_counted() -> None:
    env = VoxelEnv("diamond_lava", 32, split="test", knobs={"pools": 1500, "min_distance": 3})
    counts = voxel_random.whole(env, 0)
    assert 0 < counts["lava_death"] <= 32 - counts["success"]
    env.close()


def test_figures_and_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = Options(tasks=("approach_cow",), tiers=("easy",), episodes=40, num_envs=32, json_=tmp_path / "found.json")
    assert voxel_random.main(options) == 0
    figures = json.loads((tmp_path / "found.json").read_text())
    assert figures["approach_cow/easy/episodes"] == 64, "whole rounds"
    low, high = (figures[f"approach_cow/easy/{end}"] for end in ("low", "high"))
    assert low <= figures["approach_cow/easy/success"] <= high
    success = f"{figures['approach_cow/easy/success']:.2%}"
    assert capsys.readouterr().out.splitlines()[2].startswith(f"| `approach_cow` | {success} (")


def test_a_standard_tier_that_chance_solves_is_in_bold() -> None:
    counts = Counter(episodes=1000, success=5)
    figures = voxel_random.told("hunt_cow", "standard", counts) | voxel_random.told("hunt_cow", "easy", counts)
    row = voxel_random.table(figures, Options(tasks=("hunt_cow",), tiers=("standard", "easy")))[2]
    assert row.count("0.50%") == 2 and row.count("**0.50%**") == 1
