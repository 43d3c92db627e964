"""What tells the human reward, and is therefore kept from schema, Designer and programs.

Covered: names and sentences with the words below; private names; values that equal the reward, add up to it, or are
an affine function of it or of one of its terms.
Not covered: observations (the policy sees them anyway), and what a reward computes from the state in other ways: a
quantity such as a distance stays, since programs are meant to find it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_NAMES = re.compile(
    r"reward|return|success|solved|score|weight|cost|penal|bonus|fitness|objective|incentiv|regret|advantage|payoff"
    r"|shaping|goal_reached|is_healthy|heal?thy_|^unhealthy",
    re.IGNORECASE,
)
_PROSE = re.compile(
    r"reward|success|score|weight|\bcosts?\b|_cost|penal|bonus|fitness|incentiv|payoff|\$w_|discounted", re.IGNORECASE
)
_CLOSE = 0.9999
"""Absolute correlation from which a value is taken for a function of a term."""


def name_is_withheld(name: str) -> bool:
    """Whether an `info` key or an attribute of that name is kept back."""
    return name.startswith("_") or _NAMES.search(name) is not None


def text_is_withheld(text: str) -> bool:
    """Whether a sentence or a table row is kept back."""
    return _PROSE.search(text) is not None


def open_part(paragraph: str) -> str:
    """A paragraph up to the first sentence that is kept back: what follows one usually explains it."""
    kept = []
    for sentence in re.split(r"(?<=[.!?])\s+(?=[^a-z])", paragraph):
        if text_is_withheld(sentence):
            break
        kept.append(sentence)
    return " ".join(kept)


def equals_reward(values: Array, rewards: Array) -> bool:
    """Whether some component of `values` [T, ...] is the reward [T] in every step."""
    return any(np.allclose(column, rewards, rtol=1e-4, atol=1e-6) for column in _columns(values))


def tells_reward(values: Array, rewards: Array, terms: Sequence[Array], episodes: Array) -> bool:
    """Whether some component of `values` [T, ...] gives the reward or a term away.

    Args:
        values: a candidate field, after each step.
        rewards: [T].
        terms: what is withheld by its name, each [T].
        episodes: [T], which episode each step belongs to.
    """
    if equals_reward(values, rewards):
        return True
    returns = np.concatenate([np.cumsum(rewards[episodes == episode]) for episode in np.unique(episodes)])
    for column in _columns(values):
        if np.allclose(column, returns, rtol=1e-4, atol=1e-6):
            return True
        if any(_affine(column, term) for term in (rewards, *terms)):
            return True
    return False


def _columns(values: Array) -> list[Array]:
    return list(values.reshape(len(values), -1).astype(np.float64).T)


def _affine(first: Array, second: Array) -> bool:
    finite = np.isfinite(first) & np.isfinite(second)
    first, second = first[finite], second[finite]
    if len(first) < 3 or first.std() < 1e-9 or second.std() < 1e-9:
        return False
    return bool(abs(np.corrcoef(first, second)[0, 1]) > _CLOSE)
