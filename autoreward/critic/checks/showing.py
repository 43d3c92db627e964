"""Rows that show what a check found: fields with their units, and terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.critic.checks.trial import Trial
from autoreward.critic.contract import Shown
from autoreward.schema import EnvSchema

FIELDS = 6
"""That a row shows at most."""
NUMBERS = 4
"""Of a vector that are shown at most."""


def shown(trial: Trial, index: int, quantities: Mapping[str, NDArray[Any]]) -> Shown:
    """A recorded step: what the program reads of it, and quantities [T, N] such as its terms.

    Args:
        trial: the candidate.
        index: of the step among all [T x N].
        quantities: name -> [T, N].
    """
    step, row = (int(part) for part in np.unravel_index(index, trial.begun.shape))
    read = trial.program.inputs[:FIELDS]
    values = {name: in_words(name, trial.inputs[name][step, row], trial.schema) for name in read}
    values |= {name: f"{array[step, row]:.4g}" for name, array in quantities.items()}
    return Shown(where=f"recorded, environment {row}, step {step}", values=values)


def in_words(name: str, value: NDArray[Any], schema: EnvSchema) -> str:
    """A value of `state.x`, `next_state.x` or `action` with its unit, such as `0.31 m` or `[0.1 0.2] m/s`."""
    unit = "" if name == "action" else schema.field(name.partition(".")[2]).unit
    numbers = [f"{number:.4g}" for number in np.asarray(value).reshape(-1)]
    more = " ..." if len(numbers) > NUMBERS else ""
    text = f"[{' '.join(numbers[:NUMBERS])}{more}]" if np.ndim(value) else numbers[0]
    return f"{text} {unit}".rstrip()
