"""What watches a Stable-Baselines3 training: has rollouts rewarded, and tells the session of them."""

from __future__ import annotations

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecNormalize

from autoreward.training.deferred import DeferredRewards
from autoreward.training.sb3_policy import check_finite, snapshot
from autoreward.training.session import Session

INTERVAL = 1_000
"""Environment steps after which weights are looked at again: with a replay buffer a rollout may be a single step."""


class Watch(BaseCallback):
    """Has each rollout rewarded at its end, and tells the session of it.

    Args:
        session: of the training.
        algorithm: what learns.
        normalised: its environments.
        rewards: for on-policy algorithms, whose rollouts are collected without rewards; None for all others.
    """

    def __init__(
        self, session: Session, algorithm: BaseAlgorithm, normalised: VecNormalize, rewards: DeferredRewards | None
    ) -> None:
        super().__init__()
        self._session, self._algorithm, self._normalised, self._rewards = session, algorithm, normalised, rewards
        self._checked = 0

    def _on_rollout_start(self) -> None:
        if self._rewards is not None or self.num_timesteps >= self._checked + INTERVAL:
            self._checked = self.num_timesteps
            check_finite(self._algorithm)

    def _on_step(self) -> bool:
        self._session.tick(self.num_timesteps)
        return not self._session.stopped

    def _on_rollout_end(self) -> None:
        if self._rewards is not None:
            assert isinstance(self._algorithm, OnPolicyAlgorithm)
            self._rewards.fill(self._algorithm.rollout_buffer, self.locals["values"], self.locals["dones"])
        self._session.after_rollout(self.num_timesteps, lambda: snapshot(self._algorithm, self._normalised))
