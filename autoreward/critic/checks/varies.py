"""The total is not the same everywhere: such a reward teaches nothing."""

from __future__ import annotations

import numpy as np

from autoreward.critic.checks.outcome import PASSED, Outcome, fault
from autoreward.critic.checks.trial import Trial
from autoreward.reward.total import total


def check(trial: Trial) -> Outcome:
    """Look for a change on recorded steps, then in all other states, where an event-only program may fire."""
    if np.ptp(total(trial.program, trial.recorded.terms)) > 0:
        return PASSED
    seen = [total(trial.program, terms) for terms in trial.everywhere.values()]
    values = np.concatenate([part.reshape(-1) for part in seen])
    if np.ptp(values) > 0:
        return PASSED
    return fault(
        f"the total is {values[0]:.4g} in every one of {values.size} steps: recorded, perturbed and at the ends of the "
        "fields' ranges. Add a term that grows on the way to the goal"
    )
