"""What the runs of a sweep show together: success by task and arm, who does better, and what it took.

Only whole comparisons count: a task and seed of which every arm that was planned has finished. Of others, one arm's
result would stand beside nothing, and tasks that are hard would weigh less in whoever is behind.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from autoreward.sweeps.records import Point, SweepRecord, SweepRun
from autoreward.sweeps.statistics import Estimate, better, overall, profile

BASELINES = {"random": ("random",), "sparse": ("sparse",), "human or reference": ("human", "reference")}
"""Arm -> names of a report's rows."""
THRESHOLDS = tuple(step / 20 for step in range(21))
"""Of the performance profile."""
Values = dict[str, dict[str, dict[int, float]]]
"""Arm -> task -> seed -> mean success of the run's reward on fresh seeds."""
Curve = tuple[tuple[float, float], ...]
"""(what was spent, mean over the runs of the best success so far)."""


@dataclass(frozen=True)
class Pair:
    """Two arms compared."""

    first: str
    second: str
    estimate: Estimate
    """Probability that a run of the second does better than one of the first."""


@dataclass(frozen=True)
class Summary:
    """A sweep's results; see the module."""

    tasks: tuple[str, ...]
    arms: tuple[str, ...]
    """What was compared, in the order of the file."""
    baselines: tuple[str, ...]
    """Those that were measured."""
    values: Values
    by_task: dict[tuple[str, str], Estimate]
    """(arm or baseline, task) -> interquartile mean over runs."""
    overall: dict[str, Estimate]
    profiles: dict[str, list[Estimate]]
    """For each of `THRESHOLDS`."""
    pairs: tuple[Pair, ...]
    """Each arm against those after it, and against the baselines."""
    by_steps: dict[str, Curve]
    """Arm -> success over environment steps of the search."""
    by_usd: dict[str, Curve]
    """The same over US dollars; arms that spent none, or at prices not known, are left out."""
    comparisons: int
    """Tasks and seeds that count."""
    planned: int
    """Those of the sweep."""
    uneven: bool
    """Whether arms have other tasks or seeds than others, so that their overall numbers are not of the same thing."""

    @property
    def everything(self) -> tuple[str, ...]:
        """Arms and baselines."""
        return (*self.arms, *self.baselines)


def summarise(record: SweepRecord) -> Summary:
    """Compute a sweep's summary from its record."""
    runs = record.runs
    whole = [run for _, together in _comparisons(runs) if all(_done(run) for run in together) for run in together]
    tasks, arms = tuple(dict.fromkeys(run.task for run in runs)), tuple(dict.fromkeys(run.arm for run in runs))
    values = _values(whole, arms)
    baselines = tuple(name for name in BASELINES if name in values)
    strata = {arm: [tuple(values.get(arm, {}).get(task, {}).values()) for task in tasks] for arm in (*arms, *baselines)}
    cells = {(arm, task): overall([of]) for arm in strata for task, of in zip(tasks, strata[arm], strict=True)}
    totals = {arm: overall(of) if len(tasks) > 1 else cells[arm, tasks[0]] for arm, of in strata.items()}
    found = [(one, two, better(strata[one], strata[two])) for one, two in _against(arms, baselines)]
    return Summary(
        tasks=tasks,
        arms=arms,
        baselines=baselines,
        values=values,
        by_task={key: estimate for key, estimate in cells.items() if estimate},
        overall={arm: estimate for arm, estimate in totals.items() if estimate},
        profiles={arm: profile(of, THRESHOLDS) for arm, of in strata.items() if any(of)},
        pairs=tuple(Pair(one, two, estimate) for one, two, estimate in found if estimate),
        by_steps=_curves(whole, arms, lambda point: float(point.env_steps)),
        by_usd=_curves([run for run in whole if _paid(run)], arms, lambda point: point.usd or 0.0),
        comparisons=len({(run.task, run.seed) for run in whole}),
        planned=len({(run.task, run.seed) for run in runs}),
        uneven=len({frozenset((run.task, run.seed) for run in runs if run.arm == arm) for arm in arms}) > 1,
    )


def success_of(run: SweepRun) -> float | None:
    """Mean success of a finished run's designed reward on fresh seeds; 0 where it has found none.

    None while it is not finished, or where this machine lost every training of it.
    """
    if run.status != "finished":
        return None
    row = run.designed
    return 0.0 if row is None else fmean(row.success) if row.success else None


def baseline_of(run: SweepRun, name: str) -> float | None:
    """Mean success of one of `BASELINES` in a run's report; None where it was not measured."""
    row = next((row for row in run.rows if row.name in BASELINES[name] and row.success), None)
    return fmean(row.success) if row else None


def _done(run: SweepRun) -> bool:
    return success_of(run) is not None


def _comparisons(runs: Sequence[SweepRun]) -> Iterator[tuple[tuple[str, int], list[SweepRun]]]:
    groups: dict[tuple[str, int], list[SweepRun]] = {}
    for run in runs:
        groups.setdefault((run.task, run.seed), []).append(run)
    yield from groups.items()


def _values(runs: Sequence[SweepRun], arms: Sequence[str]) -> Values:
    values: Values = {arm: {} for arm in arms}
    for run in runs:
        values[run.arm].setdefault(run.task, {})[run.seed] = success_of(run) or 0.0
        for name in BASELINES:  # the same training in all arms
            if (value := baseline_of(run, name)) is not None:
                values.setdefault(name, {}).setdefault(run.task, {}).setdefault(run.seed, value)
    return values


def _against(arms: Sequence[str], baselines: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield from itertools.combinations(arms, 2)
    yield from itertools.product(baselines, arms)


def _paid(run: SweepRun) -> bool:
    return bool(run.path) and all(point.usd is not None for point in run.path) and bool(run.path[-1].usd)


def _curves(runs: Sequence[SweepRun], arms: Sequence[str], spent: Callable[[Point], float]) -> dict[str, Curve]:
    found = {arm: _curve([run.path for run in runs if run.arm == arm and run.path], spent) for arm in arms}
    return {arm: curve for arm, curve in found.items() if curve}


def _curve(paths: Sequence[Sequence[Point]], spent: Callable[[Point], float]) -> Curve:
    """Mean over runs of the best so far, where at least one has come to its next round; before the first: 0."""
    steps = sorted({spent(point) for path in paths for point in path})
    places = [0] * len(paths)
    curve = [(0.0, 0.0)] if steps else []
    for at in steps:
        for number, path in enumerate(paths):
            while places[number] < len(path) and spent(path[places[number]]) <= at:
                places[number] += 1
        best = [path[place - 1].success if place else 0.0 for path, place in zip(paths, places, strict=True)]
        curve.append((at, fmean(best)))
    return tuple(curve)
