"""What an agent did in an episode, in words: it stood still, went back and forth, circled, did one thing all along."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.analyzer.actions import choice_names
from autoreward.schema import ActionSpec

TURNS = 6
"""Turning points from which something goes back and forth: three times there and back."""
SWING = 0.1
"""Share of a field's range that a swing must have: less is jitter."""
TWO_PLACES = 0.25
"""Spread of the turning points on either side, as a share of the swing between them, up to which they are one place."""
STILL = 0.02
"""Share of a field's range within which it stands still."""
LONG = 0.3
"""Share of an episode that a standstill must last to be worth a word."""
SAME = 0.9
"""Share of the steps from which an action is the same all along."""
CIRCLES = 3.0
"""Whole turns about its middle from which a path circles; a random walk of hundreds of steps may make two."""
RING = 0.4
"""Spread of the distance from that middle, as a share of its mean, up to which it is one circle."""
LAST = 10
"""Steps before a death that are told one by one."""

Array = NDArray[Any]


def back_and_forth(course: Array, extent: float) -> tuple[int, float, float] | None:
    """How often a number [T] turns, and between which two places; None where it does not go back and forth.

    Args:
        course: one number in each step.
        extent: the size of its range, by which jitter is told from swings.
    """
    turns = _turning_points(course, SWING * extent)
    if len(turns) < TURNS:
        return None
    ends = sorted((course[turns[::2]], course[turns[1::2]]), key=lambda side: float(side.mean()))
    low, high = float(ends[0].mean()), float(ends[1].mean())
    if high <= low or max(side.std() for side in ends) > TWO_PLACES * (high - low):
        return None
    return len(turns), low, high


def _turning_points(course: Array, least: float) -> list[int]:
    """Steps of the maxima and minima between swings of at least `least`, the ends left out."""
    found: list[int] = []
    extreme, direction = 0, 0.0
    for step, value in enumerate(course):
        moved = float(value - course[extreme])
        if direction == 0.0 or moved * direction > 0:
            if abs(moved) >= least or direction:
                direction = float(np.sign(moved)) or direction
                extreme = step
        elif abs(moved) >= least:
            found.append(extreme)
            extreme, direction = step, -direction
    return found


def standstill(courses: Array) -> tuple[int, int] | None:
    """First and last step of the longest stretch in which nothing moves; None where it is short.

    Args:
        courses: [T + 1, D], each column scaled to its range.
    """
    best, start = (0, 0), 0
    for step in range(1, len(courses)):
        while (np.abs(courses[start : step + 1] - courses[start]).max() > STILL) and start < step:
            start += 1
        if step - start > best[1] - best[0]:
            best = (start, step)
    return best if best[1] - best[0] >= max(LONG * (len(courses) - 1), 2) else None


def circles(path: Array, extent: float) -> tuple[float, Array, float] | None:
    """How many whole turns a path [T + 1, 2] makes about its middle, that middle, and the mean distance from it."""
    middle = path.mean(axis=0)
    arms = path - middle
    distance = np.linalg.norm(arms, axis=1)
    radius = float(distance.mean())
    if radius <= STILL * extent or distance.std() > RING * radius:
        return None
    angle = np.unwrap(np.arctan2(arms[:, 1], arms[:, 0]))
    turns = abs(float(angle[-1] - angle[0])) / (2 * np.pi)
    return (turns, middle, radius) if turns >= CIRCLES else None


def same_action(spec: ActionSpec, actions: Array) -> str:
    """The one thing that was done in nearly all steps, in words; empty where there is none."""
    if spec.kind == "discrete":
        choices, counts = np.unique(actions, return_counts=True)
        most = int(counts.argmax())
        share = counts[most] / len(actions)
        return f"{_choice(spec, int(choices[most]))} in {share:.0%} of the steps" if share >= SAME else ""
    rows = actions.reshape(len(actions), -1)
    if spec.low is None or spec.high is None or rows.shape[1] == 0:
        return ""
    at_limit = {"lowest": rows <= spec.low + 1e-3, "highest": rows >= spec.high - 1e-3}
    held = [
        f"component {place} at its {name} in {hits[:, place].mean():.0%} of the steps"
        for name, hits in at_limit.items()
        for place in range(rows.shape[1])
        if hits[:, place].mean() >= SAME
    ]
    return ", ".join(held[:2])


def last_actions(spec: ActionSpec, actions: Array) -> str:
    """Discrete actions of the last steps, what was repeated counted; empty for continuous ones."""
    if spec.kind != "discrete":
        return ""
    runs = [(choice, len(list(run))) for choice, run in itertools.groupby(actions[-LAST:].tolist())]
    return ", ".join(_choice(spec, choice) + (f" x{count}" if count > 1 else "") for choice, count in runs)


def _choice(spec: ActionSpec, number: int) -> str:
    names = choice_names(spec)
    return names[number] if 0 <= number < len(names) else f"action {number}"
