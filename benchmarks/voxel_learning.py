"""Shows that in the voxel worlds a sparse reward fails and a dense one works, and what careless rewards bring about.

    python benchmarks/voxel_learning.py                        # 3 seeds of every row; hours; then docs/voxel.md
    python benchmarks/voxel_learning.py --quick                # a minute: that it works, not what it finds
    python benchmarks/voxel_learning.py --tasks voxel/approach_tree --seeds 1 --json found.json

Finished trainings are kept in `--out` and not repeated, and unfinished ones go on, so that it can be stopped any
time. The final evaluations are in test worlds, which nothing was chosen by.
"""

from __future__ import annotations

import os

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from _voxel_page import draw, write_page

from autoreward.engine.contract import JobRequest, run_all
from autoreward.engine.local import LocalEngine
from autoreward.records import write_bytes, write_record
from autoreward.report.seeds import wilson
from autoreward.task import Task, load_task
from autoreward.training.contract import Progress, RewardSpec, TrainingJob, TrainingResult
from autoreward.training.files import EPISODES, JOB

ROOT = Path(__file__).resolve().parent.parent
FIRST_SEED = 970_000
"""Away from the seeds of searches, selections, reports and other benchmarks."""
STRETCHES = 20
"""Points of a curve."""
FEWEST = 256
"""Finished episodes of a stretch that make a point; fewer tell of those alone that died early."""
REWARDS = {
    "random": "uniform actions",
    "sparse": "sparse: +1 for success",
    "reference": "hand-written reference",
    "voxel_careless": "the reference without a word about danger",
    "voxel_look_away": "gamed: look away from lava",
    "voxel_back_and_forth": "gamed: back and forth",
}
ROWS = {
    "voxel/diamond_lava": ("random", "sparse", "reference", "voxel_careless", "voxel_look_away"),
    "voxel/approach_tree": ("random", "sparse", "reference", "voxel_back_and_forth"),
}


@dataclass
class Options:
    """What to train."""

    tasks: tuple[str, ...] = tuple(ROWS)
    rewards: tuple[str, ...] = ()
    """Rows; empty: all of each task."""
    seeds: int = 3
    steps: int | None = None
    """Environment steps of a training; None: the task's."""
    out: Path = ROOT / "runs" / "voxel_learning"
    """Folder of the trainings."""
    docs: Path = ROOT / "docs"
    """Where the tables of voxel.md and img/voxel.png are written: only by a whole run."""
    slots: int = 1
    """Trainings at once."""
    json_: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the figures."""
    quick: bool = False
    """One seed and two rollouts a training, nothing kept."""

    @property
    def whole(self) -> bool:
        """Whether the page is written."""
        return not self.quick and not self.rewards and set(self.tasks) == set(ROWS) and self.steps is None


def main(options: Options) -> None:
    if options.quick:
        with tempfile.TemporaryDirectory() as folder:
            options = replace(options, out=Path(folder), seeds=1, steps=65_536)
            found = measure_jobs(jobs_of(options), options.out, options.slots)
    else:
        found = measure_jobs(jobs_of(options), options.out, options.slots)
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    if options.json_:
        write_bytes(options.json_, (json.dumps(found, indent=1) + "\n").encode())
    if options.whole:
        draw(found, options.docs / "img" / "voxel.png")
        write_page(found, options.docs / "voxel.md")


def jobs_of(options: Options) -> dict[tuple[str, str, int], TrainingJob]:
    """The trainings by task, reward and seed."""
    jobs: dict[tuple[str, str, int], TrainingJob] = {}
    for seed in range(FIRST_SEED, FIRST_SEED + options.seeds):  # seed by seed, so that a first look needs one of each
        for name in options.tasks:
            task = load_task(name)
            task = task.model_copy(update={"steps": options.steps or task.steps})
            for reward in options.rewards or ROWS[name]:
                episodes = 8 if options.quick else task.report_episodes
                jobs[name, reward, seed] = TrainingJob(
                    task=task, reward=spec(reward, task), seed=seed, episodes=episodes, reported=True
                )
    return jobs


def measure_jobs(jobs: dict[tuple[str, str, int], TrainingJob], out: Path, slots: int) -> list[dict[str, Any]]:
    """Carry out the trainings by task, reward and seed; one row for each reward of a task."""
    for job in jobs.values():
        write_record(out / job.hash / JOB, job)
    requests = [JobRequest(folder=out / job.hash, steps=job.task.steps) for job in jobs.values()]
    results = run_all(LocalEngine(slots, timeout=3600), requests, quiet)
    rows = []
    for name, reward in dict.fromkeys((name, reward) for name, reward, _ in jobs):
        own = [job for key, job in jobs.items() if key[:2] == (name, reward)]
        rows.append(row(name, reward, own, [results[out / job.hash] for job in own], out))
    return rows


def quiet(request: JobRequest, progress: Progress) -> None:
    """The results come at the end."""
    if progress.stage in ("finished", "failed"):
        sys.stderr.write(f"{request.folder.name} {progress.stage}: success {progress.success_rate}\n")


def spec(reward: str, task: Task) -> RewardSpec:
    """What a row trains on."""
    if reward == "random":
        return RewardSpec(kind="random")
    if reward == "sparse":
        return RewardSpec(kind="sparse")
    source = task.reference if reward == "reference" else (ROOT / "docs" / "examples" / f"{reward}.py").read_text()
    return RewardSpec(kind="program", source=source, grammar="signs")


def row(
    task: str, reward: str, jobs: Sequence[TrainingJob], results: Sequence[TrainingResult], out: Path
) -> dict[str, Any]:
    """Final evaluations and curves of a reward over its seeds."""
    finals = [result.final for result in results if result.final is not None]
    episodes = sum(final.episodes for final in finals)
    successes = sum(round(final.success_rate * final.episodes) for final in finals)
    found: dict[str, Any] = {
        "task": task,
        "reward": reward,
        "label": REWARDS[reward],
        "steps": 0 if reward == "random" else jobs[0].task.steps,
        "seeds": [round(final.success_rate, 4) for final in finals],
        "success": successes / max(episodes, 1),
        "interval": wilson(successes, episodes),
        "episodes": episodes,
        "length": mean([final.length for final in finals]),
        "errors": [result.error for result in results if result.error],
    }
    for kind in ("outcomes", "measures"):
        names = dict.fromkeys(name for final in finals for name in getattr(final, kind))
        held = {
            name: [getattr(final, kind)[name] for final in finals if name in getattr(final, kind)] for name in names
        }
        found[kind] = {name: mean(values) for name, values in held.items()}
    if reward != "random":
        found["steps_per_cpu_second"] = mean([result.steps / result.cpu_seconds for result in results if result.final])
        found["curves"] = [curve(out / job.hash / EPISODES, job.task.steps) for job in jobs]
        found["peak_lava_death"] = mean([max(line["lava_death"], default=0.0) for line in found["curves"]])
    return found


def curve(path: Path, steps: int) -> dict[str, list[float]]:
    """Shares of the training episodes in equal stretches of a training, of actions as they were drawn."""
    found: dict[str, list[float]] = {"step": [], "success": [], "lava_death": []}
    with np.load(path) as arrays:
        place = np.clip((arrays["step"] * STRETCHES - 1) // steps, 0, STRETCHES - 1)
        for index in range(STRETCHES):
            chosen = place == index
            if chosen.sum() >= FEWEST:
                found["step"].append(steps * (index + 1) / STRETCHES)
                found["success"].append(float(arrays["success"][chosen].mean()))
                found["lava_death"].append(float(arrays["outcome.lava_death"][chosen].mean()))
    return found


def mean(values: Sequence[float]) -> float:
    """0 where there is none."""
    return float(np.mean(values)) if values else 0.0


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
