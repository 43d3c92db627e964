"""The page's pictures as SVG, in colours that read on a light and on a dark ground."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

INK = "#80868f"
INKED = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
COLOURS = ("#2f81d6", "#e08a1e", "#2ba36b", "#c8553d", "#8a63d2", "#b59b00", "#d16ba5", "#4aa7b5")
"""In the order of the lines; told apart by colour-blind readers too, and the legend names each."""
MOST_LINES = len(COLOURS)
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
        if not self.seeds:
            return []
        columns = [dict(points) for points in self.seeds]
        shared = sorted(set(columns[0]).intersection(*columns[1:]))
        return [(step, sum(column[step] for column in columns) / len(columns)) for step in shared]


def line_plot(lines: Sequence[Line], ylabel: str, rate: bool = False) -> str:
    """Draw lines over environment steps: each seed thin, their mean thick.

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
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter, PercentFormatter

    # Labels may come from a language model: dollars must not start a formula. The salt makes ids repeatable.
    style: dict[Any, Any] = {"text.parse_math": False, "svg.hashsalt": "autoreward", "font.size": 10}
    with rc_context(style | dict.fromkeys(INKED, INK)):
        figure = Figure(figsize=(7.6, 3.3), layout="constrained")
        axes = figure.subplots()
        for line, colour in zip(drawn, COLOURS, strict=False):
            for points in line.seeds if len(line.seeds) > 1 else ():
                axes.plot(*_columns(points), color=colour, linewidth=0.8, alpha=0.35)
            axes.plot(*_columns(line.mean), color=colour, linewidth=2.2, marker="o", markersize=3.5)
            axes.plot([], [], color=colour, linewidth=2.2, label=_legend(line.label))
        axes.set_xlabel("environment steps")
        axes.set_ylabel(ylabel)
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        if rate:
            axes.set_ylim(-0.03, 1.03)
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.grid(alpha=0.25, linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return data_address(buffer.getvalue(), "image/svg+xml")


def data_address(content: bytes, media_type: str) -> str:
    """A file as an address that needs no network."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def _columns(points: Points) -> tuple[list[float], list[float]]:
    return [step for step, _ in points], [value for _, value in points]


def _legend(label: str) -> str:
    """The label without an underscore first, which would hide the line, and no longer than the legend has room."""
    shown = label.lstrip("_") or label
    return shown if len(shown) <= LONGEST_LABEL else shown[: LONGEST_LABEL - 1] + "…"
