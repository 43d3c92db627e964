"""Running mean and variance, and what is made of them: normalised observations and rewards in units of the return."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.training.policy import EPSILON

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

CLIP = 10.0
"""Normalised observations and rewards lie in [-CLIP, CLIP]."""


class RunningStatistics:
    """Mean and variance of all rows seen so far (parallel variant of Welford's method: Chan et al. 1979)."""

    def __init__(self, shape: tuple[int, ...] = ()) -> None:
        self.mean: Doubles = np.zeros(shape)
        self.variance: Doubles = np.ones(shape)
        self.count = 1e-4

    def update(self, rows: Array) -> None:
        """Take in rows [M, ...]."""
        size = len(rows)
        mean = rows.mean(axis=0, dtype=np.float64)
        centred = rows - mean
        squares = np.einsum("m...,m...->...", centred, centred)
        delta, total = mean - self.mean, self.count + size
        self.variance = (self.variance * self.count + squares + np.square(delta) * (self.count * size / total)) / total
        self.mean = self.mean + delta * (size / total)
        self.count = total

    def normalised(self, rows: Array) -> Floats:
        """Rows [..., D] with mean 0 and variance 1, clipped, float32."""
        scaled = (rows - self.mean) / np.sqrt(self.variance + EPSILON)
        return np.clip(scaled, -CLIP, CLIP, out=scaled).astype(np.float32)

    def arrays(self) -> dict[str, Array]:
        """For a checkpoint."""
        return {"mean": self.mean, "variance": self.variance, "count": np.array(self.count)}

    def restore(self, arrays: dict[str, Array]) -> None:
        """Go back to what `arrays` gave."""
        self.mean, self.variance, self.count = arrays["mean"], arrays["variance"], float(arrays["count"])


class RewardScale:
    """Divides rewards by the running standard deviation of the discounted return (Stable-Baselines3's VecNormalize).

    The statistics take in a whole rollout before it is divided, so that all its rewards have one scale.
    """

    def __init__(self, num_envs: int, gamma: float) -> None:
        self._gamma = gamma
        self._returns: Doubles = np.zeros(num_envs)
        self._statistics = RunningStatistics()

    def scaled(self, reward: Floats, done: Bools) -> Floats:
        """Rewards [T, N] of a rollout, scaled and clipped; `done` [T, N]: an episode ended with the step."""
        returns = np.empty(reward.shape)
        for step, (row, ended) in enumerate(zip(reward, done, strict=True)):
            returns[step] = self._returns * self._gamma + row
            self._returns = np.where(ended, 0.0, returns[step])
        self._statistics.update(returns.reshape(-1))
        scaled = reward / np.sqrt(self._statistics.variance + EPSILON)
        return np.clip(scaled, -CLIP, CLIP).astype(np.float32)

    def arrays(self) -> dict[str, Array]:
        """For a checkpoint."""
        return {"returns": self._returns, **self._statistics.arrays()}

    def restore(self, arrays: dict[str, Array]) -> None:
        """Go back to what `arrays` gave."""
        self._returns = arrays["returns"]
        self._statistics.restore(arrays)
