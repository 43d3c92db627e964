"""The fields that it reads change in recorded steps: one that never does tells nothing of what the agent does."""

from __future__ import annotations

import numpy as np

from autoreward.critic.checks.outcome import Outcome, suspicion
from autoreward.critic.checks.showing import in_words
from autoreward.critic.checks.trial import Trial


def check(trial: Trial) -> Outcome:
    """Look at each input that the program reads.

    What stays at 0, at 1 or at an end of its range may be waiting for an event that no random policy meets, which is a
    remark; a quantity that stays within its range is a warning, and so is a program all of whose inputs stay.
    """
    still = [name for name in trial.program.inputs if np.ptp(_rows(trial, name), axis=0).max(initial=0) == 0]
    values = {name: in_words(name, trial.inputs[name][0, 0], trial.schema) for name in still}
    told = ", ".join(f"{name} = {value}" for name, value in values.items())
    tried = f"{len(trial.program.inputs)} inputs, {trial.begun.size:,} recorded steps"
    quantities = [name for name in still if _is_quantity(trial, name)]
    if not quantities and len(still) < len(trial.program.inputs):
        return Outcome(message=f"never different when recorded: {told}" if told else "", tried=tried)
    return suspicion(
        f"it reads what is the same in every recorded step: {told}; read a field that what the agent does can change",
        tried=tried,
    )


def _rows(trial: Trial, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return trial.inputs[name].reshape(trial.begun.size, -1).astype(np.float64)


def _is_quantity(trial: Trial, name: str) -> bool:
    """A number within its range, neither the 0 and 1 of flags nor an end, as of distances of what is out of sight."""
    value, about = trial.inputs[name], None if name == "action" else trial.schema.field(name.partition(".")[2])
    ends = (0.0, 1.0) if about is None else (0.0, 1.0, about.low, about.high)
    return (
        value.dtype.kind == "f"
        and not np.isin(value, np.array([end for end in ends if end is not None], value.dtype)).all()
    )
