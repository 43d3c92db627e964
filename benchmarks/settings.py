"""Searches PPO's settings for a pack: random search at equal CPU-seconds, in two stages on different seeds.

    python benchmarks/settings.py --tasks hopper walker2d       # 16 settings a task; about 5 minutes each on 2 cores
    python benchmarks/settings.py --quick                       # under a minute: that it works, not what it finds
    python benchmarks/settings.py --json settings.json          # every pack; resumable

The reward is the environment's own, or the pack's hand-written reference where it has one. Every setting gets the same
CPU-seconds: those that the pack's own settings need for the pack's steps (evaluations left out), so that fast settings
may take more steps. First the pack's settings, Stable-Baselines3's defaults and random ones (drawn from `SPACE`, the
same ones for the same `--draw`) are trained on one seed each; then the best of them, and the pack's own in any case, on
seeds of their own. The winner is the best of the second stage: success rate of the shipped policy in steps of 5%, then
score.

The seeds (800,000 and up) serve nothing else: no search, no report, no other table. Finished trainings are kept in
`--out` and not repeated. This searches; it changes no pack.
"""

from __future__ import annotations

import os

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from _equal import steps_within
from _jobs import ROOT, SB3_DEFAULT, ArmJob, ArmResult, run_all, say, slots_or_cores, unjudged, with_settings
from _page import machine

from autoreward.records import write_bytes
from autoreward.task import Task, TrainerSettings, load_task, task_names
from autoreward.training.contract import RewardSpec

FIRST_SEED = 800_000
SECOND_SEED = 810_000
EPISODES = 50
"""Evaluation episodes of each training."""
GRAIN = 0.05
"""Success rates closer than this are told apart by the score."""
SPACE: dict[str, tuple[Any, ...]] = {
    "shape": ((8, 256), (16, 128), (16, 256), (32, 64), (32, 128), (64, 32), (64, 64)),
    "minibatch": (64, 128, 256, 512, 1024),
    "epochs": (4, 6, 10),
    "learning_rate": (1e-4, 3e-4, 5e-4, 1e-3, 2e-3),
    "gamma": (0.95, 0.98, 0.99, 0.995, 0.999),
    "gae_lambda": (0.9, 0.95, 0.98),
    "entropy": (0.0, 0.0, 0.001, 0.01),
    "log_std": (0.0, -0.7, -1.5),
}
"""What is drawn, each on its own and uniformly; `shape` is (num_envs, rollout). Nets stay as the pack has them."""


@dataclass
class Options:
    """What to search."""

    tasks: tuple[str, ...] = ()
    """Tasks; empty: all built-in ones."""
    candidates: int = 16
    """Settings of the first stage, the pack's and Stable-Baselines3's among them."""
    finalists: int = 4
    """Settings of the second stage, besides the pack's."""
    seeds: int = 4
    """Seeds of the second stage."""
    cpu_seconds: float = 0.0
    """Of each training; 0: what the pack's settings need for the pack's steps."""
    draw: int = 0
    """Which random settings."""
    trainer: str = "batch"
    slots: int = 0
    """Trainings at once; 0: as many as cores."""
    out: Path = ROOT / "runs" / "settings"
    """Folder of the trainings; finished ones are not repeated."""
    json_: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the figures, one flat object."""
    docs: Path | None = ROOT / "benchmarks" / "settings.md"
    """Page to write; only when all tasks are searched."""
    quick: bool = False
    """One task and tiny budgets, to see that everything runs."""


@dataclass(frozen=True)
class Candidate:
    """One setting of a task."""

    name: str
    """`pack`, `sb3`, or the number of a random one."""
    settings: TrainerSettings
    steps: int
    """That fit into the budget."""


@dataclass(frozen=True)
class Found:
    """How a candidate did, over the seeds of one stage."""

    candidate: Candidate
    success: float
    score: float
    """Minus infinity where the task has none, or where a training failed."""
    cpu_seconds: float

    @property
    def rank(self) -> tuple[float, float, float]:
        """Higher is better."""
        return round(self.success / GRAIN), self.score, self.success


def main(options: Options) -> None:
    started = time.monotonic()
    if options.quick:
        with tempfile.TemporaryDirectory() as folder:
            tiny = replace(options, candidates=3, finalists=1, seeds=1, cpu_seconds=1.0, out=Path(folder), docs=None)
            tables = search_all(replace(tiny, tasks=options.tasks or ("inverted_pendulum",)))
    else:
        tables = search_all(options)
    text = page(tables)
    sys.stdout.write(text)
    if options.json_:
        write_bytes(options.json_, (json.dumps(figures(tables), indent=1) + "\n").encode())
    if options.docs and not options.quick and not options.tasks:
        write_bytes(options.docs, text.encode())
        say(f"wrote {options.docs}")
    say(f"{time.monotonic() - started:.0f} s")


def search_all(options: Options) -> dict[str, list[list[Found]]]:
    """Both stages of every task, best first."""
    return {name: search(load_task(name), options) for name in options.tasks or task_names()}


def search(task: Task, options: Options) -> list[list[Found]]:
    """The two stages of one task."""
    budget = options.cpu_seconds or pack_budget(task, options)
    say(f"{task.name}: {options.candidates} settings of {budget:.0f} CPU-seconds each")
    drawn = [
        Candidate(name, settings, steps_within(_task(task, settings, options), reward(task), budget, options.out))
        for name, settings in draw(task, options).items()
    ]
    first = measure(task, drawn, [FIRST_SEED], options)
    chosen = [found.candidate for found in first[: options.finalists]]
    if all(candidate.name != "pack" for candidate in chosen):
        chosen.append(drawn[0])
    return [first, measure(task, chosen, range(SECOND_SEED, SECOND_SEED + options.seeds), options)]


def reward(task: Task) -> RewardSpec:
    """What is trained on."""
    if task.reference is None:
        return RewardSpec(kind="human")
    return RewardSpec(kind="program", source=task.reference, grammar="terms")


def pack_budget(task: Task, options: Options) -> float:
    """CPU-seconds of the pack's steps at the pack's settings, by a training of as many steps; whole seconds."""
    job = _job(task, Candidate("pack", task.trainer, task.steps), FIRST_SEED, options)
    return float(np.ceil(run_all([job], options.out, 1)[0].cpu_seconds))


def draw(task: Task, options: Options) -> dict[str, TrainerSettings]:
    """The settings of the first stage by name."""
    generator = np.random.default_rng([options.draw, *task.name.encode()])
    found = {"pack": task.trainer, "sb3": SB3_DEFAULT.model_copy(update={"hidden": task.trainer.hidden})}
    for index in range(options.candidates - len(found)):
        values = {name: choices[generator.integers(len(choices))] for name, choices in SPACE.items()}
        num_envs, rollout = values.pop("shape")
        changes = {**values, "num_envs": num_envs, "rollout": rollout}
        changes["minibatch"] = min(changes["minibatch"], num_envs * rollout)
        found[str(index)] = task.trainer.model_copy(update=changes)
    return found


def measure(task: Task, candidates: Sequence[Candidate], seeds: Sequence[int], options: Options) -> list[Found]:
    """Train every candidate on every seed; best first."""
    jobs = [_job(task, candidate, seed, options) for candidate in candidates for seed in seeds]
    results = run_all(jobs, options.out, slots_or_cores(options.slots))
    count = len(seeds)
    parts = [results[index * count : (index + 1) * count] for index in range(len(candidates))]
    found = [_found(candidate, part) for candidate, part in zip(candidates, parts, strict=True)]
    return sorted(found, key=lambda entry: entry.rank, reverse=True)


def _found(candidate: Candidate, results: Sequence[ArmResult]) -> Found:
    finals = [result.training.final if result.training else None for result in results]
    success = [0.0 if final is None else final.success_rate for final in finals]
    scores = [-np.inf if final is None or final.score is None else final.score for final in finals]
    return Found(
        candidate,
        float(np.mean(success)),
        float(np.mean(scores)),
        float(np.mean([result.cpu_seconds for result in results])),
    )


def _task(task: Task, settings: TrainerSettings, options: Options) -> Task:
    return with_settings(task, options.trainer, unjudged(settings))


def _job(task: Task, candidate: Candidate, seed: int, options: Options) -> ArmJob:
    return ArmJob(
        arm="ours",
        task=_task(task, candidate.settings, options),
        reward=reward(task),
        seed=seed,
        steps=candidate.steps,
        judged=2 if options.quick else EPISODES,
    )


def figures(tables: dict[str, list[list[Found]]]) -> dict[str, float]:
    """Flat keys such as `hopper/second/3/success`."""
    found: dict[str, float] = {}
    for name, stages in tables.items():
        for label, stage in zip(("first", "second"), stages, strict=True):
            for entry in stage:
                key = f"{name}/{label}/{entry.candidate.name}"
                found |= {f"{key}/success": entry.success, f"{key}/steps": entry.candidate.steps}
                found[f"{key}/cpu_seconds"] = entry.cpu_seconds
                if np.isfinite(entry.score):
                    found[f"{key}/score"] = entry.score
    return found


def page(tables: dict[str, list[list[Found]]]) -> str:
    """The tables, best settings first."""
    lines = ["# Settings: what the search found", "", f"Written by `python benchmarks/settings.py` on {machine()}.", ""]
    lines += [(__doc__ or "").split("\n\n", 2)[2].strip(), ""]
    for name, (first, second) in tables.items():
        lines += [f"## {name}", "", *_table(second), "", "The first stage, one seed:", "", *_table(first), ""]
    return "\n".join(lines)


def _table(stage: Sequence[Found]) -> list[str]:
    columns = [name for name in SPACE if name != "shape"]
    lines = [
        f"| setting | success | score | steps | CPU-seconds | num_envs x rollout | {' | '.join(columns)} |",
        "| --- " * (len(columns) + 6) + "|",
    ]
    for entry in stage:
        settings = entry.candidate.settings
        cells = [
            entry.candidate.name,
            f"{entry.success:.0%}",
            f"{entry.score:.3g}" if np.isfinite(entry.score) else "-",
            f"{entry.candidate.steps:,}",
            f"{entry.cpu_seconds:.1f}",
            f"{settings.num_envs} x {settings.rollout}",
            *(f"{getattr(settings, column):g}" for column in columns),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
