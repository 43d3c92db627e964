"""Calibrates the built-in tasks: what random actions, the sparse reward and the human or reference reward reach.

    python benchmarks/tasks.py                      # everything, 3 seeds, and docs/tasks.md
    python benchmarks/tasks.py --quick              # one seed, a twentieth of the steps, no docs
    python benchmarks/tasks.py --tasks reacher --seeds 1 --json calibration.json
    python benchmarks/tasks.py --tasks crafter/     # where pip install 'autoreward[crafter]' was typed

Finished trainings are kept in `--out` and not repeated, so that a stopped calibration goes on where it was.
"""

from __future__ import annotations

import os

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import json
import platform
import sys
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from autoreward.engine.contract import JobRequest, run_all
from autoreward.engine.local import LocalEngine
from autoreward.envs.registry import describe
from autoreward.records import write_bytes, write_record
from autoreward.task import Task, load_task, task_names
from autoreward.training.contract import Progress, RewardSpec, TrainingJob, TrainingResult
from autoreward.training.files import JOB

ROOT = Path(__file__).resolve().parent.parent
FIRST_SEED = 950_000
"""Away from the seeds of searches, selections and reports, and of the trainings that packs were tuned with."""
APART = ("voxel/", "minetest/", "crafter/", "metaworld/")
"""Worlds with pages of their own, `NOT_HERE`; named in `--tasks` they are calibrated all the same."""
NOT_HERE = (
    "Every task is here but those of four worlds that have pages of their own: `voxel/` is measured in "
    "[voxel.md](voxel.md), `minetest/` and `crafter/` in [voxel-engines.md](voxel-engines.md), `metaworld/` in "
    "[interpreters.md](interpreters.md). Crafter's, as in this table: `python benchmarks/tasks.py --tasks crafter/`, "
    "after `pip install 'autoreward[crafter]'`."
)
EPISODES = 50
"""Evaluation episodes of each training."""


@dataclass
class Options:
    """What to calibrate."""

    tasks: tuple[str, ...] = ()
    """Tasks; empty: all built-in ones."""
    seeds: int = 3
    out: Path = ROOT / "runs" / "calibration"
    """Folder of the trainings; finished ones are not repeated."""
    docs: Path | None = ROOT / "docs" / "tasks.md"
    """Page to write; only when all tasks are calibrated."""
    json_: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the numbers."""
    slots: int = 0
    """Trainings at once; 0: as many as cores."""
    quick: bool = False
    """One seed and a twentieth of the steps, to see that everything runs."""


@dataclass
class Row:
    """One reward on one task."""

    reward: str
    success: list[float]
    """One a seed."""
    score: list[float]
    steps: int
    seconds: float
    """Mean of the trainings."""
    failed: list[str] = field(default_factory=list)


def main(options: Options) -> None:
    names = chosen(options.tasks)
    seeds = [FIRST_SEED + index for index in range(1 if options.quick else options.seeds)]
    started = time.monotonic()
    tables: dict[str, list[Row]] = {}
    for name in names:
        task = load_task(name)
        steps = max(task.steps // 20, 2000) if options.quick else task.steps
        tables[name] = calibrate(task, steps, seeds, options)
        print(f"{name}: {time.monotonic() - started:.0f} s")
        print(
            "\n".join(
                f"  {row.reward:10s} success {row.success} score {row.score} {row.failed}" for row in tables[name]
            )
        )
    if options.json_:
        data = {name: [vars(row) for row in rows] for name, rows in tables.items()}
        write_bytes(options.json_, (json.dumps(data, indent=1) + "\n").encode())
    if options.docs and not options.quick and not options.tasks:
        write_bytes(options.docs, page(tables, len(seeds)).encode())
        print(f"wrote {options.docs}")


def chosen(asked: tuple[str, ...]) -> tuple[str, ...]:
    """The tasks to calibrate: all that the page has, or those asked for, `crafter/` meaning all of a world's.

    Raises:
        SystemExit: a world's package is not installed.
    """
    if not asked:
        return tuple(name for name in task_names() if not name.startswith(APART))
    known = {name: [each for each in task_names() if each.startswith(name)] for name in asked if name.endswith("/")}
    names = tuple(each for name in asked for each in known.get(name) or [name])
    if any(name.startswith("crafter/") for name in names) and find_spec("crafter") is None:
        raise SystemExit("Crafter is not installed; type pip install 'autoreward[crafter]'")
    return names


def rewards(task: Task) -> dict[str, RewardSpec]:
    """The baselines of a task."""
    best = (
        RewardSpec(kind="program", source=task.reference, grammar=task.grammar)
        if task.reference
        else RewardSpec(kind="human")
    )
    label = "reference" if task.reference else "human"
    return {"random": RewardSpec(kind="random"), "sparse": RewardSpec(kind="sparse"), label: best}


def calibrate(task: Task, steps: int, seeds: list[int], options: Options) -> list[Row]:
    """Train every baseline on every seed, several at once."""
    folders: dict[tuple[str, int], Path] = {}
    for label, reward in rewards(task).items():
        for seed in seeds:
            job = TrainingJob(task=task, reward=reward, seed=seed, episodes=20 if options.quick else EPISODES)
            folders[label, seed] = options.out / job.hash
            write_record(options.out / job.hash / JOB, job)
    engine = LocalEngine(options.slots, timeout=1800)
    results = run_all(engine, [JobRequest(folder=path, steps=steps) for path in folders.values()], _quiet)
    return [row(label, [results[folders[label, seed]] for seed in seeds], steps) for label in rewards(task)]


def _quiet(request: JobRequest, progress: Progress) -> None:
    """Nothing to show: the table comes at the end."""


def row(label: str, results: list[TrainingResult], steps: int) -> Row:
    """Sum up the seeds."""
    finals = [result.final for result in results if result.final is not None]
    return Row(
        reward=label,
        success=[round(final.success_rate, 3) for final in finals],
        score=[round(final.score, 3) for final in finals if final.score is not None],
        steps=0 if label == "random" else steps,
        seconds=round(float(np.mean([result.seconds for result in results])), 1),
        failed=[result.error or "failed" for result in results if result.final is None],
    )


def page(tables: dict[str, list[Row]], seeds: int) -> str:
    """The docs page."""
    parts = [
        "# The built-in tasks",
        "",
        f"Calibration: {seeds} seeds, {EPISODES} evaluation episodes each, deterministic policy (random: uniform "
        "actions). A cell gives the mean over seeds and, in brackets, each seed. Evaluated is the checkpoint "
        "with the best return under the reward it was trained on. `human` is the environment's own reward, `reference` "
        "a hand-written reward program beside the pack; `sparse` pays 1 in the step in which the success rule first "
        f"holds. {NOT_HERE}",
        "",
        f"Written by `python benchmarks/tasks.py` on {_machine()}.",
        "",
        "| task | reward | success | score | steps | seconds a training |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, rows in tables.items():
        parts += [
            f"| {name} | {entry.reward} | {_numbers(entry.success, percent=True)} | {_numbers(entry.score)} | "
            f"{entry.steps:,} | {entry.seconds:.0f} |"
            for entry in rows
        ]
    for name in tables:
        parts += ["", *_describe_task(name, load_task(name))]
    return "\n".join(parts) + "\n"


def _describe_task(name: str, task: Task) -> list[str]:
    schema = describe(task.env)
    score = "none" if task.score is None else f"`{task.score.expression}`, {task.score.reduce} over the episode"
    unit = f" ({task.score.unit})" if task.score is not None and task.score.unit else ""
    outcomes = ", ".join(f"`{key}`: `{text}`" for key, text in task.outcomes.items()) or "none"
    lines = [
        f"## {name}",
        "",
        f"> {' '.join(task.text.split())}",
        "",
        f"- Environment: `{task.env.id}`{f' with {task.env.kwargs}' if task.env.kwargs else ''}, at most "
        f"{schema.step_limit} steps. {schema.description}",
        f"- Success: `{task.success}`",
        f"- Score: {score}{unit}",
        f"- Outcomes: {outcomes}",
        f"- Budget of one training: {task.steps:,} steps",
        "",
        "| field | shape | unit | range | policy sees it | meaning |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for entry in schema.fields:
        low, high = ("" if bound is None else f"{bound:g}" for bound in (entry.low, entry.high))
        lines.append(
            f"| `{entry.name}` | {'x'.join(map(str, entry.shape)) or '1'} | {entry.unit} | "
            f"{f'{low} .. {high}' if low or high else ''} | {'yes' if entry.policy_sees else 'no'} | {entry.meaning} |"
        )
    return lines


def _numbers(values: list[float], percent: bool = False) -> str:
    if not values:
        return "-"

    def show(value: float) -> str:
        return f"{100 * value:.0f}%" if percent else f"{value:.2f}"

    return f"{show(float(np.mean(values)))} ({', '.join(show(value) for value in values)})"


def _machine() -> str:
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    versions: dict[str, Any] = {"Python": platform.python_version()}
    for package in ("gymnasium", "mujoco", "stable_baselines3", "torch"):
        module = __import__(package)
        versions[package] = getattr(module, "__version__", "?")
    return f"{os.cpu_count()} cores ({model}); " + ", ".join(f"{name} {version}" for name, version in versions.items())


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
    sys.exit(0)
