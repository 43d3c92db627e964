"""The same chunk gives the same terms, again and in a new cell."""

from __future__ import annotations

import numpy as np

from autoreward.critic.checks.outcome import PASSED, Outcome, fault
from autoreward.critic.checks.trial import Trial
from autoreward.sandbox.contract import Memory, Scores

ADVICE = "use the arguments and memory alone"


def check(trial: Trial) -> Outcome:
    """Score the recorded chunk twice here and once in a fresh cell."""
    if term := _differing(trial.recorded, trial.score()):
        return fault(f"term `{term}` differs when the same steps are scored twice; {ADVICE}")
    fresh = trial.new_cell()
    try:
        fresh.load(trial.program.source, trial.schema, trial.program.grammar)
        other = fresh.score(trial.inputs, trial.begun, Memory())
    finally:
        fresh.close()
    if term := _differing(trial.recorded, other):
        return fault(f"term `{term}` differs in a new process; {ADVICE}")
    return PASSED


def _differing(first: Scores, second: Scores) -> str:
    """The first term that the two do not share, or that is not the same in both."""
    names = dict.fromkeys([*first.terms, *second.terms])
    same = (
        name in first.terms and name in second.terms and np.array_equal(first.terms[name], second.terms[name])
        for name in names
    )
    return next((name for name, equal in zip(names, same, strict=True) if not equal), "")
