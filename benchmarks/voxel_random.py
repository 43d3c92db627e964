"""What uniform random actions reach in the voxel worlds: every task in every tier, whole episodes in test worlds.

    nice -n 5 python benchmarks/voxel_random.py --json random.json    # minutes
    python benchmarks/voxel_random.py --quick                         # seconds: that it works, not what it finds

Each of 512 worlds plays as many episodes as every other, so that short episodes do not count more than long ones.
Printed as a table; the intervals are Wilson's, 95%, over episodes.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from autoreward.envs.voxel.env import VoxelEnv
from autoreward.envs.voxel.tasks import TASKS, TIERS
from autoreward.records import write_bytes
from autoreward.report.seeds import wilson

AT_MOST = 0.005
"""Random success on the standard tier; from there on it is printed in bold, since a sparse reward would then do."""
WHAT = ("success", "low", "high", "lava_death", "episodes")
Figures = dict[str, float]


@dataclass(frozen=True)
class Options:
    """What is played."""

    tasks: tuple[str, ...] = tuple(TASKS)
    tiers: tuple[str, ...] = ("standard", "easy", "hard")
    episodes: int = 10_240
    """Of each task and tier, of `obtain_diamond` (3,000 steps each) a tenth; rounded up to rounds of `num_envs`."""
    num_envs: int = 512
    first_seed: int = 960_000
    quick: bool = False
    """Two tasks, 64 episodes each."""
    json_: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the figures."""


def main(options: Options) -> int:
    """Play, print the table, and write the figures."""
    if options.quick:
        options = replace(options, tasks=("diamond_lava", "approach_tree"), tiers=TIERS, episodes=64, num_envs=64)
    figures: Figures = {}
    for tier in options.tiers:
        for task in options.tasks:
            figures |= told(task, tier, play(task, tier, options))
            sys.stderr.write(f"{task}/{tier}: {figures[f'{task}/{tier}/success']:.2%}\n")
    sys.stdout.write("\n".join(table(figures, options)) + "\n")
    if options.json_:
        write_bytes(options.json_, (json.dumps(figures, indent=1) + "\n").encode())
    return 0


def play(task: str, tier: str, options: Options) -> Counter[str]:
    """How many episodes there were, and how many of them ended in what."""
    env, counts = VoxelEnv(task, options.num_envs, tier, split="test"), Counter[str]()
    episodes = options.episodes // (10 if task == "obtain_diamond" else 1)
    for number in range(-(-episodes // options.num_envs)):
        counts += whole(env, options.first_seed + number * options.num_envs)
    env.close()
    return counts


def whole(env: VoxelEnv, seed: int) -> Counter[str]:
    """One episode of every row. Those that have ended are begun again, uncounted, until the last has."""
    env.reset(seed=seed)
    random, running = np.random.default_rng(seed), np.ones(env.num_envs, dtype=np.bool_)
    counts = Counter(episodes=env.num_envs)
    while running.any():
        _, reward, terminated, truncated, _ = env.step(random.integers(0, env.task.actions, env.num_envs))
        ended = terminated | truncated
        counts["success"] += int((running & (reward > 0)).sum())
        if ended.any():
            read = env.read(["died", "damage_cause"])
            counts["lava_death"] += int((running & ended & read["died"] & (read["damage_cause"] == 1)).sum())
            running &= ~ended
            env.reset(options={"reset_mask": ended})
    return counts


def told(task: str, tier: str, counts: Counter[str]) -> Figures:
    """Flat figures."""
    episodes = counts["episodes"]
    low, high = wilson(counts["success"], episodes)
    values = (counts["success"] / episodes, low, high, counts["lava_death"] / episodes, float(episodes))
    return {f"{task}/{tier}/{name}": value for name, value in zip(WHAT, values, strict=True)}


def table(figures: Figures, options: Options) -> list[str]:
    """Success of each task, a column a tier, with its interval and what died in lava."""
    lines = [f"| task | {' | '.join(options.tiers)} |", f"| --- |{' --- |' * len(options.tiers)}"]
    for task in options.tasks:
        cells = []
        for tier in options.tiers:
            success, low, high, died = (figures[f"{task}/{tier}/{name}"] for name in WHAT[:4])
            lava = f", {died:.1%} died in lava" if died else ""
            above = "**" if tier == "standard" and success >= AT_MOST else ""
            cells.append(f"{above}{success:.2%}{above} ({low:.2%} - {high:.2%}){lava}")
        lines.append(f"| `{task}` | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, description=__doc__)))
