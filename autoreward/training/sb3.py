"""The trainer `sb3`: Stable-Baselines3's algorithms on the collector, one single-threaded process a training.

Imported by the worker only (Stable-Baselines3 brings torch).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecNormalize

from autoreward.errors import TrainingFailed
from autoreward.training.contract import Progress, TrainingJob, TrainingResult
from autoreward.training.deferred import DeferredRewards
from autoreward.training.normalise import CLIP
from autoreward.training.sb3_algorithms import find_algorithm, make_algorithm
from autoreward.training.sb3_policy import check_finite, check_kept, snapshot
from autoreward.training.sb3_watch import Watch
from autoreward.training.seeds import derive
from autoreward.training.session import Session
from autoreward.training.untrained import measure_random
from autoreward.training.vecenv import CollectorVecEnv

NEVER = 10**9


class SB3Trainer:
    """Implements `Trainer` with any algorithm of Stable-Baselines3: PPO (Schulman et al. 2017) unless told otherwise.

    Observations and rewards are normalised by running statistics. Programs are scored a rollout at a time for PPO and
    its like; algorithms with a replay buffer learn between the steps, so for them they are scored in every step.
    Action masks are not for them: they may choose what is forbidden. A training that was stopped begins anew.
    """

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Callable[[Progress], None]) -> TrainingResult:
        """Train to at least `steps` environment steps (whole rollouts), and write the folder's files.

        Raises:
            TrainingFailed: the reward program failed, or a reward or the policy is not finite.
            MachineFailed: no cell can be started, or the evaluator died.
            UserError: the algorithm is unknown, does not fit the actions, or its policy cannot be kept.
        """
        if job.reward.kind == "random":
            return measure_random(job, steps, folder, progress)
        torch.set_num_threads(1)
        settings = job.task.trainer
        deferred = issubclass(find_algorithm(settings.algorithm), OnPolicyAlgorithm)
        with Session(job, steps, folder, progress) as session:
            seed = derive(job.seed, "environment")[0]
            environments = CollectorVecEnv(session.collector, seed, None if deferred else session.collector.score)
            normalised = VecNormalize(environments, norm_reward=not deferred, clip_obs=CLIP, gamma=settings.gamma)
            model = make_algorithm(normalised, settings, steps, derive(job.seed, "learner")[0])
            check_kept(model, normalised)
            rewards = DeferredRewards(session, settings.gamma) if deferred else None
            _learn(model, steps, Watch(session, model, normalised, rewards))
            return session.result(model.num_timesteps, snapshot(model, normalised))


def _learn(model: BaseAlgorithm, steps: int, watch: Watch) -> None:
    try:
        model.learn(steps, callback=watch, log_interval=NEVER)
    except ValueError as error:
        # torch's distributions refuse parameters that are not numbers before anything else notices.
        if "Expected parameter" not in str(error):
            raise
        raise TrainingFailed(f"the policy diverged at step {model.num_timesteps}") from error
    check_finite(model)
