"""Does it learn like Stable-Baselines3: same settings, same number of steps, many seeds; statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _jobs import (
    EPISODES,
    QUICK,
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
from numpy.typing import NDArray
from scipy.stats import trim_mean

from autoreward.search.statistics import CONFIDENCE, MIN_SEEDS, RESAMPLES, SEED, TRIM
from autoreward.task import TrainerSettings, load_task

FIRST_SEED = 600_000
RANDOM_EPISODES = 100
MARGIN = -0.10
"""The claim: the lower bound of the difference is above this share of what Stable-Baselines3 gains."""
Doubles = NDArray[np.float64]


def _settings(**changes: float | int) -> TrainerSettings:
    return unjudged(TrainerSettings.model_validate({**SB3_DEFAULT.model_dump(), **changes}))


LARGE = {"num_envs": 64, "rollout": 32, "minibatch": 512, "learning_rate": 1e-3, "log_std": -0.7}
SETTINGS: dict[str, tuple[TrainerSettings, int]] = {
    "half_cheetah": (_settings(**LARGE), 204_800),
    "hopper": (_settings(num_envs=16, rollout=128, minibatch=128), 81_920),
    "inverted_pendulum": (_settings(num_envs=16, rollout=64, minibatch=128, learning_rate=1e-3), 102_400),
    "reacher": (
        _settings(num_envs=32, rollout=50, minibatch=160, learning_rate=1e-3, log_std=-0.7, gamma=0.9),
        100_800,
    ),
    "mountain_car_continuous": (_settings(num_envs=16, rollout=128, minibatch=256, gamma=0.999), 102_400),
    "lunar_lander": (
        _settings(num_envs=16, rollout=128, minibatch=256, learning_rate=1e-3, gamma=0.995, entropy=0.01),
        204_800,
    ),
}
"""Settings and steps of each task, the same for both trainers; what is not said is Stable-Baselines3's default."""
MORE_SEEDS = {"half_cheetah": 5, "hopper": 2, "lunar_lander": 3}
"""Times the seeds of the others: two seeds of one trainer lie further apart here than the margin is wide."""


@dataclass(frozen=True)
class Table:
    """One task's results."""

    steps: int
    random: float
    """Mean return of uniform actions."""
    sb3: list[ArmResult]
    ours: list[ArmResult]


@dataclass(frozen=True)
class Difference:
    """Ours less Stable-Baselines3's, as a share of what that gains over uniform actions."""

    share: float
    low: float
    high: float
    resampled: Doubles
    """[RESAMPLES]."""

    @property
    def holds(self) -> bool:
        """Whether the claim holds."""
        return self.low > MARGIN


def measure(names: Sequence[str], trainer: str, seeds: int, slots: int, out: Path, quick: bool) -> dict[str, Table]:
    """Train both on every task and seed, several at once; finished ones are not repeated."""
    jobs: list[ArmJob] = []
    for name in names:
        many = 1 if quick else MORE_SEEDS.get(name, 1)
        for seed in range(FIRST_SEED, FIRST_SEED + many * seeds):
            jobs += [_job(name, arm, trainer, seed, quick) for arm in ("raw", "ours")]
    jobs += [_random(name, trainer) for name in names]
    say(f"parity: {len(jobs)} trainings")
    results = dict(zip((job.name for job in jobs), run_all(jobs, out, slots), strict=True))
    for name, result in results.items():
        if result.training is not None and result.training.status == "failed":
            raise SystemExit(f"{name} failed: {result.training.error}")

    def of(name: str, arm: str) -> list[ArmResult]:
        return [results[job.name] for job in jobs if job.task.name == name and job.arm == arm]

    return {
        name: Table(
            steps=of(name, "raw")[0].steps,
            random=float(np.mean(of(name, "random")[0].returns)),
            sb3=of(name, "raw"),
            ours=of(name, "ours"),
        )
        for name in names
    }


def _job(name: str, arm: str, trainer: str, seed: int, quick: bool) -> ArmJob:
    settings, steps = SETTINGS[name]
    return ArmJob(
        arm="raw" if arm == "raw" else "ours",
        task=with_settings(own_environment(load_task(name)), trainer, settings),
        seed=seed,
        steps=whole(QUICK if quick else steps, settings),
        episodes=2 if quick else EPISODES,
    )


def _random(name: str, trainer: str) -> ArmJob:
    task = with_settings(own_environment(load_task(name)), trainer, SETTINGS[name][0])
    return ArmJob(arm="random", task=task, seed=FIRST_SEED, steps=0, episodes=RANDOM_EPISODES)


def finals(results: Sequence[ArmResult]) -> list[float]:
    """Mean return of each seed's Gymnasium episodes, with its last policy."""
    return [float(np.mean(result.returns)) for result in results]


def late(results: Sequence[ArmResult]) -> list[float]:
    """Mean return of each seed's training episodes of the last fifth (the last ones, where none ended there)."""
    found = []
    for result in results:
        steps, returns = np.array(result.training_steps), np.array(result.training_returns)
        last = steps > 0.8 * result.steps
        last = last if last.any() else steps == steps.max()
        found.append(float(returns[last].mean()))
    return found


def difference(ours: Sequence[float], sb3: Sequence[float], random: float) -> Difference:
    """The difference of interquartile means with its 95% interval (percentile bootstrap, each trainer for itself).

    Both means are resampled, and so is the gain that the difference is divided by. After Agarwal et al. 2021,
    https://arxiv.org/abs/2108.13264.
    """
    generator = np.random.default_rng(SEED)
    left, right = _resampled(ours, generator), _resampled(sb3, generator)
    gain = right - random
    share = np.where(gain > 0, (left - right) / np.where(gain > 0, gain, 1.0), math.nan)
    low, high = np.nanquantile(share, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    theirs = float(trim_mean(sb3, TRIM))
    return Difference((float(trim_mean(ours, TRIM)) - theirs) / (theirs - random), float(low), float(high), share)


def _resampled(values: Sequence[float], generator: np.random.Generator) -> Doubles:
    """Interquartile means of samples drawn with replacement, [RESAMPLES]."""
    rows = generator.integers(0, len(values), (RESAMPLES, len(values)))
    means: Doubles = trim_mean(np.asarray(values)[rows], TRIM, axis=1)
    return means


def overall(differences: Sequence[Difference]) -> Difference:
    """Mean over the tasks, resampled in each (a stratified bootstrap)."""
    mean = np.mean([entry.resampled for entry in differences], axis=0)
    low, high = np.nanquantile(mean, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Difference(float(np.mean([entry.share for entry in differences])), float(low), float(high), mean)


def figures(measured: dict[str, Table]) -> dict[str, float]:
    """Flat keys such as `parity/reacher/low`."""
    found: dict[str, float] = {}
    for name, table in measured.items():
        entry = difference(finals(table.ours), finals(table.sb3), table.random)
        found |= {
            f"parity/{name}/random": table.random,
            f"parity/{name}/sb3": float(trim_mean(finals(table.sb3), TRIM)),
            f"parity/{name}/ours": float(trim_mean(finals(table.ours), TRIM)),
            f"parity/{name}/share": entry.share,
            f"parity/{name}/low": entry.low,
            f"parity/{name}/high": entry.high,
            f"parity/{name}/seeds": len(table.ours),
        }
    return found


def tables(measured: dict[str, Table]) -> list[str]:
    """The page's part."""
    lines = [
        "| task | steps | random | SB3: IQM (each seed) | ours: IQM (each seed) "
        "| difference, share of SB3's gain (95%) | holds | the same of the late training episodes |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    entries = []
    for name, table in measured.items():
        ours, sb3 = finals(table.ours), finals(table.sb3)
        entries.append(difference(ours, sb3, table.random))
        training = difference(late(table.ours), late(table.sb3), table.random)
        cells = [
            name,
            f"{table.steps:,}",
            f"{table.random:,.1f}",
            _seeds(sb3),
            _seeds(ours),
            _share(entries[-1]),
            "yes" if entries[-1].holds else "**no**",
            _share(training),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    if len(entries) > 1:
        whole_table = overall(entries)
        verdict = "yes" if whole_table.holds else "**no**"
        lines.append(f"| all, mean | | | | | {_share(whole_table)} | {verdict} | |")
    return lines + split(measured)


def _share(entry: Difference) -> str:
    return f"{entry.share:+.0%} ({entry.low:+.0%} to {entry.high:+.0%})"


def _seeds(values: Sequence[float]) -> str:
    digits = 0 if max(map(abs, values)) >= 100 else 1
    return f"{trim_mean(values, TRIM):,.{digits}f} ({', '.join(f'{value:,.{digits}f}' for value in sorted(values))})"


def split(measured: dict[str, Table]) -> list[str]:
    """For the tasks with more seeds: the difference by the first seeds alone, and by those that were added."""
    lines = []
    for name, table in measured.items():
        if (many := MORE_SEEDS.get(name, 1)) == 1 or len(table.ours) < many * MIN_SEEDS:
            continue
        first = len(table.ours) // many
        parts = [
            _share(difference(finals(table.ours[part]), finals(table.sb3[part]), table.random))
            for part in (slice(first), slice(first, None))
        ]
        lines.append(f"| {name} | {first} | {parts[0]} | {len(table.ours) - first} | {parts[1]} |")
    if not lines:
        return []
    return ["", "| task | first seeds | difference | seeds added | difference |", "| --- " * 5 + "|", *lines]
