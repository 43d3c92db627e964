"""The few steps of an episode by which its course is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

BENT = 0.02
"""A course is straight between two moments where it stays within this share of its range."""
SPREAD = 0.5
"""How much being far from every other moment counts beside a bend as large as the range: jumps alike are spread out."""

Array = NDArray[Any]


def key_moments(courses: Array, events: Iterable[int], count: int) -> Array:
    """The first and the last step, events, and where the courses bend most.

    Bends are found as Douglas and Peucker 1973 thin out a line: the step that lies farthest from the straight lines
    between the moments chosen so far is the next one.

    Args:
        courses: [T + 1, D], each column scaled to its range.
        events: steps at which something happened, the most important first; they take half of the places at most.
        count: moments at most, 2 or more.

    Returns:
        Steps in order, from 0 to T.
    """
    last = len(courses) - 1
    chosen = {0, last}
    for event in dict.fromkeys(events):
        if len(chosen) < max(2, count // 2 + 1):
            chosen.add(int(event))
    steps = np.arange(last + 1)
    while len(chosen) < min(count, last + 1):
        places = np.array(sorted(chosen))
        straight = np.stack([np.interp(steps, places, column[places]) for column in courses.T], axis=1)
        apart = np.abs(courses - straight).max(axis=1)
        if apart.max() <= BENT:
            break
        lonely = np.abs(steps[:, None] - places[None]).min(axis=1) / last
        chosen.add(int((apart + SPREAD * lonely * (apart > BENT)).argmax()))
    return np.array(sorted(chosen))


def switches(values: Array, most: int = 3) -> list[int]:
    """Steps at which a flag [T + 1] changes; none where it flickers more often than `most` times."""
    flips = (np.flatnonzero(np.diff(values.astype(np.float64)) != 0) + 1).tolist()
    return flips if len(flips) <= most else []
