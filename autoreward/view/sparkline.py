"""A run's rounds as a picture of a line's height: each candidate, the best so far, and the human reward."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT, EDGE = 120, 28, 3
MOST_DOTS = 120
"""Beyond so many candidates each round is drawn as its range."""


def sparkline(rounds: Sequence[Sequence[float]], planned: int, level: float | None = None) -> Markup:
    """Draw the rounds.

    Args:
        rounds: values of the candidates of each round, from 0 to 1.
        planned: rounds that the run is to have; those that are missing leave room.
        level: drawn as a line to compare with.

    Returns:
        An SVG whose looks the style sheet decides; empty where no candidate has a value.
    """
    if not any(rounds):
        return Markup("")
    step = (WIDTH - 2 * EDGE) / max(len(rounds), planned, 1)
    parts = [] if level is None else [f'<path class="level" d="M0 {_y(level)}H{WIDTH}"/>']
    best, path, dots = -1.0, "", []
    few = sum(map(len, rounds)) <= MOST_DOTS
    for place, values in enumerate(rounds):
        left = EDGE + place * step
        middle = left + step / 2
        if few:
            dots += [f'<circle cx="{middle:.1f}" cy="{_y(value)}" r="1.6"/>' for value in values]
        elif values:
            dots.append(f'<path class="range" d="M{middle:.1f} {_y(min(values))}V{_y(max(values))}"/>')
        best = max([best, *values])
        if best >= 0:
            path += f"{'V' if path else f'M{left:.1f} '}{_y(best)}H{left + step:.1f}"
    parts += [*dots, f'<path class="best" d="{path}"/>']
    head = f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">'
    return Markup(head + "".join(parts) + "</svg>")


def _y(value: float) -> str:
    inner = HEIGHT - 2 * EDGE
    return f"{HEIGHT - EDGE - inner * min(1.0, max(0.0, value)):.1f}"
