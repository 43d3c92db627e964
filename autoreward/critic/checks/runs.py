"""It runs on recorded transitions: no exception, within the deadline, within its memory."""

from __future__ import annotations

from autoreward.critic.checks.outcome import PASSED, Outcome
from autoreward.critic.checks.trial import Trial
from autoreward.errors import CellFailed


def check(trial: Trial) -> Outcome:
    """Score the recorded chunk; what comes out of it is judged by the next check."""
    try:
        _ = trial.recorded
    except CellFailed as error:
        if error.reason != "output":
            raise
    return PASSED
