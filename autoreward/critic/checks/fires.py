"""Every term fires somewhere: one that is 0 in all states that are tried may wait for what cannot be."""

from __future__ import annotations

import numpy as np

from autoreward.critic.checks.outcome import Outcome, suspicion
from autoreward.critic.checks.trial import Trial


def check(trial: Trial) -> Outcome:
    """Look for a change of each term in all states that are tried.

    Another constant than 0 is a remark: a cost of time, or a pay for lasting, is right where episodes end.
    """
    never: list[str] = []
    told: list[str] = []
    changing = 0
    for name, recorded in trial.recorded.terms.items():
        values = np.concatenate([terms[name].reshape(-1) for terms in trial.everywhere.values()])
        changing += bool(np.ptp(recorded) > 0)
        if np.ptp(values) > 0:
            continue
        if values[0]:
            told.append(f"term `{name}` is {values[0]:.4g} in every state: it counts steps, whatever is done")
        else:
            never.append(f"`{name}`")
    tried = f"{changing} of {len(trial.recorded.terms)} terms change in recorded steps; {trial.tried}"
    if not never:
        return Outcome(message="; ".join(told), tried=tried)
    advice = "compare with values that the fields take, or leave it out"
    return suspicion("; ".join([f"{', '.join(never)} never fires: 0 in every state; {advice}", *told]), tried=tried)
