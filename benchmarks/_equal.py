"""Return at equal CPU-seconds: the trainer at the pack's settings against Stable-Baselines3 at its defaults.

Ours trains first, to the steps that it should reach in the budget by two short trainings of the same kind; then
Stable-Baselines3 gets the CPU-seconds that ours has really used, the most of any seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _jobs import (
    EPISODES,
    SB3_DEFAULT,
    ArmJob,
    ArmResult,
    own_environment,
    run_all,
    say,
    unjudged,
    whole,
    with_settings,
)
from _parity import finals

from autoreward.search.statistics import interval, iqm
from autoreward.task import Task, TrainerSettings, load_task
from autoreward.training.contract import RewardSpec

FIRST_SEED = 610_000
PROBES = (8_192, 32_768)
"""Steps of the two short trainings."""
ENDLESS = 10**8


@dataclass(frozen=True)
class Equal:
    """One task's results."""

    random: float
    ours: list[ArmResult]
    sb3: list[ArmResult]
    sb3_pack: list[ArmResult]


def measure(
    names: Sequence[str], trainer: str, seeds: int, budget: float, slots: int, out: Path, quick: bool
) -> dict[str, Equal]:
    """Train every arm on every task and seed; finished ones are not repeated."""
    return {name: _task(name, trainer, seeds, budget, slots, out, quick) for name in names}


def _task(name: str, trainer: str, seeds: int, budget: float, slots: int, out: Path, quick: bool) -> Equal:
    pack = own_environment(load_task(name))
    settings = pack.trainer.model_copy(update={"evaluations": min(pack.trainer.evaluations, 4)})
    task = with_settings(pack, trainer, settings)
    episodes = 2 if quick else EPISODES
    steps = steps_within(task, RewardSpec(kind="human"), budget, out)
    say(f"equal CPU: {name}, {steps:,} steps of ours in about {budget:g} CPU-seconds")
    numbers = range(FIRST_SEED, FIRST_SEED + seeds)
    ours = run_all(
        [ArmJob(arm="ours", task=task, seed=seed, steps=steps, episodes=episodes, judged=1) for seed in numbers],
        out,
        slots,
    )
    for result in ours:
        if result.training is None or result.training.status == "failed":
            raise SystemExit(f"{name} failed: {result.training and result.training.error}")
    # In whole seconds, so that a repeated command finds the results again.
    limit = float(np.ceil(max(result.cpu_seconds for result in ours)))

    def raw(at: TrainerSettings) -> list[ArmResult]:
        arm = with_settings(pack, "sb3", unjudged(at))
        jobs = [
            ArmJob(arm="raw", task=arm, seed=seed, steps=ENDLESS, cpu_limit=limit, episodes=episodes)
            for seed in numbers
        ]
        return run_all(jobs, out, slots)

    chance = ArmJob(arm="random", task=with_settings(pack, "sb3", SB3_DEFAULT), seed=FIRST_SEED, steps=0, episodes=100)
    return Equal(
        random=float(np.mean(run_all([chance], out, slots)[0].returns)),
        ours=ours,
        sb3=raw(SB3_DEFAULT),
        sb3_pack=raw(pack.trainer),
    )


def steps_within(task: Task, reward: RewardSpec, budget: float, out: Path) -> int:
    """Steps of a training that costs about `budget` CPU-seconds, by a line through two short ones."""
    jobs = [
        ArmJob(arm="ours", task=task, reward=reward, seed=FIRST_SEED + 1000, steps=whole(steps, task.trainer))
        for steps in PROBES
    ]
    short, long = run_all(jobs, out, 1)
    slope = (long.cpu_seconds - short.cpu_seconds) / (long.steps - short.steps)
    start = max(short.cpu_seconds - slope * short.steps, 0.0)
    return whole(max(int((budget - start) / slope), 1), task.trainer)


def figures(measured: dict[str, Equal]) -> dict[str, float]:
    """Flat keys such as `equal_cpu/reacher/ours`."""
    found: dict[str, float] = {}
    for name, entry in measured.items():
        for label, results in (("ours", entry.ours), ("sb3", entry.sb3), ("sb3_pack", entry.sb3_pack)):
            found[f"equal_cpu/{name}/{label}"] = iqm(finals(results))
            found[f"equal_cpu/{name}/{label}_cpu_seconds"] = float(np.mean([result.cpu_seconds for result in results]))
            found[f"equal_cpu/{name}/{label}_steps"] = float(np.mean([result.steps for result in results]))
    return found


def tables(measured: dict[str, Equal]) -> list[str]:
    """The page's part."""
    lines = [
        "| task | random | SB3, its defaults | SB3, the pack's settings | ours, the pack's settings "
        "| steps of the three | CPU-seconds: SB3, SB3, ours |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, entry in measured.items():
        arms = (entry.sb3, entry.sb3_pack, entry.ours)
        steps = ", ".join(f"{np.mean([result.steps for result in arm]) / 1000:,.0f}k" for arm in arms)
        seconds = ", ".join(f"{np.mean([result.cpu_seconds for result in arm]):.1f}" for arm in arms)
        cells = [name, f"{entry.random:,.1f}", *(_returns(arm) for arm in arms), steps, seconds]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _returns(results: Sequence[ArmResult]) -> str:
    values = finals(results)
    spread = interval(values)
    digits = 0 if max(map(abs, values)) >= 100 else 1
    ends = "" if spread is None else f" ({spread[0]:,.{digits}f} to {spread[1]:,.{digits}f})"
    return f"{iqm(values):,.{digits}f}{ends}"
