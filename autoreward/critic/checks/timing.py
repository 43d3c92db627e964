"""A call is cheap beside the simulation."""

from __future__ import annotations

import statistics

import numpy as np

from autoreward.critic.checks.outcome import Outcome, fault
from autoreward.critic.checks.trial import Trial

ROWS = 64
LIMIT_SECONDS = 0.05
REPEATS = 5


def check(trial: Trial) -> Outcome:
    """Time a step of 64 rows: the median of five calls, as the cell's own clock sees them."""
    rows = np.arange(ROWS) % trial.begun.shape[1]
    inputs = {name: array[:1, rows] for name, array in trial.inputs.items()}
    begun = trial.begun[:1, rows]
    seconds = statistics.median(trial.score(inputs, begun).seconds for _ in range(REPEATS))
    if seconds <= LIMIT_SECONDS:
        return Outcome(message=f"a step of {ROWS} rows takes {seconds * 1000:.2g} ms")
    return fault(
        f"a step of {ROWS} rows takes {seconds * 1000:.0f} ms; at most {LIMIT_SECONDS * 1000:.0f} ms are allowed. "
        "Replace loops over rows by array operations"
    )
