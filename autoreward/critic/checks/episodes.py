"""Memory begins anew with each episode: what came before in the stream changes nothing."""

from __future__ import annotations

import numpy as np

from autoreward.critic.checks.outcome import Outcome, fault
from autoreward.critic.checks.showing import shown
from autoreward.critic.checks.trial import Trial


def check(trial: Trial) -> Outcome:
    """Score two episodes in one stream, and the second by itself: equal to the last bit.

    The second half of the recorded steps is made an episode of its own, wherever recorded ones begin; to a program an
    episode is what `begun` says.
    """
    if not trial.program.uses_memory:
        return Outcome(tried="it keeps nothing")
    half = len(trial.begun) // 2
    begun = trial.begun.copy()
    begun[half] = True
    stream = trial.score(trial.inputs, begun).terms
    alone = trial.score({name: array[half:] for name, array in trial.inputs.items()}, begun[half:]).terms
    tried = f"{begun.shape[1]} streams of {int(begun.sum()):,} episodes"
    for name, term in stream.items():
        wrong = term[half:] != alone[name]
        if wrong.any():
            again = np.concatenate([term[:half], alone[name]])
            row = shown(trial, half * begun.shape[1] + int(np.argmax(wrong)), {name: term, f"{name} by itself": again})
            return fault(
                f"term `{name}` of an episode depends on the episode before; keep what lasts in `memory` alone",
                (row,),
                tried,
            )
    return Outcome(tried=tried)
