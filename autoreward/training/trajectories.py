"""What the reward program says of the recorded episodes of a final evaluation."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.errors import CellFailed
from autoreward.records import write_bytes
from autoreward.training.rewards import ProgramReward


def episode_terms(path: Path, reward: ProgramReward) -> dict[str, tuple[float, ...]]:
    """Weighted sum of each term in each recorded episode of a `trajectories.npz`; what each step pays is added to it.

    Empty where the program cannot score them: the training has its result all the same.
    """
    with np.load(path) as file:
        recorded = file["recorded"]
        if not len(recorded):
            return {}
        inputs = {"action": file["action"].swapaxes(0, 1)}
        for name in {*reward.state_fields, *reward.next_state_fields}:
            values = file[f"field.{name}"].swapaxes(0, 1)
            inputs[f"state.{name}"], inputs[f"next_state.{name}"] = values[:-1], values[1:]
        lengths = file["length"][recorded]
    try:
        terms = reward.recorded_terms({name: inputs[name] for name in reward.program.inputs}, lengths)
    except CellFailed:
        return {}
    _append(path, {f"term.{name}": values.T.astype(np.float32) for name, values in terms.items()})
    return {name: tuple(float(value) for value in values.sum(axis=0)) for name, values in terms.items()}


def _append(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Add arrays to a file of arrays, atomically, and leave out what it has: a killed training sums up twice."""
    buffer = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        for name in arrays.keys() - {member.removesuffix(".npy") for member in archive.namelist()}:
            member = io.BytesIO()
            np.save(member, arrays[name], allow_pickle=False)
            archive.writestr(f"{name}.npy", member.getvalue())
    write_bytes(path, buffer.getvalue())
