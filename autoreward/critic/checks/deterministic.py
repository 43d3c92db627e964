"""The same chunk gives the same terms, again and in a new cell."""

from __future__ import annotations

import numpy as np

from autoreward.critic.checks.trial import Trial
from autoreward.sandbox.contract import Memory, Scores


def check(trial: Trial) -> str:
    """Score the recorded chunk twice here and once in a fresh cell."""
    first, again = trial.score(), trial.score()
    if term := _differing(first, again):
        return f"term `{term}` differs when the same steps are scored twice; use the arguments and memory alone"
    fresh = trial.new_cell()
    try:
        fresh.load(trial.program.source, trial.schema, trial.program.grammar)
        other = fresh.score(trial.inputs, trial.begun, Memory())
    finally:
        fresh.close()
    if term := _differing(first, other):
        return f"term `{term}` differs in a new process; use the arguments and memory alone"
    return ""


def _differing(first: Scores, second: Scores) -> str:
    return next((name for name, term in first.terms.items() if not np.array_equal(term, second.terms[name])), "")
