"""Aggregates over seeds: interquartile mean, probability of improvement, bootstrap intervals; Agarwal et al. 2021.

Deep Reinforcement Learning at the Edge of the Statistical Precipice, NeurIPS 2021, https://arxiv.org/abs/2108.13264.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIN_SEEDS = 5
"""Below this no interval is claimed: resampling three numbers says nothing about the fourth."""
RESAMPLES = 9999
CONFIDENCE = 0.95
TRIM = 0.25
SEED = 0
"""Of the bootstrap, so that a report computed again reads the same."""


def iqm(values: Sequence[float]) -> float:
    """The interquartile mean: the mean after the lowest and the highest quarter are cut off.

    A quarter is rounded down to whole values, so below four values this is the mean.

    Args:
        values: one number a seed.

    Raises:
        ValueError: there is no value.
    """
    if not len(values):
        raise ValueError("the interquartile mean of no value is undefined")
    from scipy.stats import trim_mean

    return float(trim_mean([float(value) for value in values], TRIM))


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """95% bootstrap interval (percentile method) of the interquartile mean over seeds.

    Args:
        values: one number a seed.

    Returns:
        Lower and upper end; None below five values.
    """
    if len(values) < MIN_SEEDS:
        return None
    sample = [float(value) for value in values]
    if min(sample) == max(sample):
        return sample[0], sample[0]
    from scipy.stats import bootstrap, trim_mean  # type: ignore[attr-defined]  # scipy is untyped

    found = bootstrap(
        (sample,),
        lambda resampled, axis: trim_mean(resampled, TRIM, axis=axis),
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        vectorized=True,
        random_state=SEED,
    ).confidence_interval
    return float(found.low), float(found.high)


def improvement(first: Sequence[float], second: Sequence[float]) -> float:
    """Probability that a training of the second does better than one of the first; equals count half.

    The mean over all pairs of seeds, as in the paper (section 4.3) and in rliable's `probability_of_improvement` for
    one task: the Mann-Whitney statistic divided by the number of pairs.

    Args:
        first: one number a seed.
        second: the same of the other; as many or fewer or more seeds.

    Raises:
        ValueError: one of them has no value.
    """
    if not len(first) or not len(second):
        raise ValueError("the probability of improvement of no value is undefined")
    return float(_won(first, second).mean())


def improvement_interval(first: Sequence[float], second: Sequence[float]) -> tuple[float, float] | None:
    """95% bootstrap interval (percentile method, seeds of both resampled) of `improvement`; None below five seeds."""
    if min(len(first), len(second)) < MIN_SEEDS:
        return None
    import numpy as np

    generator, won = np.random.default_rng(SEED), _won(first, second)
    # How often each seed is drawn is all that a resample says, so no resample needs its own table of pairs.
    drawn = [generator.multinomial(size, np.full(size, 1 / size), RESAMPLES) / size for size in won.shape]
    means = ((drawn[0] @ won) * drawn[1]).sum(axis=1)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _won(first: Sequence[float], second: Sequence[float]) -> NDArray[np.float64]:
    """[first, second]: 1 where the second is better, 1/2 where they are equal, else 0."""
    import numpy as np

    apart = np.sign(np.asarray(second, np.float64)[None, :] - np.asarray(first, np.float64)[:, None])
    won: NDArray[np.float64] = (apart + 1) / 2
    return won
