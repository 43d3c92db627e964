"""What is said of policies under other limits and in other tiers is what they did."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from autoreward.errors import UserError

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import voxel_limit
from voxel_limit import Options


def test_episodes_are_as_long_as_the_limit_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert voxel_limit.main(Options(limits=(3, 5), out=tmp_path, quick=True, json_=tmp_path / "found.json")) == 0
    figures = json.loads((tmp_path / "found.json").read_text())
    for limit in (3, 5):
        key = f"voxel/diamond_lava/standard/{limit}"
        assert figures[f"{key}/0/length"] == limit and figures[f"{key}/0/timeout"] == 1.0
        assert figures[f"{key}/success"] == 0.0 and figures[f"{key}/high"] > 0.4, "4 episodes say little"
    assert [row.split(" | ")[2] for row in capsys.readouterr().out.splitlines()[2:]] == ["3", "5"]


def test_a_tier_has_its_own_worlds_and_limit() -> None:
    lengths = {tier: voxel_limit.play("voxel/approach_tree", tier, 0, None, 2).length for tier in ("easy", "hard")}
    assert lengths == {"easy": 400.0, "hard": 150.0}


def test_without_policies_it_says_how_to_train_them(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"voxel_learning\.py --tasks voxel/diamond_lava --rewards reference"):
        voxel_limit.recorded("voxel/diamond_lava", Options(out=tmp_path))
