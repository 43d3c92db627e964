"""A row depends on its own row and its own memory only: no batch statistics, no order."""

from __future__ import annotations

import numpy as np

from autoreward.critic.checks.trial import Trial
from autoreward.sandbox.contract import Scores

TOLERANCE = 1e-4
"""Relative; sums over an axis may round differently for another number of rows."""


def check(trial: Trial) -> str:
    """Score the recorded environments in another order, and a few of them alone."""
    whole = trial.score()
    count = trial.begun.shape[1]
    for chosen in (np.arange(count)[::-1], np.arange(0, count, 3)):
        part = trial.score({name: array[:, chosen] for name, array in trial.inputs.items()}, trial.begun[:, chosen])
        if term := _differing(whole, part, chosen):
            return (
                f"term `{term}` of a row depends on the other rows. Rows are separate environments: reduce with "
                "axis=-1 only, never over the whole batch, and do not use a row's index"
            )
    return ""


def _differing(whole: Scores, part: Scores, chosen: np.ndarray[tuple[int], np.dtype[np.int64]]) -> str:
    for name, term in whole.terms.items():
        if not np.allclose(term[:, chosen], part.terms[name], rtol=TOLERANCE, atol=TOLERANCE):
            return name
    return ""
