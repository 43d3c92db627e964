"""Aggregates over tasks and runs: interquartile mean, performance profile, probability of improvement.

All with stratified bootstrap intervals, after Agarwal et al. 2021: Deep Reinforcement Learning at the Edge of the
Statistical Precipice, NeurIPS 2021, https://arxiv.org/abs/2108.13264. Success rates are in [0, 1] as they are, so
nothing is normalised. There is one value a run, its mean success on fresh seeds: what is drawn again is the whole run,
design and training, since its own trainings share one reward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from autoreward.search.statistics import CONFIDENCE, MIN_SEEDS, RESAMPLES, SEED, TRIM, improvement, iqm

Strata = Sequence[Sequence[float]]
"""For each task, one value a run."""
BATCH = 500
"""Resamples at once: memory stays small with a thousand runs."""
FEWER = 2000
"""Resamples of each point of a profile, and where there are many pairs of runs."""
MANY_PAIRS = 10_000
"""Of one task: from here on each resample costs more than it tells."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% interval."""

    value: float
    interval: tuple[float, float] | None
    """None where too few runs are there to claim one."""
    runs: int


def overall(strata: Strata) -> Estimate | None:
    """The interquartile mean over all runs of all tasks; None without a run.

    The interval is of the stratified bootstrap (percentile method): runs are drawn again within each task, so that each
    resample has as many of each task. None below five runs, or where a task has a single one, which no resample varies.

    Args:
        strata: one sequence a task; values in [0, 1].
    """
    given = [values for values in strata if len(values)]
    if not given:
        return None
    value = iqm([value for values in given for value in values])
    return Estimate(value, _interval(given, _trimmed), sum(map(len, given)))


def profile(strata: Strata, thresholds: Sequence[float]) -> list[Estimate]:
    """The performance profile: for each threshold, the share of all runs whose value is above it.

    The run-score distribution of section 4.2, with pointwise intervals as in `overall`.
    """
    given = [values for values in strata if len(values)]
    found = []
    for threshold in thresholds:
        above = [[float(value > threshold) for value in values] for values in given]
        count = sum(map(len, above))
        share = sum(map(sum, above)) / count if count else 0.0
        found.append(Estimate(share, _interval(above, _mean, FEWER), count))
    return found


def better(first: Strata, second: Strata) -> Estimate | None:
    """Probability that a run of the second does better than one of the first on the same task, mean over tasks.

    Equals count half (section 4.3, the Mann-Whitney statistic of each task). The interval draws the runs of both again
    within each task; it is claimed as in `overall`, for both.

    Args:
        first: for each task, one value a run.
        second: the same tasks in the same order. Tasks that one of them has no run of are left out; None where no task
            is left.
    """
    pairs = [(one, two) for one, two in zip(first, second, strict=True) if len(one) and len(two)]
    if not pairs:
        return None
    value = sum(improvement(one, two) for one, two in pairs) / len(pairs)
    runs = min(sum(len(one) for one, _ in pairs), sum(len(two) for _, two in pairs))
    sides = [[pair[side] for pair in pairs] for side in (0, 1)]
    return Estimate(value, _better_interval(pairs) if all(_enough(*side) for side in sides) else None, runs)


def _enough(*strata: Sequence[float]) -> bool:
    """Whether an interval may be claimed."""
    return sum(map(len, strata)) >= MIN_SEEDS and min(map(len, strata)) > 1


def _interval(strata: Strata, statistic: Callable[..., Any], resamples: int = RESAMPLES) -> tuple[float, float] | None:
    """Samples that are not paired are what SciPy draws again each by itself: the strata."""
    if not strata or not _enough(*strata):
        return None
    if all(min(values) == max(values) for values in strata):
        same = float(statistic(*(_array(values) for values in strata), axis=-1))
        return same, same
    from scipy.stats import bootstrap  # type: ignore[attr-defined]  # scipy is untyped

    found = bootstrap(
        tuple(_array(values) for values in strata),
        statistic,
        n_resamples=resamples,
        batch=BATCH,
        confidence_level=CONFIDENCE,
        method="percentile",
        vectorized=True,
        random_state=SEED,
    ).confidence_interval
    return float(found.low), float(found.high)


def _array(values: Sequence[float]) -> Any:  # noqa: ANN401 - a NumPy array, which is imported late
    import numpy as np

    return np.asarray(values, np.float64)


def _trimmed(*samples: Any, axis: int) -> Any:  # noqa: ANN401 - arrays [..., runs]
    import numpy as np
    from scipy.stats import trim_mean

    return trim_mean(np.concatenate(samples, axis=axis), TRIM, axis=axis)


def _mean(*samples: Any, axis: int) -> Any:  # noqa: ANN401 - arrays [..., runs]
    import numpy as np

    return np.concatenate(samples, axis=axis).mean(axis=axis)


def _better_interval(pairs: Sequence[tuple[Sequence[float], Sequence[float]]]) -> tuple[float, float]:
    """How often each run is drawn is all that a resample says, so no resample needs its own table of pairs."""
    import numpy as np

    many = max(len(one) * len(two) for one, two in pairs) > MANY_PAIRS
    generator, means = np.random.default_rng(SEED), np.zeros(FEWER if many else RESAMPLES)
    for one, two in pairs:
        won = (np.sign(_array(two)[None, :] - _array(one)[:, None]) + 1) / 2
        shares = [np.full(size, 1 / size) for size in won.shape]
        for start in range(0, len(means), BATCH):
            batch = means[start : start + BATCH]
            drawn = [generator.multinomial(len(share), share, len(batch)) / len(share) for share in shares]
            batch += ((drawn[0] @ won) * drawn[1]).sum(axis=1) / len(pairs)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
