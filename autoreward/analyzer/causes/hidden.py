"""Whether success hangs on something that the policy does not see, and cannot tell from what it sees."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.analyzer.causes.case import Case
from autoreward.language.expressions import Expression

EXPLAINED = 0.2
"""Share of a field's variance that what is seen must explain for the policy to be able to react to it."""
NEIGHBOURS = 5
STATES = 400
"""States of all recorded episodes that are compared, at most."""
LEAST = 40
"""Below so many states nothing is said."""

Array = NDArray[Any]


def hidden_from_policy(case: Case) -> dict[str, float]:
    """Fields of the success rule that the policy neither sees nor can tell, with the share that what it sees explains.

    A field is predicted by the mean of the 5 states of other episodes that look most alike to the policy (nearest
    neighbours over its standardised fields). Another episode, since neighbours in time look alike and are alike.
    """
    hidden = [
        name
        for name in Expression(case.task.success.expression, case.schema.names).fields
        if not case.schema.field(name).policy_sees
    ]
    shares = {name: share for name in hidden if (share := _explained(case, name)) is not None}
    return {name: share for name, share in shares.items() if share < EXPLAINED}


def _explained(case: Case, name: str) -> float | None:
    """Variance of a field that is explained; None where it does not vary, or too few states are recorded."""
    seen, values, episodes = _states(case, name)
    if len(values) < LEAST or len(set(episodes.tolist())) < 2 or values.std(axis=0).max(initial=0.0) <= 1e-9:
        return None
    spread = seen.std(axis=0)
    seen = (seen - seen.mean(axis=0))[:, spread > 1e-9] / spread[spread > 1e-9]
    square = np.square(seen).sum(axis=1)
    apart = square[:, None] + square[None] - 2.0 * seen @ seen.T
    apart[episodes[:, None] == episodes[None]] = np.inf
    nearest = np.argsort(apart, axis=1)[:, :NEIGHBOURS]
    error = ((values[nearest].mean(axis=1) - values) ** 2).sum()
    return max(0.0, 1.0 - float(error / ((values - values.mean(axis=0)) ** 2).sum()))


def _states(case: Case, name: str) -> tuple[Array, Array, Array]:
    """Recorded states as the policy sees them [K, D], the field in them [K, F], and their episodes [K]."""
    visible = [f"field.{field.name}" for field in case.schema.fields if field.policy_sees]
    seen, values = list[Array](), list[Array]()
    episodes = list[Array]()
    for training in case.trainings:
        final, key = training.final, f"field.{name}"
        if key not in final or not set(visible) <= final.keys():
            continue
        for place, episode in enumerate(final["recorded"]):
            steps = np.arange(int(final["length"][episode]) + 1)
            seen.append(
                np.hstack([final[each][place][steps].reshape(len(steps), -1) for each in visible] or [steps[:, None]])
            )
            values.append(final[key][place][steps].reshape(len(steps), -1))
            episodes.append(np.full(len(steps), len(episodes)))
    if not seen:
        return np.zeros((0, 1)), np.zeros((0, 1)), np.zeros(0, dtype=np.int64)
    every = max(1, sum(map(len, values)) // STATES)
    arrays = (np.vstack(seen).astype(np.float64), np.vstack(values).astype(np.float64), np.concatenate(episodes))
    return arrays[0][::every], arrays[1][::every], arrays[2][::every]
