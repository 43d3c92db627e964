"""What watches a Stable-Baselines3 training: has rollouts rewarded, and tells the session of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecNormalize

from autoreward.errors import TrainingFailed
from autoreward.training.deferred import DeferredRewards
from autoreward.training.policy import Layer, Policy
from autoreward.training.session import Session


class Watch(BaseCallback):
    """Has each rollout rewarded at its end, and tells the session of it."""

    def __init__(self, session: Session, ppo: PPO, normalised: VecNormalize, rewards: DeferredRewards) -> None:
        super().__init__()
        self._session, self._ppo, self._normalised, self._rewards = session, ppo, normalised, rewards

    def _on_rollout_start(self) -> None:
        check_finite(self._ppo)

    def _on_step(self) -> bool:
        self._session.tick(self.num_timesteps)
        return True

    def _on_rollout_end(self) -> None:
        self._rewards.fill(self._ppo.rollout_buffer, self.locals["values"], self.locals["dones"])
        self._session.after_rollout(self.num_timesteps, lambda: snapshot(self._ppo, self._normalised))


def snapshot(model: PPO, env: VecNormalize) -> Policy:
    """The policy as it is now, with copies of the weights and of the observations' running statistics."""
    network = model.policy.mlp_extractor.policy_net
    hidden = [module for module in network if isinstance(module, torch.nn.Linear)]
    space, statistics = model.action_space, env.obs_rms
    assert isinstance(statistics, RunningMeanStd)
    if isinstance(space, Box):
        low, high = space.low.astype(np.float32), space.high.astype(np.float32)
    else:
        assert isinstance(space, Discrete)
        low, high = np.zeros(1, dtype=np.float32), np.full(1, space.n - 1, dtype=np.float32)
    return Policy(
        layers=tuple(Layer(_copied(layer.weight), _copied(layer.bias)) for layer in [*hidden, model.policy.action_net]),
        mean=np.array(statistics.mean),
        variance=np.array(statistics.var),
        clip=float(env.clip_obs),
        kind="continuous" if isinstance(space, Box) else "discrete",
        low=low,
        high=high,
    )


def check_finite(model: PPO) -> None:
    """Raise `TrainingFailed` where an update has made a weight infinite or not a number."""
    if not all(bool(torch.isfinite(parameter).all()) for parameter in model.policy.parameters()):
        raise TrainingFailed(f"the policy diverged: weights are not finite after step {model.num_timesteps}")


def _copied(tensor: Any) -> Any:  # noqa: ANN401 - a torch tensor into a NumPy array
    return tensor.detach().cpu().numpy().copy()
