"""The rounds as one picture: what each candidate came to, which it was made from, and the best so far."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autoreward.report.plots import COLOURS, INK, drawing_style, finish, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, RED = COLOURS[0], COLOURS[1], COLOURS[2], COLOURS[3]
Key = tuple[int, int]
"""Round and index of a candidate."""
At = Mapping[Key, tuple[float, float]]
"""Where each candidate is drawn."""
MOST_NAMED = 30
"""Beyond so many candidates only those that became the best are named; the table below names all."""
WITHIN = (0.12, 0.08, 0.86, 0.78)
"""Left, bottom, width and height of the axes: told, for measuring every text would take as long as the drawing."""
GAP = 0.9
"""Between rounds, in candidates."""


@dataclass(frozen=True)
class Mark:
    """One candidate in the picture."""

    round: int
    index: int
    value: float | None
    """Its true success, or score; None where nothing was trained."""
    seeds: tuple[float, ...] = ()
    """The same on each seed."""
    parent: Key | None = None
    stopped: bool = False
    """Whether it was stopped early, so that its value is of a shorter training."""
    winner: bool = False

    @property
    def key(self) -> Key:
        """Its name in numbers."""
        return self.round, self.index


def rounds_plot(marks: Sequence[Mark], incumbents: dict[int, Key | None], ylabel: str, rate: bool) -> str:
    """Draw the search.

    Args:
        marks: all candidates, in order.
        incumbents: round -> the best candidate when it had been analysed.
        ylabel: what the vertical axis shows.
        rate: whether values are shares.

    Returns:
        A `data:` address of an SVG; empty where no candidate was trained.
    """
    if all(mark.value is None for mark in marks):
        return ""
    from matplotlib.figure import Figure

    places = _places(marks)
    with drawing_style():
        figure = Figure(figsize=(min(13.0, max(6.4, 1.6 + 0.3 * max(places.values()))), 4.1))
        axes = figure.add_axes(WITHIN)
        values = {mark.key: mark.value for mark in marks if mark.value is not None}
        finish(axes, ylabel, rate)
        if not rate:
            axes.set_ylim(*_limits(marks))
        floor = axes.get_ylim()[0]
        shown = {mark.key: (places[mark.key], values.get(mark.key, floor)) for mark in marks}
        _rounds(axes, places)
        _lineage(axes, marks, shown)
        _incumbents(axes, incumbents, places, values)
        _candidates(axes, marks, shown)
        _names(axes, marks, shown, {best for best in incumbents.values() if best})
        axes.grid(False, axis="x")
        where: dict[str, Any] = {
            "loc": "lower left",
            "bbox_to_anchor": (-0.1, 1.02),
            "borderaxespad": 0,
            "frameon": False,
        }
        axes.legend(
            **where,
            ncols=4 if figure.get_figwidth() < 8 else 7,
            fontsize=8.5,
            handlelength=1.2,
            handletextpad=0.5,
            columnspacing=1.1,
        )
        return svg(figure)


def _places(marks: Sequence[Mark]) -> dict[Key, float]:
    """Where each candidate stands: one beside the other, with a gap between rounds."""
    rounds = list(dict.fromkeys(mark.round for mark in marks))
    return {mark.key: place + GAP * rounds.index(mark.round) for place, mark in enumerate(marks)}


def _limits(marks: Sequence[Mark]) -> tuple[float, float]:
    found = (value for mark in marks for value in (mark.value, *mark.seeds) if value is not None)
    values = [value for value in found if math.isfinite(value)] or [0.0]
    room = 0.08 * (max(values) - min(values)) or 1.0
    return min(values) - room, max(values) + room


def _rounds(axes: Axes, places: Mapping[Key, float]) -> None:
    rounds: dict[int, list[float]] = {}
    for (round_, _), place in places.items():
        rounds.setdefault(round_, []).append(place)
    edge = 0.5 + GAP / 2
    for at in list(rounds.values())[1::2]:
        axes.axvspan(at[0] - edge, at[-1] + edge, color=INK, alpha=0.07, linewidth=0)
    axes.set_xticks([(at[0] + at[-1]) / 2 for at in rounds.values()], [f"round {round_}" for round_ in rounds])
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(min(places.values()) - edge, max(places.values()) + edge)


def _lineage(axes: Axes, marks: Sequence[Mark], at: At) -> None:
    """From each parent to its child, with the child's end in colour where the child is better."""
    for mark in marks:
        if mark.parent is None or mark.parent not in at:
            continue
        axes.annotate(
            "",
            xy=at[mark.key],
            xytext=at[mark.parent],
            arrowprops={
                "arrowstyle": "->",
                "color": INK,
                "alpha": 0.75,
                "linewidth": 0.9,
                "shrinkA": 5,
                "shrinkB": 6,
                "connectionstyle": "arc3,rad=-0.12",
            },
            zorder=2,
        )
    axes.plot([], [], color=INK, linewidth=0.9, label="parent to child")


def _incumbents(
    axes: Axes, incumbents: Mapping[int, Key | None], places: Mapping[Key, float], values: Mapping[Key, float]
) -> None:
    """The best so far as steps: level from the candidate that became it to the one that took its place."""
    found = [best for best in dict.fromkeys(incumbents.values()) if best is not None and best in values]
    if found:
        line = [(places[best], values[best]) for best in found]
        end = (max(places.values()) + 0.5 + GAP / 2, line[-1][1])
        columns = zip(*line, end, strict=True)
        axes.step(*columns, where="post", color=ORANGE, linewidth=1.8, label="best so far", zorder=1)


def _candidates(axes: Axes, marks: Sequence[Mark], at: At) -> None:
    whole = [at[mark.key] for mark in marks if mark.value is not None and not mark.stopped]
    short = [at[mark.key] for mark in marks if mark.value is not None and mark.stopped]
    none = [at[mark.key] for mark in marks if mark.value is None]
    seeds = [(at[mark.key][0], value) for mark in marks for value in mark.seeds if len(mark.seeds) > 1]
    won = [at[mark.key] for mark in marks if mark.winner]
    kinds: tuple[tuple[list[tuple[float, float]], str, dict[str, Any]], ...] = (
        (seeds, "each seed", {"s": 10, "color": BLUE, "alpha": 0.45, "linewidths": 0}),
        (whole, "candidate", {"s": 42, "color": BLUE}),
        (short, "stopped early", {"s": 42, "facecolors": "none", "edgecolors": BLUE, "linewidths": 1.6}),
        (none, "not trained", {"s": 34, "color": RED, "marker": "x", "clip_on": False}),
        (won, "winner", {"s": 150, "facecolors": "none", "edgecolors": GREEN, "linewidths": 2.2}),
    )
    for points, label, look in kinds:
        if points:
            axes.scatter(*zip(*points, strict=True), label=label, zorder=3, **look)


def _names(axes: Axes, marks: Sequence[Mark], at: At, bests: set[Key]) -> None:
    for mark in marks:
        if len(marks) > MOST_NAMED and mark.key not in bests and not mark.winner:
            continue
        high = at[mark.key][1] > sum(axes.get_ylim()) / 2
        axes.annotate(
            f"{mark.round}.{mark.index}",
            at[mark.key],
            xytext=(0, -9 if high else 8),
            textcoords="offset points",
            ha="center",
            va="top" if high else "bottom",
            fontsize=8.5,
        )
