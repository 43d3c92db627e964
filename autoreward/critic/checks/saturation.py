"""No term lies flat at the end of what it can be: there it is blind to what the agent does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.critic import states
from autoreward.critic.checks.outcome import Outcome, no_evidence, suspicion
from autoreward.critic.checks.showing import shown
from autoreward.critic.checks.trial import Trial
from autoreward.errors import CellFailed

SHARE = 0.98
"""Of the recorded steps that lie within NEAR of the bound."""
NEAR = 0.002
"""As a share of the term's whole range."""
WIDER = 4.0
"""A bound is one if fields that go this many times further beyond their ends do not move it."""


def check(trial: Trial) -> Outcome:
    """Find the bounds of each term, and how many recorded steps lie at one.

    What has two or three values alone is an event, and what lies at exactly 0 has not fired: neither is saturated.
    """
    try:
        further = trial.score(
            states.extreme(trial.program.inputs, trial.inputs, trial.schema, WIDER), states.begun()
        ).terms
    except CellFailed as error:
        return no_evidence(f"what bounds its terms cannot be seen: {error}")
    told, rows = [], []
    for name, recorded in trial.recorded.terms.items():
        values = np.concatenate([terms[name].reshape(-1) for terms in trial.everywhere.values()])
        if len(np.unique(values)) <= 3:
            continue
        for bound in _bounds(values, further[name]):
            flat = np.abs(recorded - bound) <= NEAR * float(np.ptp(values))
            if np.mean(flat) >= SHARE and (bound != 0 or _never_quite(recorded)):
                told.append(
                    f"term `{name}` is {bound:.4g}, its bound, in {np.mean(flat):.0%} of the recorded steps; "
                    "divide by a larger scale inside it, so that it tells near from far"
                )
                rows.append(shown(trial, int(np.argmax(flat)), {name: recorded}))
    tried = f"{len(trial.recorded.terms)} terms, {trial.recorded.terms[next(iter(trial.recorded.terms))].size:,} steps"
    return suspicion("; ".join(told), tuple(rows[:3]), tried) if told else Outcome(tried=tried)


def _bounds(values: NDArray[Any], further: NDArray[Any]) -> list[float]:
    """The ends of the values that states further out do not pass."""
    low, high = float(values.min()), float(values.max())
    slack = 1e-3 * (high - low)
    found = [low] if float(further.min()) >= low - slack else []
    return [*found, high] if float(further.max()) <= high + slack else found


def _never_quite(recorded: NDArray[Any]) -> bool:
    """Whether it nears 0 without reaching it, as exp(-x) does: there is a slope, too faint to be seen."""
    return bool(np.count_nonzero(recorded) >= SHARE * recorded.size)
