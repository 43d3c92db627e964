"""What a learner has collected between two updates, and the advantages of its actions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]


@dataclass
class Rollout:
    """T steps of N environments, filled step by step."""

    obs: Floats
    """[T, N, D], normalised as they were acted on."""
    action: Array
    """[T, N, A] float32 as drawn (not clipped to the bounds), or [T, N] int64."""
    log_prob: Floats
    """[T, N], of the action under the policy that drew it."""
    mask: Bools | None
    """[T, N, choices], the allowed choices; None where there is no mask."""
    cut: list[tuple[int, Array, Floats]] = field(default_factory=list)
    """(step, rows [K], normalised last observations [K, D]) of episodes that the step limit cut off."""

    @classmethod
    def empty(cls, steps: int, obs: Floats, action: Array, mask: Bools | None) -> Rollout:
        """Room for `steps` steps of environments that look like these rows."""
        return cls(
            obs=np.empty((steps, *obs.shape), dtype=np.float32),
            action=np.empty((steps, *action.shape), dtype=action.dtype),
            log_prob=np.empty((steps, len(obs)), dtype=np.float32),
            mask=None if mask is None else np.empty((steps, *mask.shape), dtype=np.bool_),
        )


def advantages(reward: Floats, value: Floats, done: Bools, gamma: float, gae_lambda: float) -> Floats:
    """Generalised advantage estimates (Schulman et al. 2016, equation 16), backwards through the rollout.

    Args:
        reward: [T, N]; where the step limit cut an episode off, with the discounted value of its last state added.
        value: [T + 1, N], of the states acted in and of the state after the last step.
        done: [T, N]: the episode ended with the step, so nothing that comes later counts.
        gamma: discount of a step.
        gae_lambda: weight of longer returns.

    Returns:
        [T, N].
    """
    keep = gamma * (1.0 - done.astype(np.float32))
    error = reward + keep * value[1:] - value[:-1]
    found = np.empty_like(reward)
    running = np.zeros(reward.shape[1], dtype=np.float32)
    for step in range(len(reward) - 1, -1, -1):
        running = error[step] + gae_lambda * keep[step] * running
        found[step] = running
    return found
