"""A sweep's record as it might come out, made up: two tasks, two arms, five seeds, with baselines and costs."""

from __future__ import annotations

import random
from typing import Any

from autoreward.store.records import Row
from autoreward.sweeps.records import Point, SweepRecord, SweepRun, SweepSpent


def row(name: str, success: tuple[float, ...]) -> Row:
    given: dict[str, Any] = {
        "name": name,
        "label": name,
        "trainings": {3000 + i: f"{i:016x}" for i in range(len(success))},
    }
    return Row(**given, success=success, episodes=50, steps=1000, seconds=1.0, success_iqm=sum(success) / len(success))


def run(task: str, seed: int, arm: str, success: tuple[float, ...], **changes: Any) -> SweepRun:
    """A finished run with its baselines, whose search took two rounds."""
    rows = [row("random", (0.0,)), row("sparse", (0.2, 0.4)), row("human", (0.9, 0.7)), row("designed", success)]
    usd = 0.01 * (seed + 1) if arm.startswith("llm") else 0.0
    best = max(success)
    points = [Point(env_steps=1000 * (k + 1), usd=usd * (k + 1), success=best * (k + 1) / 2) for k in range(2)]
    made = SweepRun(name=f"{task}_seed{seed}_{arm}", task=task, seed=seed, arm=arm, status="finished", rows=tuple(rows))
    return made.model_copy(update={"path": tuple(points), **changes})


def example(seeds: int = 5) -> SweepRecord:
    """Everything finished; `llm` does better on the first task, equally on the second."""
    rng, runs = random.Random(1), []
    for seed in range(seeds):
        for task, level in (("reacher", 0.6), ("hopper <b>", 0.3)):
            for arm, more in (("composer", 0.0), ("llm-m", 0.25 if task == "reacher" else 0.0)):
                success = tuple(min(1.0, max(0.0, level + more + rng.uniform(-0.2, 0.2))) for _ in range(3))
                runs.append(run(task, seed, arm, success))
    spent = SweepSpent(env_steps=123_456, wall_seconds=4000.0, llm_tokens=98_765, llm_usd=0.31)
    return SweepRecord(file="s.yaml", runs=tuple(runs), spent=spent)
