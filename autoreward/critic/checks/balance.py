"""No term drowns all others: where one is a hundred times as large, the rest teaches nothing."""

from __future__ import annotations

import numpy as np

from autoreward.critic.checks.outcome import Outcome, no_evidence, suspicion
from autoreward.critic.checks.trial import Trial
from autoreward.reward.total import weighted

TIMES = 100.0


def check(trial: Trial) -> Outcome:
    """Compare how much the weighted terms vary, in recorded steps and in all states: both must say so.

    The largest value that was seen anywhere counts for the rest, since an event that pays much, but that no random
    policy meets, is drowned by nobody. In the grammar `signs` terms outvote each other within `sparse` and `dense`.
    """
    everywhere = {name: weighted(trial.program, terms) for name, terms in trial.everywhere.items()}
    varying = [name for name, term in everywhere["recorded"].items() if np.ptp(term) > 0]
    told, groups = [], 0
    for group in sorted({name.rpartition(".")[0] for name in varying}):
        names = [name for name in varying if name.rpartition(".")[0] == group]
        rest = [name for name in everywhere["recorded"] if name.rpartition(".")[0] == group]
        if len(names) < 2:
            continue
        groups += 1
        spread = {name: float(np.std(everywhere["recorded"][name])) for name in names}
        size = {name: max(float(np.abs(chunk[name]).max()) for chunk in everywhere.values()) for name in rest}
        first = max(spread, key=lambda name: spread[name])
        times = spread[first] / max(sum(spread.values()) - spread[first], 1e-12)
        others = max(size[name] for name in rest if name != first)
        if times >= TIMES and size[first] >= TIMES * others:
            told.append(
                f"term `{first}` varies {min(times, 1e6):,.0f} times as much as all others together; "
                "raise the weights of those that are to count, or leave them out"
            )
    tried = f"{len(varying)} terms that change in recorded steps"
    if told:
        return suspicion("; ".join(told), tried=tried)
    if groups or len(trial.recorded.terms) == 1:
        return Outcome(tried=tried)
    return no_evidence("fewer than two terms change in recorded steps", tried)
