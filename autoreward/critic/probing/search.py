"""The cross-entropy method (Rubinstein, 1999) over the numbers of a small policy."""

from __future__ import annotations

import numpy as np

from autoreward.critic.probing.playing import Floats
from autoreward.critic.probing.policies import Array

ELITE = 0.25
"""Of a generation that the next one is drawn around."""
SPREAD = 0.2
"""Standard deviation that stays, so that a search of few draws does not settle at once."""


class Search:
    """Draws parameters, and moves to where they are worth most.

    Args:
        shape: of one policy's parameters.
        rng: draws them.
    """

    def __init__(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self._rng = rng
        self._mean, self._std = np.zeros(shape), np.ones(shape)
        self._best: tuple[float, Array] | None = None

    @property
    def best(self) -> Array | None:
        """The parameters that were worth most; None where none were to be followed."""
        return None if self._best is None else self._best[1]

    def ask(self, count: int) -> Array:
        """[count, *shape]; the best so far is the first of them."""
        drawn: Array = self._mean + self._std * self._rng.standard_normal((count, *self._mean.shape))
        if self._best is not None:
            drawn[0] = self._best[1]
        return drawn

    def tell(self, drawn: Array, values: Floats) -> None:
        """Move on.

        Args:
            drawn: [count, *shape], as asked.
            values: [count]; -inf for those that are not to be followed.
        """
        order = [row for row in np.argsort(-values, kind="stable") if np.isfinite(values[row])]
        if not order:
            return
        if self._best is None or values[order[0]] > self._best[0]:
            self._best = (float(values[order[0]]), drawn[order[0]].copy())
        elite = drawn[order[: max(2, round(ELITE * len(drawn)))]]
        self._mean = 0.3 * self._mean + 0.7 * elite.mean(axis=0)
        self._std = np.maximum(0.3 * self._std + 0.7 * elite.std(axis=0), SPREAD)
