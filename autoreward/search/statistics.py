"""Aggregates over seeds: interquartile mean and bootstrap interval, after Agarwal et al. 2021.

Deep Reinforcement Learning at the Edge of the Statistical Precipice, NeurIPS 2021, https://arxiv.org/abs/2108.13264.
"""

from __future__ import annotations

from collections.abc import Sequence

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
