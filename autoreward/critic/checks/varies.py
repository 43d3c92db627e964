"""The total is not the same everywhere: such a reward teaches nothing."""

from __future__ import annotations

import numpy as np

from autoreward.critic.checks.outcome import PASSED, Outcome, fault
from autoreward.critic.checks.trial import Trial
from autoreward.reward.total import total
from autoreward.sandbox.contract import Array


def check(trial: Trial) -> Outcome:
    """Look for a change on recorded steps, then on mixed and on edge rows, where an event-only program may fire."""
    seen = [total(trial.program, trial.recorded.terms)]
    if np.ptp(seen[0]) > 0:
        return PASSED
    seen.append(trial.totals(_mixed(trial)))
    seen.append(trial.totals(*trial.edges()))
    values = np.concatenate([part.reshape(-1) for part in seen])
    if np.ptp(values) > 0:
        return PASSED
    return fault(
        f"the total is {values[0]:.4g} in every one of {values.size} steps: recorded, mixed and at the ends of the "
        "fields' ranges. Add a term that grows on the way to the goal"
    )


def _mixed(trial: Trial) -> dict[str, Array]:
    """Each input drawn from other rows than its neighbours: combinations that no episode held."""
    generator = np.random.default_rng(0)
    shape = trial.begun.shape
    rows = trial.begun.size
    return {
        name: array.reshape(rows, *array.shape[2:])[generator.permutation(rows)].reshape(*shape, *array.shape[2:])
        for name, array in trial.inputs.items()
    }
