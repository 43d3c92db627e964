"""K policies trained together beside the same K one after the other, in one process, both by the product's own code."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from autoreward.task import Task
from autoreward.training.batch import BatchTrainer
from autoreward.training.contract import RewardSpec, TrainingJob, TrainingResult
from autoreward.training.ppo import PPO
from autoreward.training.stacked_ppo import Lesson, StackedPPO

Figures = dict[str, float]


def updates(learners: Callable[[], list[PPO]], lessons: Sequence[Lesson], repeats: int) -> Figures:
    """Milliseconds of one update of K learners; the two ways take turns, and the median counts.

    Args:
        learners: makes the K of them.
        lessons: a rollout for each.
        repeats: how often each way is timed.
    """
    alone, together = learners(), StackedPPO(learners())

    def one_by_one() -> None:
        for ppo, lesson in zip(alone, lessons, strict=True):
            ppo.update(*lesson)

    ways: dict[str, Callable[[], object]] = {"one_by_one": one_by_one, "stacked": lambda: together.update(lessons)}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats + 2):
        for name, work in ways.items():
            started = time.perf_counter()
            work()
            if alone[0].device.type == "cuda":
                torch.cuda.synchronize(alone[0].device)
            times[name].append(1000.0 * (time.perf_counter() - started))
    return {f"{name}_ms": statistics.median(found[2:]) for name, found in times.items()}  # two to warm up


def trainings(task: Task, count: int, steps: int, rounds: int, seed: int, out: Path) -> Figures:
    """Steps of all `count` trainings a second and a CPU-second; the two ways take turns, and the median counts.

    Starts and the wait for the final evaluations are in it; the CPU time of the evaluators, the same in both, is not.
    """
    jobs = [
        TrainingJob(task=task, reward=RewardSpec(kind="human"), seed=seed + place, episodes=1) for place in range(count)
    ]
    folders = [out / f"stacked-{place}" for place in range(count)]
    ways = {"one_by_one": _one_by_one, "stacked": _together}
    rates: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, work in ways.items():
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
            started, used = time.perf_counter(), time.process_time()
            for result in work(jobs, steps, folders):
                if isinstance(result, Exception):
                    raise SystemExit(f"a training failed: {result}")
            seconds = {"second": time.perf_counter() - started, "cpu_second": time.process_time() - used}
            for unit, taken in seconds.items():
                rates.setdefault(f"{name}/steps_per_{unit}", []).append(count * steps / taken)
    return {name: statistics.median(found) for name, found in rates.items()}


def _one_by_one(jobs: list[TrainingJob], steps: int, folders: list[Path]) -> list[TrainingResult | Exception]:
    return [
        BatchTrainer().train(job, steps, folder, lambda progress: None)
        for job, folder in zip(jobs, folders, strict=True)
    ]


def _together(jobs: list[TrainingJob], steps: int, folders: list[Path]) -> list[TrainingResult | Exception]:
    quiet = [lambda progress: None] * len(jobs)
    return [outcome for _, outcome in BatchTrainer().train_together(jobs, steps, folders, quiet)]
