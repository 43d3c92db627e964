"""A row depends on its own row and its own memory only: no batch statistics, no order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autoreward.critic.checks.outcome import PASSED, Outcome, fault
from autoreward.critic.checks.trial import Trial
from autoreward.sandbox.contract import Scores

OF_SPREAD = 1e-3
"""A row may change by this share of its term's spread: products of matrices round otherwise for other numbers of rows.
The spread, since a fixed bound would let a small term through whose weight makes it large."""
OF_SIZE = 1e-6
"""And by this share of the largest value: some steps of float32."""


def check(trial: Trial) -> Outcome:
    """Score the recorded environments in another order, a few of them, and one alone.

    The order is a shuffled one: to turn it round, or to take every third, leaves `x[::-1]` as it was.
    """
    shuffled = np.random.default_rng(0).permutation(trial.begun.shape[1])
    for chosen in (shuffled, shuffled[: (len(shuffled) + 2) // 3], shuffled[-1:]):
        part = trial.score({name: array[:, chosen] for name, array in trial.inputs.items()}, trial.begun[:, chosen])
        if term := _differing(trial.recorded, part, chosen):
            return fault(
                f"term `{term}` of a row depends on the other rows. Rows are separate environments: reduce with "
                "axis=-1 only, never over the whole batch, and do not use a row's index"
            )
    return PASSED


def _differing(whole: Scores, part: Scores, chosen: NDArray[np.int64]) -> str:
    for name, term in whole.terms.items():
        allowed = OF_SPREAD * float(np.ptp(term)) + OF_SIZE * float(np.abs(term).max())
        if not np.allclose(term[:, chosen], part.terms[name], rtol=0.0, atol=allowed):
            return name
    return ""
