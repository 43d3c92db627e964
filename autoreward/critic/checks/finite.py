"""What it gives for recorded transitions are terms: the ones of WEIGHTS, one finite, bounded number a row each."""

from __future__ import annotations

from autoreward.critic.checks.outcome import PASSED, Outcome
from autoreward.critic.checks.trial import Trial


def check(trial: Trial) -> Outcome:
    """Score the recorded chunk; the cell and what checks its outputs say what is wrong."""
    _ = trial.recorded
    return PASSED
