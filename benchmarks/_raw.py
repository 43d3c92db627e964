"""Stable-Baselines3 alone: what somebody without this project writes.

PPO on Gymnasium environments in a DummyVecEnv, with VecNormalize for observations and rewards, and one torch thread.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import torch
from _cost import Cost
from _jobs import Act, ArmJob, ArmResult, Array, gym_arguments
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from autoreward.task import TrainerSettings


class Watch(BaseCallback):
    """Notes the training episodes, and stops at the CPU limit."""

    def __init__(self, limit: float | None, cost: Cost) -> None:
        super().__init__()
        self._limit, self._cost = limit, cost
        self.steps: list[int] = []
        self.returns: list[float] = []

    def _on_step(self) -> bool:
        for index in np.flatnonzero(self.locals["dones"]):
            self.steps.append(self.num_timesteps)
            self.returns.append(float(self.locals["infos"][index]["episode"]["r"]))
        return self._limit is None or self._cost.spent() < self._limit


def train_raw(job: ArmJob) -> tuple[ArmResult, Act]:
    """Stable-Baselines3 alone; the result, and the last policy."""
    torch.set_num_threads(1)
    settings, spec = job.task.trainer, job.task.env
    _load_everything()
    cost = Cost()
    # `make_vec_env` asks for pictures otherwise, and LunarLander then simulates its smoke, at three times the cost.
    arguments = {"render_mode": None, **gym_arguments(spec)}
    environments = make_vec_env(
        spec.id, settings.num_envs, seed=job.seed, env_kwargs=arguments, vec_env_cls=DummyVecEnv
    )
    normalised = VecNormalize(environments, gamma=settings.gamma)
    model = raw_ppo(normalised, settings, job.seed)
    watch = Watch(job.cpu_limit, cost)
    model.learn(job.steps, callback=watch)
    result = cost.result(model.num_timesteps, watch.steps, watch.returns)
    environments.close()

    def act(obs: Array) -> Array:
        actions, _ = model.predict(normalised.normalize_obs(obs), deterministic=True)
        return np.asarray(actions)

    return result, act


def _load_everything() -> None:
    """Train for a moment: torch loads modules on first use, 1.2 s that a longer training would not notice."""
    PPO("MlpPolicy", make_vec_env("Pendulum-v1"), n_steps=8, batch_size=8, n_epochs=1, device="cpu").learn(8)


def raw_ppo(env: VecNormalize, settings: TrainerSettings, seed: int) -> PPO:
    """PPO at those settings; those that are not here are Stable-Baselines3's own."""
    policy: dict[str, Any] = {"net_arch": list(settings.hidden)}
    continuous = isinstance(env.action_space, gymnasium.spaces.Box)
    if continuous:
        policy["log_std_init"] = settings.log_std
    return PPO(
        "MlpPolicy",
        env,
        learning_rate=settings.learning_rate,
        n_steps=settings.rollout,
        batch_size=settings.minibatch,
        n_epochs=settings.epochs,
        gamma=settings.gamma,
        gae_lambda=settings.gae_lambda,
        clip_range=settings.clip,
        ent_coef=settings.entropy,
        vf_coef=settings.value,
        max_grad_norm=settings.max_grad_norm,
        use_sde=settings.use_sde and continuous,
        policy_kwargs=policy,
        seed=seed,
        device="cpu",
    )
