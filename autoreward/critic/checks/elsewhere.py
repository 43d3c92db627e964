"""It gives terms in perturbed and extreme states too; those need not be reachable, so a fault there is a warning."""

from __future__ import annotations

from autoreward.critic.checks.outcome import Outcome, suspicion
from autoreward.critic.checks.trial import Trial
from autoreward.errors import CellFailed


def check(trial: Trial) -> Outcome:
    """Score them, and say what the cell says of those for which there are no terms."""
    missing = [name for name in trial.chunks if name not in trial.everywhere]
    if not missing:
        return Outcome(tried=trial.tried)
    try:
        trial.score(*trial.chunks[missing[0]])
    except CellFailed as error:
        return suspicion(f"in {missing[0]} states: {error}", tried=trial.tried, line=error.line)
    return Outcome(tried=trial.tried)
