"""What an agent did at some steps of an episode, in few words."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.schema import ActionSpec

MOST_NUMBERS = 6
"""A longer action is told by its norm and its largest component."""
LEGEND = "Action: what was done in that state; at the end, what was done last."
LONGEST_NAME = 18
"""Characters of a choice's name; it is cut after a whole word."""
_CHOICE = re.compile(r"(?:^|[,;])\s*(\d+):?\s+([^,;]*)")

Array = NDArray[Any]


def told_actions(spec: ActionSpec, actions: Array, steps: Array, short: bool = False) -> str:
    """A line with the actions that were done in the states at some steps; at the end, with the last one (`LEGEND`).

    Args:
        spec: for the names of choices.
        actions: of one episode, [T] choices or [T, ...] numbers.
        steps: [K], from 0 to T.
        short: tells actions of more than three numbers by norm and largest component, too.
    """
    rows = actions[np.clip(steps, 0, len(actions) - 1)].reshape(len(steps), -1)
    if spec.kind == "discrete":
        names = choice_names(spec)
        return "  action: " + ", ".join(_choice(names, int(row[0])) for row in rows)
    width = rows.shape[1]
    if width <= (3 if short else MOST_NUMBERS):
        words = ("(" + ",".join(map(_number, row)) + ")" if width > 1 else _number(row[0]) for row in rows)
        return "  action: " + " ".join(words)
    largest = np.abs(rows).argmax(axis=1)
    words = (
        f"{_number(float(np.linalg.norm(row)))}({place}: {_number(row[place])})"
        for row, place in zip(rows, largest, strict=True)
    )
    return "  action, norm(largest component: its value): " + " ".join(words)


def choice_names(spec: ActionSpec) -> tuple[str, ...]:
    """Short names of a discrete action's choices, as its meaning lists them (`0 wait, 1 walk` or `0: wait; 1: walk`).

    Empty where it does not list each choice once and in order, or two would have the same short name.
    """
    found = _CHOICE.findall(spec.meaning)
    names = tuple(_shortened(name) for _, name in found)
    in_order = [int(number) for number, _ in found] == list(range(spec.choices or 0))
    return names if in_order and all(names) and len(set(names)) == len(names) else ()


def _shortened(name: str) -> str:
    kept = ""
    for word in name.split():
        if len(kept) + len(word) + 1 > LONGEST_NAME:
            break
        kept = f"{kept} {word}".strip()
    return kept


def _choice(names: tuple[str, ...], number: int) -> str:
    return names[number] if 0 <= number < len(names) else str(number)


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 else f"{round(float(value), 2) + 0.0:g}"
