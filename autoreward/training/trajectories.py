"""What the reward program says of the recorded episodes of a final evaluation."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autoreward.errors import CellFailed
from autoreward.training.rewards import ProgramReward


def episode_terms(path: Path, reward: ProgramReward) -> dict[str, tuple[float, ...]]:
    """Weighted sum of each term in each recorded episode of a `trajectories.npz`.

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
        return reward.episode_sums({name: inputs[name] for name in reward.program.inputs}, lengths)
    except CellFailed:
        return {}
