"""Looks for knobs of voxel/approach_tree under which a sparse reward fails and the hand-written one works.

    python benchmarks/voxel_tree.py                      # every setting; an hour; then docs/voxel.md
    python benchmarks/voxel_tree.py --settings 128       # some of them
    python benchmarks/voxel_tree.py --quick              # a minute: that it works, not what it finds

Finished trainings are kept in `--out` and not repeated. Rewards, trainer, 3M steps and the test worlds' numbers are the
same in every row. One seed a setting by default: a sparse reward that stays near 0 does so on every seed, so one seed
on which it does not rules a setting out; a setting that passes wants `--seeds 3`.
"""

from __future__ import annotations

import os

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import json
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import tyro
from _voxel_page import TREE_BEGIN, TREE_END, fill, percent
from voxel_learning import FIRST_SEED, ROOT, measure_jobs, spec

from autoreward.records import write_bytes
from autoreward.task import Task, load_task
from autoreward.training.contract import TrainingJob

NAME = "voxel/approach_tree"
SETTINGS: dict[str, dict[str, Any]] = {
    f"{trees} tree{'s' * (trees > 1)}, {distance} blocks off, world of {size}, {limit} steps": {
        "trees": trees,
        "min_distance": distance,
        "size": [size, size, 16],
        "limit": limit,
    }
    for trees, distance, size, limit in (
        (1, 30, 64, 200),
        (1, 30, 64, 120),
        (1, 22, 64, 100),
        (1, 40, 96, 200),
        (1, 40, 96, 400),
        (1, 35, 80, 200),
        (1, 35, 80, 300),
        (1, 45, 128, 200),
        (3, 45, 128, 400),
        (6, 45, 128, 200),
    )
}
REWARDS = ("sparse", "reference")


@dataclass
class Options:
    """What to train."""

    settings: tuple[str, ...] = ()
    """Parts of the settings' names; empty: all."""
    seeds: int = 1
    """Trainings of a row."""
    steps: int | None = None
    """Environment steps of a training; None: the task's."""
    out: Path = ROOT / "runs" / "voxel_tree"
    """Folder of the trainings."""
    docs: Path = ROOT / "docs"
    """Where the table of voxel.md is written: only by a whole run."""
    slots: int = 1
    """Trainings at once."""
    json_: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the figures."""
    quick: bool = False
    """One setting, one seed and two rollouts a training, nothing kept."""


def main(options: Options) -> None:
    chosen = [name for name in SETTINGS if not options.settings or any(part in name for part in options.settings)]
    if options.quick:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(chosen[-1:], replace(options, out=Path(folder), seeds=1, steps=65_536))
    else:
        found = measure(chosen, options)
    flat = {f"{name}/{key}": value for name, row in found.items() for key, value in row.items()}
    sys.stdout.write(json.dumps(flat, indent=1) + "\n")
    if options.json_:
        write_bytes(options.json_, (json.dumps(flat, indent=1) + "\n").encode())
    if len(chosen) == len(SETTINGS) and not options.quick and options.steps is None:
        fill(options.docs / "voxel.md", TREE_BEGIN, TREE_END, table(found))


def measure(chosen: list[str], options: Options) -> dict[str, dict[str, Any]]:
    """Success of both rewards in each setting: of all test episodes, and of each seed."""
    jobs = {
        (name, reward, seed): TrainingJob(
            task=(task := task_of(SETTINGS[name], options.steps)),
            reward=spec(reward, task),
            seed=seed,
            episodes=task.report_episodes,
            reported=True,
        )
        for seed in range(FIRST_SEED, FIRST_SEED + options.seeds)
        for name in chosen
        for reward in REWARDS
    }
    found: dict[str, dict[str, Any]] = {name: {} for name in chosen}
    for row in measure_jobs(jobs, options.out, options.slots):
        own = found[row["task"]]
        own[row["reward"]] = row["success"]
        own[f"{row['reward']}_seeds"] = row["seeds"]
        own[f"{row['reward']}_lava_deaths"] = row["outcomes"].get("lava_death", 0.0)
        own[f"{row['reward']}_interval"] = row["interval"]
    return found


def task_of(knobs: dict[str, Any], steps: int | None) -> Task:
    """The task of the easy tier with some knobs replaced; so no later change of a tier alters what a row is about."""
    task = load_task(NAME)
    kwargs = {**task.env.kwargs, "tier": "easy", "knobs": knobs}
    env = task.env.model_copy(update={"kwargs": kwargs})
    return task.model_copy(update={"env": env, "steps": steps or task.steps})


def table(found: dict[str, dict[str, Any]]) -> str:
    """A line a setting."""
    lines = ["| setting | sparse | each seed | hand-written | each seed |", "| --- | --- | --- | --- | --- |"]
    for name, row in found.items():
        cells = [
            f"{percent(row[reward])} | {', '.join(percent(share) for share in row[f'{reward}_seeds'])}"
            for reward in REWARDS
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
