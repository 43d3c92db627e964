"""The pictures of a sweep's page, in the style of a run's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from autoreward.report.plots import COLOURS, INK, drawing_style, finish, legend, svg
from autoreward.sweeps.statistics import Estimate
from autoreward.sweeps.summary import THRESHOLDS, Curve, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BASELINE = "#9aa2ad"
ROW = 0.34
"""Inches of a line of an interval plot."""


def colours(summary: Summary) -> dict[str, str]:
    """Arm or baseline -> its colour in all pictures; baselines stay grey."""
    cycle = (COLOURS[place % len(COLOURS)] for place in range(len(summary.arms)))
    return dict.fromkeys(summary.baselines, BASELINE) | dict(zip(summary.arms, cycle, strict=True))


def overall_plot(summary: Summary) -> str:
    """Interquartile means over all tasks with their intervals, as a `data:` address; empty without any."""
    return _intervals(summary.overall, colours(summary), "success, interquartile mean over runs")


def pairs_plot(summary: Summary) -> str:
    """Probabilities of improvement with their intervals."""
    found = {f"{pair.second} over {pair.first}": pair.estimate for pair in summary.pairs}
    return _intervals(found, {}, "probability of improvement", middle=0.5)


def profile_plot(summary: Summary) -> str:
    """The share of runs above each success, with bands."""
    if not summary.profiles:
        return ""
    with drawing_style():
        figure, axes = _axes()
        for arm, points in summary.profiles.items():
            colour, thin = colours(summary)[arm], arm in summary.baselines
            dashes = ("--", ":", "-.")[summary.baselines.index(arm) % 3] if thin else "-"
            shares = [point.value for point in points]
            axes.step(THRESHOLDS, shares, where="post", color=colour, linewidth=1.4 if thin else 2.2, linestyle=dashes)
            if all(point.interval for point in points) and not thin:
                low, high = zip(*(point.interval or (0.0, 0.0) for point in points), strict=True)
                axes.fill_between(THRESHOLDS, low, high, step="post", color=colour, alpha=0.14, linewidth=0)
            axes.plot([], [], color=colour, linestyle=dashes, label=legend(arm))
        axes.set_xlabel("success")
        axes.set_xlim(0, 1)
        finish(axes, "share of runs above it", rate=True)
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
        return svg(figure)


def curves_plot(summary: Summary, curves: Mapping[str, Curve], spent: str) -> str:
    """Best success so far over what was spent: `spent` names the horizontal axis."""
    if not curves:
        return ""
    from matplotlib.ticker import EngFormatter, StrMethodFormatter

    with drawing_style():
        figure, axes = _axes()
        for arm, curve in curves.items():
            steps, best = zip(*curve, strict=True)
            axes.step(steps, best, where="post", color=colours(summary)[arm], linewidth=2.2, label=legend(arm))
        axes.set_xlabel(spent)
        most = max(curve[-1][0] for curve in curves.values())
        axes.set_xlim(0, 1.03 * most)
        finish(axes, "best candidate so far", rate=True)
        axes.xaxis.set_major_formatter(EngFormatter(sep="") if most >= 1000 else StrMethodFormatter("{x:g}"))
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
        return svg(figure)


def _axes() -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.6, 3.3))
    return figure, figure.add_axes((0.115, 0.15, 0.55, 0.8))


def _intervals(
    found: Mapping[str, Estimate], coloured: Mapping[str, str], xlabel: str, middle: float | None = None
) -> str:
    if not found:
        return ""
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    with drawing_style():
        height = ROW * len(found) + 0.75
        figure = Figure(figsize=(7.6, height))
        axes = figure.add_axes((0.36, 0.6 / height, 0.6, 1 - 0.75 / height))
        for place, (name, estimate) in enumerate(found.items()):
            colour = coloured.get(name, COLOURS[0])
            low, high = estimate.interval or (estimate.value, estimate.value)
            axes.plot([low, high], [place, place], color=colour, linewidth=5, alpha=0.35, solid_capstyle="butt")
            axes.plot([estimate.value], [place], color=colour, marker="o", markersize=6)
        if middle is not None:
            axes.axvline(middle, color=INK, linewidth=1, linestyle="--")
        axes.set_yticks(range(len(found)), _labels(list(found)))
        axes.set_ylim(len(found) - 0.5, -0.5)
        axes.set_xlim(-0.03, 1.03)
        axes.set_xlabel(xlabel)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.grid(axis="x", alpha=0.25, linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        return svg(figure)


def _labels(names: Sequence[str]) -> list[str]:
    return [legend(name) for name in names]
