"""Every branch goes both ways somewhere: what never happens in any state that was tried may be a slip of the pen."""

from __future__ import annotations

import numpy as np

from autoreward.critic.checks.outcome import Outcome, no_evidence, suspicion
from autoreward.critic.checks.trial import Trial
from autoreward.critic.twin import BOTH, NOT_FALSE, NOT_TRUE, Twin, twin
from autoreward.errors import RewardRefused

SHOWN = 3
_NEVER = {0: "is never reached", NOT_TRUE: "is never true", NOT_FALSE: "is never false"}


def check(trial: Trial) -> Outcome:
    """Load the program's twin in its place, score all chunks, and load the program again."""
    found = twin(trial.program)
    if found is None:
        return Outcome(tried="0 branches")
    try:
        trial.cell.load(found.source, trial.schema, trial.program.grammar)
        ways, steps = _ways(trial, found)
    except RewardRefused:
        return no_evidence("its branches cannot be counted: with counters it is longer than a program may be")
    finally:
        trial.cell.load(trial.program.source, trial.schema, trial.program.grammar)
    tried = f"{np.count_nonzero(ways == BOTH)} of {len(ways)} branches both ways in {steps:,} transitions"
    if (ways == BOTH).all():
        return Outcome(tried=tried)
    sided = [(branch, int(way)) for branch, way in zip(found.branches, ways, strict=True) if way != BOTH]
    told = [f"{branch.text} of line {branch.line} {_NEVER[way]}" for branch, way in sided[:SHOWN]]
    more = f", and {len(sided) - SHOWN} more" if len(sided) > SHOWN else ""
    advice = "compare with values that the fields take, or leave it out"
    return suspicion(f"{'; '.join(told)}{more}; {advice}", tried=tried, line=sided[0][0].line)


def _ways(trial: Trial, found: Twin) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.int64]], int]:
    """What was seen of each branch, [branches], and in how many steps; short chunks come first, and may suffice."""
    ways, steps = np.zeros(len(found.branches), np.int64), 0
    for name in reversed(trial.everywhere):
        if not (ways == BOTH).all():
            seen = found.ways(trial.score(*trial.chunks[name]).terms)
            ways |= np.bitwise_or.reduce(seen, axis=(1, 2))
            steps += seen[0].size
    return ways, steps
