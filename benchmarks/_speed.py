"""How fast: steps per CPU-second and per second of the trainer and of Stable-Baselines3, interleaved in one run."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

from _jobs import (
    QUICK,
    SB3_DEFAULT,
    ArmJob,
    ArmResult,
    digest,
    run_once,
    say,
    slots_or_cores,
    unjudged,
    whole,
    with_settings,
)

from autoreward.records import Record, read_record, write_record
from autoreward.task import Task, load_task
from autoreward.training.contract import RewardSpec

FIRST_SEED = 620_000
HEADLINE = ("half_cheetah", "hopper")
"""Tasks with a claimed ratio: these get every round, the others one."""
TASKS = (*HEADLINE, "inverted_pendulum", "reacher", "mountain_car_continuous", "lunar_lander")
"""The tasks of the table of returns."""
SCALED = ("half_cheetah",)
"""Tasks on which two trainings at once are timed."""
RAW_SHARE = 3
"""Stable-Baselines3 trains a third of the steps: it has no start and no evaluation to spread over a training."""
LONGEST = 200_000
"""Steps of one training here, at most."""

FORWARD = """\
IDEA = "Go forward, level and smooth; effort costs."
WEIGHTS = {"forward": 1.0, "level": 0.2, "smooth": 0.05, "effort": 0.1}

def compute_reward(state, action, next_state, memory):
    return {
        "forward": next_state["forward_velocity"],
        "level": np.cos(next_state["pitch"]),
        "smooth": -np.sum(np.square(next_state["joint_velocities"] - state["joint_velocities"]), axis=-1),
        "effort": -np.sum(np.square(action), axis=-1),
    }
"""
"""A reward program of the usual size, for the packs whose robots run."""


class Rate(Record):
    """What one training took."""

    steps: int
    cpu_seconds: float
    child_cpu_seconds: float
    """Of the evaluator and the cell."""
    seconds: float

    @property
    def per_own_cpu(self) -> float:
        """Environment steps per CPU-second of the training process alone."""
        return self.steps / (self.cpu_seconds - self.child_cpu_seconds)

    @property
    def per_cpu(self) -> float:
        """Environment steps per CPU-second."""
        return self.steps / self.cpu_seconds

    @property
    def per_second(self) -> float:
        """Environment steps per second of the clock."""
        return self.steps / self.seconds


class Round(Record):
    """Every arm once, one after the other."""

    arms: dict[str, Rate]


class Scaling(Record):
    """Steps per second, by arrangement."""

    one_core: float
    """One training that has a single core for itself, its evaluator and its cell."""
    one: float
    """One training that may use every core."""
    two: float
    """Two trainings at once on two cores, together."""


def program(task: Task) -> str | None:
    """The reward program that is timed in its cell, where there is one for the task."""
    return FORWARD if task.name in HEADLINE else task.reference


def arms(task: Task, trainer: str, quick: bool) -> dict[str, ArmJob]:
    """Every arm of a task; each is one training from its start to its result.

    `ours` is charged with what a candidate of a search pays: evaluations on the way, the final ones, the cell.
    """
    pack = unjudged(task.trainer) if quick else task.trainer
    default = SB3_DEFAULT.model_copy(update={"gamma": 0.99, "evaluations": pack.evaluations})
    default = default.model_copy(update={"evaluation_episodes": pack.evaluation_episodes})
    steps = QUICK if quick else min(task.steps, LONGEST)

    def job(raw: bool, at_default: bool, source: str | None = None) -> ArmJob:
        settings = default if at_default else pack
        reward = RewardSpec(kind="human") if source is None else RewardSpec(kind="program", source=source)
        return ArmJob(
            arm="raw" if raw else "ours",
            task=with_settings(task, trainer, settings),
            reward=reward,
            seed=FIRST_SEED,
            steps=whole(steps // RAW_SHARE if raw else steps, settings),
            judged=0 if raw or quick else pack.evaluation_episodes,
        )

    found = {
        "sb3/default": job(raw=True, at_default=True),
        "ours/default": job(raw=False, at_default=True),
        "sb3/pack": job(raw=True, at_default=False),
        "ours/pack": job(raw=False, at_default=False),
    }
    if (source := program(task)) is not None:
        found["ours/pack/program"] = job(raw=False, at_default=False, source=source)
    return found


def measure(names: tuple[str, ...], trainer: str, rounds: int, out: Path, quick: bool) -> dict[str, list[Round]]:
    """Every arm of every task in so many rounds (one for tasks without a claim); rounds that are there are kept."""
    tables: dict[str, list[Round]] = {name: [] for name in names}
    for index in range(rounds):
        for name in names:
            if index and name not in HEADLINE:
                continue
            jobs = arms(load_task(name), trainer, quick)
            place = out / f"{name.replace('/', '_')}-{digest(jobs.values())}-{index}.json"
            if not place.exists():
                say(f"speed of {name}, round {index + 1}")
                write_record(place, one_round(jobs, out))
            tables[name].append(read_record(place, Round))
    return tables


def one_round(jobs: dict[str, ArmJob], out: Path) -> Round:
    """One arm after the other, alone."""
    results = {label: run_once([job], out)[0] for label, job in jobs.items()}
    return Round(arms={label: rate(result, label) for label, result in results.items()})


def rate(result: ArmResult, label: str) -> Rate:
    """The rate of a training that went well."""
    if result.training is not None and result.training.status == "failed":
        raise SystemExit(f"{label} failed: {result.training.error}")
    return Rate(
        steps=result.steps,
        cpu_seconds=result.cpu_seconds,
        child_cpu_seconds=result.child_cpu_seconds,
        seconds=result.seconds,
    )


def scaling(name: str, trainer: str, rounds: int, out: Path, quick: bool) -> list[Scaling]:
    """One training against two at once; trainings without evaluations, so that one training needs one core."""
    task = load_task(name)
    settings = unjudged(task.trainer)
    job = ArmJob(
        arm="ours",
        task=with_settings(task, trainer, settings),
        seed=FIRST_SEED,
        steps=whole(QUICK if quick else min(task.steps, LONGEST), settings),
    )
    found = []
    for index in range(rounds):
        place = out / f"{name.replace('/', '_')}-{digest([job])}-scaling-{index}.json"
        if not place.exists():
            say(f"scaling on {name}, round {index + 1}")
            alone = [job.model_copy(update={"cores": 1})]
            both = [job, job.model_copy(update={"seed": FIRST_SEED + 1})]
            if slots_or_cores(0) > len(both):
                both = [each.model_copy(update={"cores": len(both)}) for each in both]
            speeds = [
                sum(rate(entry, name).per_second for entry in run_once(jobs, out)) for jobs in (alone, [job], both)
            ]
            write_record(place, Scaling(one_core=speeds[0], one=speeds[1], two=speeds[2]))
        found.append(read_record(place, Scaling))
    return found


def median(rounds: list[Round], label: str, of: Callable[[Rate], float]) -> float:
    """Median over the rounds."""
    return statistics.median(of(entry.arms[label]) for entry in rounds)


def ratio(rounds: list[Round], label: str, against: str, of: Callable[[Rate], float]) -> float:
    """Median over the rounds of the ratio within each."""
    return statistics.median(of(entry.arms[label]) / of(entry.arms[against]) for entry in rounds)


RATIOS = {
    "default": ("ours/default", "sb3/default"),
    "pack": ("ours/pack", "sb3/default"),
    "pack/program": ("ours/pack/program", "sb3/default"),
    "pack/system": ("ours/pack", "sb3/pack"),
}
"""Key -> arms compared."""


def figures(tables: dict[str, list[Round]], scalings: dict[str, list[Scaling]]) -> dict[str, float]:
    """Flat keys such as `half_cheetah/default/ratio` and `half_cheetah/ours/pack/steps_per_cpu_second`."""
    found: dict[str, float] = {}
    for name, rounds in tables.items():
        for label in rounds[0].arms:
            found[f"{name}/{label}/steps_per_cpu_second"] = median(rounds, label, lambda rate: rate.per_cpu)
            found[f"{name}/{label}/steps_per_second"] = median(rounds, label, lambda rate: rate.per_second)
        for key, (label, against) in RATIOS.items():
            if label in rounds[0].arms:
                found[f"{name}/{key}/ratio"] = ratio(rounds, label, against, lambda rate: rate.per_cpu)
                found[f"{name}/{key}/wall_ratio"] = ratio(rounds, label, against, lambda rate: rate.per_second)
                found[f"{name}/{key}/unjudged_ratio"] = ratio(rounds, label, against, lambda rate: rate.per_own_cpu)
    for name, entries in scalings.items():
        found[f"{name}/two_workers/ratio"] = statistics.median(entry.two / entry.one_core for entry in entries)
        found[f"{name}/two_workers/ratio_to_all_cores"] = statistics.median(entry.two / entry.one for entry in entries)
    return found


def tables(measured: dict[str, list[Round]], scalings: dict[str, list[Scaling]]) -> list[str]:
    """The page's part."""
    lines = [
        "| task | SB3, its defaults | ours, the same settings | ratio | ours, the pack's settings | ratio | "
        "with a reward program in the cell | ratio | SB3, the pack's settings | ours / SB3 there |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [_row(name, rounds) for name, rounds in measured.items()]
    flat = figures(measured, scalings)
    lines += [
        "",
        "The same ratios by the clock, and by CPU-seconds without evaluator and cell:",
        "",
        "| task | same settings, by the clock | the pack's | same settings, training alone | the pack's |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name in measured:
        keys = ("default/wall_ratio", "pack/wall_ratio", "default/unjudged_ratio", "pack/unjudged_ratio")
        shown = [f"{flat[f'{name}/{key}']:.1f}" for key in keys]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    for name in scalings:
        lines += [
            "",
            f"Two trainings at once on two cores ({name}): **{flat[f'{name}/two_workers/ratio']:.2f} times** the steps "
            "per second of one training that has one core, and "
            f"{flat[f'{name}/two_workers/ratio_to_all_cores']:.2f} times those of one training that may use both (its "
            "evaluator runs beside it).",
        ]
    return lines


def _row(name: str, rounds: list[Round]) -> str:
    def speed(label: str) -> str:
        values = [entry.arms[label].per_cpu for entry in rounds if label in entry.arms]
        if not values:
            return "-"
        spread = f" ({min(values):,.0f} - {max(values):,.0f})" if len(values) > 1 else ""
        return f"{statistics.median(values):,.0f}{spread}"

    def times(key: str) -> str:
        label, against = RATIOS[key]
        if label not in rounds[0].arms:
            return "-"
        return f"**{ratio(rounds, label, against, lambda rate: rate.per_cpu):.1f}**"

    cells = [
        name,
        speed("sb3/default"),
        speed("ours/default"),
        times("default"),
        speed("ours/pack"),
        times("pack"),
        speed("ours/pack/program"),
        times("pack/program"),
        speed("sb3/pack"),
        times("pack/system"),
    ]
    return f"| {' | '.join(cells)} |"
