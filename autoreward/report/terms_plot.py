"""The terms of a reward over an episode that succeeds and one that fails, as small multiples with marked events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autoreward.analyzer.contract import Anatomy, Happened, Shown
from autoreward.report.plots import COLOURS, INK, drawing_style, legend, svg
from autoreward.report.terms import numbered

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_TERMS = 7
"""That are drawn: those with the largest share."""
GOOD, BAD = COLOURS[2], COLOURS[3]
WIDTH, ROW, HEAD, FOOT = 7.6, 0.85, 0.9, 0.5
"""Inches."""
LEFT, RIGHT = 0.65, 0.12
"""Inches beside the axes."""
LONGEST_NAME = 30
MARGIN = 0.12
"""Of a row's range, above and below."""


def terms_over_time(found: Anatomy | None) -> str:
    """Draw it.

    Returns:
        A `data:` address of an SVG; empty where there is no anatomy, or it shows no episode.
    """
    if found is None or not found.shown:
        return ""
    from matplotlib.figure import Figure

    names = [term.name for term in found.terms][:MOST_TERMS]
    rows = [*([None] if len(found.terms) > 1 or found.grammar == "signs" else []), *names]
    height = HEAD + ROW * len(rows) + FOOT
    with drawing_style():
        figure = Figure(figsize=(WIDTH, height))
        grid = figure.subplots(len(rows), len(found.shown), sharex="col", sharey="row", squeeze=False)
        figure.subplots_adjust(
            LEFT / WIDTH, FOOT / height, 1 - RIGHT / WIDTH, 1 - HEAD / height, wspace=0.06, hspace=0.42
        )
        for row, name in zip(grid, rows, strict=True):
            colour = INK if name is None else COLOURS[names.index(name) % len(COLOURS)]
            _row(row, found.shown, name, colour)
            row[0].text(0, 1.03, _short(name or "total"), transform=row[0].transAxes, color=colour, va="bottom")
        for axes, shown in zip(grid[0], found.shown, strict=True):
            axes.set_title(f"{shown.title}\n({_short(shown.source)})", fontsize=10, pad=28)
            _numbers(axes, shown)
        for axes, shown in zip(grid[-1], found.shown, strict=True):
            axes.set_xlabel("step")
            bottom = {"color": INK, "markersize": 5, "clip_on": False, "transform": axes.get_xaxis_transform()}
            axes.plot(shown.moments, [0] * len(shown.moments), "|", **bottom)
        return svg(figure)


def _row(row: Sequence[Axes], episodes: Sequence[Shown], name: str | None, colour: str) -> None:
    """One term, or the total, over each of the episodes; all on one scale, which holds 0."""
    courses = [shown.total if name is None else shown.terms[name] for shown in episodes]
    low, high = min(0.0, *map(min, courses)), max(0.0, *map(max, courses))
    low, high = (low, high) if high > low else (0.0, 1.0)
    for axes, shown, values in zip(row, episodes, courses, strict=True):
        _course(axes, shown, values, colour)
        whole = shown.value if name is None else shown.sums[name]
        axes.text(1, 1.03, f"sum {whole:.4g}", transform=axes.transAxes, ha="right", va="bottom", fontsize=8)
        axes.set_xlim(0, shown.steps * 1.005)
        axes.set_ylim(low - MARGIN * (high - low), high + MARGIN * (high - low))


def _course(axes: Axes, shown: Shown, values: Sequence[float], colour: str) -> None:
    axes.stairs(values, (0, *shown.at), fill=True, facecolor=f"{colour}40", edgecolor=colour, linewidth=1.1)
    axes.axhline(0, color=INK, linewidth=0.5)
    for event in shown.happened:
        axes.axvline(event.step, color=_colour(event, shown), linewidth=1, alpha=0.8, linestyle=_line(event))
    axes.tick_params(labelsize=8)
    axes.locator_params(axis="y", nbins=3)
    axes.grid(alpha=0.2, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)


def _numbers(axes: Axes, shown: Shown) -> None:
    """The numbers of the events above the first row, moved apart where they would cover each other."""
    numbers = {number: step for number, step, _ in numbered(shown)}
    high = axes.get_xlim()[1]
    room, place = high * 0.034, -high
    for left, (number, step) in zip(reversed(range(len(numbers))), numbers.items(), strict=True):
        place = min(max(float(step), place + room), high - left * room)
        axes.annotate(str(number), (place, 1.26), xycoords=("data", "axes fraction"), fontsize=8,
                      ha="center", va="bottom", annotation_clip=False)  # fmt: skip


def _colour(event: Happened, shown: Shown) -> str:
    if event.kind == "success" or (event.kind == "end" and shown.success):
        return GOOD
    return BAD if event.kind == "end" else INK


def _line(event: Happened) -> str:
    return ":" if event.kind == "field" else "-"


def _short(name: str) -> str:
    shown = legend(name)
    return shown if len(shown) <= LONGEST_NAME else shown[: LONGEST_NAME - 1] + "…"
