"""The learning curves of the parity table, as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _jobs import ArmResult
from _parity import Doubles, Table
from numpy.typing import NDArray
from scipy.stats import trim_mean

from autoreward.search.statistics import CONFIDENCE, MIN_SEEDS, SEED, TRIM

POINTS = 20
"""Points of a learning curve."""
COLOURS = {"sb3": "#e08a1e", "ours": "#2f81d6"}
NAMES = {"sb3": "SB3", "ours": "autoreward"}


def curve(result: ArmResult) -> Doubles:
    """Mean return of the training episodes that ended in each of `POINTS` equal stretches, [POINTS]; NaN where none."""
    steps, returns = np.array(result.training_steps), np.array(result.training_returns)
    bins = np.clip((steps * POINTS - 1) // result.steps, 0, POINTS - 1)
    return np.array([returns[bins == index].mean() if (bins == index).any() else math.nan for index in range(POINTS)])


def curves(results: Sequence[ArmResult]) -> tuple[Doubles, NDArray[np.int64]]:
    """What is drawn of a trainer: values [seeds, K], and the K stretches.

    Where episodes are long, a stretch may see none end. A seed then keeps its value of the stretch before; stretches in
    which most seeds saw none are left out.
    """
    values = np.stack([curve(result) for result in results])
    shown = np.isfinite(values).mean(axis=0) >= 0.5
    for index in range(1, POINTS):
        missing = np.isnan(values[:, index])
        values[missing, index] = values[missing, index - 1]
    shown &= np.isfinite(values).all(axis=0)
    return values[:, shown], np.flatnonzero(shown)


def draw(measured: dict[str, Table], path: Path) -> None:
    """Learning curves as a picture: interquartile mean over the seeds, with its pointwise 95% bootstrap band."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    columns = min(3, len(measured))
    rows = -(-len(measured) // columns)
    figure = Figure(figsize=(4.2 * columns, 3.1 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, (name, table) in zip(axes, measured.items(), strict=False):
        for label, results in (("sb3", table.sb3), ("ours", table.ours)):
            values, stretches = curves(results)
            ends = table.steps * (stretches + 1) / POINTS
            middle, (low, high) = trim_mean(values, TRIM, axis=0), band(values)
            axis.plot(ends, middle, color=COLOURS[label], label=NAMES[label], marker=".")
            if len(results) >= MIN_SEEDS:
                axis.fill_between(ends, low, high, color=COLOURS[label], alpha=0.2, linewidth=0)
        axis.axhline(table.random, color="#80868f", linestyle=":", label="random actions")
        axis.set_title(name, fontsize=10)
        axis.set_xlim(0, 1.02 * table.steps)
        axis.xaxis.set_major_formatter(EngFormatter(sep=""))
        axis.grid(alpha=0.25)
    for axis in axes[len(measured) :]:
        axis.set_visible(False)
    for axis in axes[::columns]:
        axis.set_ylabel("training return")
    for axis in axes[max(len(measured) - columns, 0) : len(measured)]:
        axis.set_xlabel("environment steps")
    axes[0].legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def band(values: Doubles) -> tuple[Doubles, Doubles]:
    """Lower and upper end of the interquartile mean's 95% interval at each point; values are [seeds, points]."""
    rows = np.random.default_rng(SEED).integers(0, len(values), (1999, len(values)))
    low, high = np.quantile(trim_mean(values[rows], TRIM, axis=1), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    return low, high
