"""The page's pictures as SVG, in colours that read on a light and on a dark ground."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#7f8183"
"""Stands for the ink until the picture is written, which follows the reader's choice of light or dark."""
STYLE = "<style>svg{color:#5c636d}@media(prefers-color-scheme:dark){svg{color:#a4acb7}}</style>"
INKED = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
COLOURS = ("#2f81d6", "#e08a1e", "#2ba36b", "#c8553d", "#8a63d2", "#b59b00", "#d16ba5", "#4aa7b5")
"""In the order of the lines; told apart by colour-blind readers too, and the legend names each."""
MOST_LINES = len(COLOURS)
FEW = 4
"""Lines whose bands can be told apart; those of more are drawn fainter."""
LONGEST_LABEL = 36
"""Characters; a longer one would leave no room for the plot."""

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """One line of a plot."""

    label: str
    seeds: Sequence[Points]
    """(environment step, value) of each seed."""

    @property
    def mean(self) -> Points:
        """Mean over the seeds, at the steps where every one of them has a value."""
        return [(step, sum(values) / len(values)) for step, values in self._shared()]

    @property
    def band(self) -> list[tuple[float, float, float]]:
        """(step, lowest, highest) over the seeds, at the same steps; nothing for a single seed."""
        return [(step, min(values), max(values)) for step, values in self._shared()] if len(self.seeds) > 1 else []

    def _shared(self) -> list[tuple[float, list[float]]]:
        if not self.seeds:
            return []
        columns = [dict(points) for points in self.seeds]
        shared = sorted(set(columns[0]).intersection(*columns[1:]))
        return [(step, [column[step] for column in columns]) for step in shared]


def line_plot(lines: Sequence[Line], ylabel: str, rate: bool = False) -> str:
    """Draw lines over environment steps: the mean over seeds thick, the range of the seeds as a band.

    Args:
        lines: at most `MOST_LINES` are drawn.
        ylabel: what the vertical axis shows.
        rate: whether values are shares, drawn on a fixed axis from 0 to 100%.

    Returns:
        A `data:` address of an SVG; empty where there is nothing to draw.
    """
    drawn = [line for line in lines if any(line.seeds)][:MOST_LINES]
    if not drawn:
        return ""
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    with drawing_style():
        columns, rows = _legend_shape([legend(line.label) for line in drawn])
        height = 3.0 + 0.2 * rows
        figure = Figure(figsize=(6.4, height))
        axes = figure.add_axes((0.12, 0.5 / height, 0.86, 2.4 / height))
        alpha = 0.16 if len(drawn) <= FEW else 0.05
        for line, colour in zip(drawn, COLOURS, strict=False):
            if band := line.band:
                steps, low, high = zip(*band, strict=True)
                axes.fill_between(steps, low, high, color=colour, alpha=alpha, linewidth=0)
            axes.plot(*_columns(line.mean), color=colour, linewidth=2.2, marker="o", markersize=3.5)
            axes.plot([], [], color=colour, linewidth=2.2, label=legend(line.label))
        axes.set_xlabel("environment steps")
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        finish(axes, ylabel, rate)
        place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (-0.02, 1.0), "frameon": False}
        axes.legend(**place, ncols=columns, fontsize=9, handlelength=1.4, columnspacing=1.4, borderaxespad=0.3)
        return svg(figure)


def _legend_shape(labels: Sequence[str]) -> tuple[int, int]:
    """Columns and rows of a legend above the plot, as many columns as its longest label leaves room for."""
    longest = max(map(len, labels))
    columns = next(count for most, count in ((12, 4), (20, 3), (LONGEST_LABEL, 2)) if longest <= most)
    return columns, -(-len(labels) // columns)


_DRAWING = RLock()
"""Matplotlib's settings and fonts are the process's, and the runs of a sweep draw in threads."""


@contextmanager
def drawing_style() -> Iterator[None]:
    """Matplotlib's settings while a picture of the page is drawn, by one thread at a time.

    Labels may come from a language model: dollars must not start a formula. The salt makes ids repeatable.
    """
    from matplotlib import rc_context

    style: dict[Any, Any] = {"text.parse_math": False, "svg.hashsalt": "autoreward", "font.size": 10}
    with _DRAWING, rc_context(style | dict.fromkeys(INKED, INK)):
        yield


def finish(axes: Axes, ylabel: str, rate: bool) -> None:
    """What all pictures share: the vertical axis, a quiet grid, two spines."""
    from matplotlib.ticker import EngFormatter, PercentFormatter

    axes.set_ylabel(ylabel)
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    if rate:
        axes.set_ylim(-0.03, 1.03)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def svg(figure: Figure) -> str:
    """A figure as a `data:` address."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    head, defs, rest = buffer.getvalue().decode().replace(INK, "currentColor").partition("<defs>")
    return data_address((head + STYLE + defs + rest).encode(), "image/svg+xml")


def data_address(content: bytes, media_type: str) -> str:
    """A file as an address that needs no network."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def _columns(points: Points) -> tuple[list[float], list[float]]:
    return [step for step, _ in points], [value for _, value in points]


def legend(label: str) -> str:
    """The label without an underscore first, which would hide the line, and no longer than the legend has room."""
    shown = label.lstrip("_") or label
    return shown if len(shown) <= LONGEST_LABEL else shown[: LONGEST_LABEL - 1] + "…"
