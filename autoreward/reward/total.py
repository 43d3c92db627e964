"""The total reward of a program's terms: made by the system, never by the program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.language.program import Program

Array = NDArray[Any]

DENSE_SHARE = 0.1
"""Weight of the sign of the dense sum against that of the sparse one (Auto MC-Reward, CVPR 2024, equation 3)."""


def weighted(program: Program, terms: Mapping[str, Array]) -> dict[str, Array]:
    """Terms as they enter the total: times their weights in the grammar `terms`, unchanged in `signs`.

    Args:
        program: gives grammar and weights.
        terms: name -> [T, N], as a cell gives them.

    Returns:
        Name -> [T, N] float32.
    """
    if program.grammar == "signs":
        return {name: np.asarray(term, np.float32) for name, term in terms.items()}
    return {name: np.float32(program.weights[name]) * np.asarray(term, np.float32) for name, term in terms.items()}


def total(program: Program, terms: Mapping[str, Array]) -> NDArray[np.float32]:
    """The reward [T, N] float32 of unweighted terms [T, N].

    `terms`: the sum of weight x term. `signs`: sgn(sum of sparse) + 0.1 sgn(sum of dense).
    """
    if program.grammar == "signs":
        sparse = _sum([term for name, term in terms.items() if name.startswith("sparse.")])
        dense = _sum([term for name, term in terms.items() if name.startswith("dense.")])
        return np.asarray(np.sign(sparse) + np.float32(DENSE_SHARE) * np.sign(dense), np.float32)
    return _sum(list(weighted(program, terms).values()))


def total_without(program: Program, terms: Mapping[str, Array]) -> dict[str, NDArray[np.float32]]:
    """The reward had it been without each term, each [T, N]; terms as `weighted` gives them.

    Only in `signs`: where the total is a sum, so is what is left of it. Empty in the other grammars.
    """
    if program.grammar != "signs":
        return {}
    return {left: total(program, {name: term for name, term in terms.items() if name != left}) for left in terms}


def _sum(terms: list[Array]) -> NDArray[np.float32]:
    found = np.zeros(np.shape(terms[0]) if terms else (), np.float32)
    for term in terms:
        found += term
    return found
