"""It stays finite where random policies seldom go: zeros, and the ends of the fields' ranges."""

from __future__ import annotations

from autoreward.critic.checks.outcome import PASSED, Outcome, fault
from autoreward.critic.checks.trial import Trial
from autoreward.errors import CellFailed


def check(trial: Trial) -> Outcome:
    """Score the edge rows."""
    try:
        trial.score(*trial.edges())
    except CellFailed as error:
        where = f"{error}; this happens where fields are zero or at the ends of their ranges"
        advice = ". Guard divisions, logarithms and square roots: np.maximum(x, 1e-6), np.clip"
        return fault(where + (advice if error.reason == "output" else ""))
    return PASSED
