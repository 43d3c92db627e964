"""Closed loops of states: what a way out and back pays beyond what staying along it would."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoreward.critic.checks.trial import Trial
from autoreward.critic.probing.playing import Floats, Paid, Steps
from autoreward.critic.probing.policies import Array
from autoreward.reward.total import total, weighted

NEAR = 0.03
"""A field has returned within this share of its range over all that was played."""
FAR = 0.1
"""On the way, a field has moved by this share at least: a body at rest makes no loop."""
LAGS = (*range(2, 32), *range(32, 101, 4))
"""Lengths of loops, in steps."""
REPEATS = 8
"""Steps from which a loop of one length begins, at least, and half as many as it is long, among as many steps in a row
as it is long that all come back: it is gone round twice."""


@dataclass(frozen=True)
class Loop:
    """The loop of an episode that pays most."""

    row: int
    length: int
    """In steps."""
    begins: int
    """Step of the first one."""
    gain: float
    """Mean over the loops in a row: a step's pay beyond what staying in each state on the way would pay."""
    terms: tuple[str, ...]
    """Those with a gain, the largest first."""


def loops(trial: Trial, played: Steps, paid: Paid) -> list[Loop]:
    """The best loop of each row that has one, the best first.

    Staying is scored too: the same steps, each leading from a state to itself. What is paid for a state is paid there
    as well, and a potential's difference sums to nothing on the loop, so both cancel; what is left is paid for moving.

    Raises:
        CellFailed: as `Trial.score`.
    """
    places = _places(trial, played)
    if places is None:
        return []
    rest = {name.replace("next_state.", "state."): array for name, array in played.inputs.items() if "next" in name}
    terms = trial.score({**played.inputs, **rest}, played.begun).terms
    gain = np.where(played.counts, paid.reward - total(trial.program, terms), 0.0)
    staying = weighted(trial.program, terms)
    each = {name: paid.terms[name] - np.where(played.counts, term, 0) for name, term in staying.items()}
    found = [_best(row, places, played, gain, each) for row in range(gain.shape[1])]
    return sorted((loop for loop in found if loop is not None), key=lambda loop: -loop.gain)


def _places(trial: Trial, played: Steps) -> Array | None:
    """[T, N, D]: the fields that the program reads, each as a share of its range over all counted steps."""
    read = sorted({name.partition(".")[2] for name in trial.program.inputs if "." in name})
    if not read or len(played.counts) < 2 * REPEATS:
        return None
    flat = [played.inputs[f"next_state.{name}"].astype(np.float64) for name in read]
    whole = np.concatenate([array.reshape(*array.shape[:2], -1) for array in flat], axis=2)
    counted = whole[played.counts]
    return np.asarray(whole / np.maximum(np.ptp(counted, axis=0), 1e-9))


def _best(row: int, places: Array, played: Steps, gain: Floats, each: dict[str, Floats]) -> Loop | None:
    length = int(played.lengths[row])
    path = places[:length, row]
    # What a loop from step t to t + lag pays is paid in the steps t + 1 .. t + lag.
    sums = np.cumsum(gain[:length, row])
    best: Loop | None = None
    for lag in LAGS:
        if length <= lag + REPEATS:
            break
        back = np.abs(path[lag:] - path[:-lag]).max(axis=1) < NEAR
        away = np.abs(path[lag // 2 : length - lag + lag // 2] - path[: length - lag]).max(axis=1) > FAR
        in_a_row = _longest_run(back)
        closed = in_a_row[away[in_a_row]]
        if len(in_a_row) < lag or len(closed) < max(REPEATS, lag // 2):
            continue
        pay = float((sums[closed + lag] - sums[closed]).mean()) / lag
        if best is None or pay > best.gain * 1.05:
            begins = int(closed[0]) + 1
            best = Loop(row, lag, begins, pay, _paying(row, closed, lag, length, each))
    return best


def _longest_run(holds: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Indices of the longest run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]]).astype(np.int8)))
    if not len(edges):
        return np.zeros(0, np.int64)
    longest = int(np.argmax(edges[1::2] - edges[::2]))
    return np.arange(edges[2 * longest], edges[2 * longest + 1])


def _paying(row: int, closed: NDArray[np.int64], lag: int, length: int, each: dict[str, Floats]) -> tuple[str, ...]:
    gains = {}
    for name, term in each.items():
        sums = np.cumsum(term[:length, row])
        gains[name] = float((sums[closed + lag] - sums[closed]).mean())
    largest = max(gains.values())
    return tuple(sorted((name for name in gains if gains[name] > 0.1 * largest > 0), key=lambda name: -gains[name]))
