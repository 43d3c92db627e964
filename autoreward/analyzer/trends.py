"""Trends, correlations and changes of a training's numbers; None or 0 where they tell nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.training.statistics import POINTS

Array = NDArray[Any]


def mean(values: Iterable[float]) -> float:
    """The mean; 0 of none."""
    listed = list(values)
    return float(np.mean(listed)) if listed else 0.0


def known_mean(values: Iterable[float | None]) -> float | None:
    """The mean of those that are known; None where none is."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def trend(curve: Sequence[float]) -> float:
    """Correlation of a curve with time; 0 for one that is constant or has fewer than 4 points."""
    values = np.asarray(curve, dtype=np.float64)
    if len(values) < 4 or not np.isfinite(values).all() or np.ptp(values) <= 1e-9 * max(1.0, np.abs(values).max()):
        return 0.0
    return float(np.corrcoef(np.arange(len(values)), values)[0, 1])


def correlation(left: Array, right: Array) -> float | None:
    """Pearson's over episodes [E]; None where either side is constant or not known."""
    left, right = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if len(left) < 4 or not (np.isfinite(left).all() and np.isfinite(right).all()):
        return None
    if any(np.ptp(side) <= 1e-9 * max(1.0, float(np.abs(side).max())) for side in (left, right)):
        return None
    return float(np.corrcoef(left, right)[0, 1])


def stretches(values: Array, step: Array, steps: int) -> tuple[Array, Array]:
    """Means over about ten equal stretches of a training, and which stretches those are; empty ones are left out.

    Args:
        values: of the training episodes, [E].
        step: at which each ended, [E].
        steps: of the whole training.
    """
    bins = np.clip((step * POINTS - 1) // max(steps, 1), 0, POINTS - 1).astype(np.int64)
    used = np.unique(bins)
    return np.array([values[bins == index].mean() for index in used]), used


def shift(values: Array, step: Array, steps: int) -> float | None:
    """How far the mean over the last quarter of a training lies above that over its first tenth.

    Args:
        values: of the training episodes, [E].
        step: at which each ended, [E].
        steps: of the whole training.

    Returns:
        In standard deviations over all episodes; None where a stretch is empty, or nothing varies.
    """
    values = np.asarray(values, dtype=np.float64)
    early, late = values[step <= 0.1 * steps], values[step > 0.75 * steps]
    spread = float(values.std())
    if not len(early) or not len(late) or not np.isfinite(spread) or spread <= 1e-9:
        return None
    return float((late.mean() - early.mean()) / spread)
