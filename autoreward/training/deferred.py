"""Puts rewards into a Stable-Baselines3 rollout that was collected without them.

Imported by the worker's trainer only (Stable-Baselines3 brings torch).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.running_mean_std import RunningMeanStd

from autoreward.training.collect import Scored
from autoreward.training.normalise import CLIP
from autoreward.training.policy import EPSILON
from autoreward.training.session import Session


class DeferredRewards:
    """Scores each rollout at its end, normalises its rewards as `VecNormalize` does, and computes advantages anew.

    Rewards are divided by the running standard deviation of the discounted return, and clipped.
    """

    def __init__(self, session: Session, gamma: float) -> None:
        self._session, self._gamma = session, gamma
        self._returns = np.zeros(session.collector.env.num_envs)
        self._statistics = RunningMeanStd(shape=())

    def fill(self, buffer: RolloutBuffer, last_values: torch.Tensor, dones: NDArray[np.bool_]) -> None:
        """Add the rewards to what the buffer holds, the expected return after a truncation, and redo its advantages.

        Args:
            buffer: a full rollout, [T, N], collected with rewards of zero.
            last_values: [N, 1], the critic's values after the rollout.
            dones: [N], of its last step.

        Raises:
            TrainingFailed: a reward is not finite, or the reward program failed.
        """
        buffer.rewards += self.normalised(self._session.collector.score())
        buffer.compute_returns_and_advantage(last_values=last_values, dones=dones)

    def normalised(self, scored: Scored) -> NDArray[np.float32]:
        """Rewards [T, N] in units of the return's running standard deviation, step by step."""
        found = np.empty_like(scored.reward)
        for index, (reward, done) in enumerate(zip(scored.reward, scored.done, strict=True)):
            self._returns = self._returns * self._gamma + reward
            self._statistics.update(self._returns)
            found[index] = np.clip(reward / np.sqrt(self._statistics.var + EPSILON), -CLIP, CLIP)
            self._returns[done] = 0.0
        return found
