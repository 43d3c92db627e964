"""The trainer `sb3`: Stable-Baselines3's PPO on the collector, one single-threaded process a training.

Imported by the worker only (Stable-Baselines3 brings torch).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecNormalize

from autoreward.errors import TrainingFailed
from autoreward.task import TrainerSettings
from autoreward.training.contract import Progress, TrainingJob, TrainingResult
from autoreward.training.deferred import DeferredRewards
from autoreward.training.sb3_watch import Watch, check_finite, snapshot
from autoreward.training.seeds import derive
from autoreward.training.session import Session, measure_random
from autoreward.training.vecenv import CollectorVecEnv

NEVER = 10**9


class SB3Trainer:
    """Implements `Trainer` with PPO (Schulman et al. 2017) as Stable-Baselines3 has it.

    Observations and rewards are normalised by running statistics; programs are scored a rollout at a time.
    """

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Callable[[Progress], None]) -> TrainingResult:
        """Train to at least `steps` environment steps (whole rollouts), and write the folder's files.

        Raises:
            TrainingFailed: the reward program failed, a reward or the policy is not finite, or the evaluator died.
        """
        if job.reward.kind == "random":
            return measure_random(job, steps, folder, progress)
        torch.set_num_threads(1)
        settings = job.task.trainer
        with Session(job, steps, folder, progress) as session:
            environments = CollectorVecEnv(session.collector, derive(job.seed, "environment")[0])
            normalised = VecNormalize(environments, norm_reward=False, clip_obs=10.0)
            model = _ppo(normalised, settings, derive(job.seed, "learner")[0])
            rewards = DeferredRewards(session, settings.gamma)
            _learn(model, steps, Watch(session, model, normalised, rewards))
            return session.result(model.num_timesteps, snapshot(model, normalised))


def _learn(model: PPO, steps: int, watch: Watch) -> None:
    try:
        model.learn(steps, callback=watch, log_interval=NEVER)
    except ValueError as error:
        # torch's distributions refuse parameters that are not numbers before anything else notices.
        if "Expected parameter" not in str(error):
            raise
        raise TrainingFailed(f"the policy diverged at step {model.num_timesteps}") from error
    check_finite(model)


def _ppo(env: VecNormalize, settings: TrainerSettings, seed: int) -> PPO:
    continuous = hasattr(env.action_space, "low")
    policy: dict[str, Any] = {"net_arch": {"pi": list(settings.hidden), "vf": list(settings.hidden)}}
    if continuous:
        policy["log_std_init"] = settings.log_std
    return PPO(
        "MlpPolicy",
        env,
        learning_rate=settings.learning_rate,
        n_steps=settings.rollout,
        batch_size=min(settings.minibatch, settings.num_envs * settings.rollout),
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
