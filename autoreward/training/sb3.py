"""The trainer `sb3`: Stable-Baselines3's PPO on the collector, one single-threaded process a training.

Imported by the worker only (Stable-Baselines3 brings torch).
"""

from __future__ import annotations

import resource
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecNormalize

from autoreward.envs.registry import make_env
from autoreward.errors import TrainingFailed
from autoreward.sandbox.process import ProcessCell
from autoreward.task import TrainerSettings
from autoreward.training.collect import Collector
from autoreward.training.contract import Evaluation, Progress, TrainingJob, TrainingResult
from autoreward.training.deferred import DeferredRewards
from autoreward.training.evaluator import Evaluator, Request
from autoreward.training.files import EPISODES, POLICY, POLICY_LAST, TRAJECTORIES
from autoreward.training.rewards import ProgramReward, RewardSource, make_reward
from autoreward.training.sb3_watch import Watch, check_finite, snapshot
from autoreward.training.seeds import derive
from autoreward.training.statistics import EpisodeLog, curves, term_statistics
from autoreward.training.trajectories import episode_terms
from autoreward.training.vecenv import CollectorVecEnv

SNAPSHOTS = ".snapshots"
"""Folder of the policies that wait for their evaluation; gone when the training ends."""

NEVER = 10**9

Report = Callable[[Progress], None]


class SB3Trainer:
    """Implements `Trainer` with PPO (Schulman et al. 2017) as Stable-Baselines3 has it.

    Observations and rewards are normalised by running statistics; programs are scored a rollout at a time.
    """

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Report) -> TrainingResult:
        """Train to at least `steps` environment steps (whole rollouts), and write the folder's files.

        Raises:
            TrainingFailed: the reward program failed, a reward or the policy is not finite, or the evaluator died.
        """
        torch.set_num_threads(1)
        started, used = time.monotonic(), _cpu_seconds()
        progress(Progress(stage="starting", steps=steps))
        snapshots = folder / SNAPSHOTS
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, snapshots, ignore_errors=True)
            episodes = max(job.episodes, job.task.trainer.evaluation_episodes)
            evaluator = Evaluator(job.task, episodes)
            stack.callback(evaluator.close)
            if job.reward.kind == "random":
                result = _measure_random(job, steps, folder, evaluator, progress)
            else:
                result = _Training(job, steps, folder, evaluator, progress, stack).run()
        return result.model_copy(
            update={"seconds": time.monotonic() - started, "cpu_seconds": _cpu_seconds() - used},
        )


class _Training:
    """One training from its first step to its result."""

    def __init__(
        self, job: TrainingJob, steps: int, folder: Path, evaluator: Evaluator, progress: Report, stack: ExitStack
    ) -> None:
        self._job, self._steps, self._folder = job, steps, folder
        self._evaluator, self._progress = evaluator, progress
        settings = job.task.trainer
        env = make_env(job.task.env, settings.num_envs)
        stack.callback(env.close)
        self._schema = env.schema
        self._reward: RewardSource = make_reward(job.reward, env.schema, ProcessCell)
        stack.callback(lambda: self._reward.close())
        self._log = EpisodeLog(settings.num_envs)
        collector = Collector(env, job.task, self._reward, self._log)
        environments = CollectorVecEnv(collector, derive(job.seed, "environment")[0])
        self._env = VecNormalize(environments, norm_reward=False, clip_obs=10.0)
        self._model = _ppo(self._env, settings, derive(job.seed, "learner")[0])
        self._watch = Watch(
            self._model,
            self._env,
            DeferredRewards(collector, settings.gamma),
            self._log,
            steps,
            folder / SNAPSHOTS,
            settings.evaluations,
            self._request_evaluation,
            evaluator,
            progress,
        )

    def run(self) -> TrainingResult:
        """Train, evaluate, and sum up."""
        self._learn()
        last = snapshot(self._model, self._env)
        shipped = self._watch.best or last
        last.save(self._folder / POLICY_LAST)
        shipped.save(self._folder / POLICY)
        self._log.write(self._folder / EPISODES)
        last_evaluation, final = self._evaluate_final()
        arrays = self._log.arrays()
        course = curves(arrays, self._steps)
        sums = {}
        if isinstance(self._reward, ProgramReward):
            sums = episode_terms(self._folder / TRAJECTORIES, self._reward)
        return TrainingResult(
            hash=self._job.hash,
            steps=self._steps,
            status="ok",
            evaluations=(*self._watch.evaluations, last_evaluation),
            final=final,
            last=last_evaluation if self._watch.best is not None else None,
            shipped_step=self._watch.best_step if self._watch.best is not None else self._model.num_timesteps,
            own_return=course.own_return,
            train_success=course.success,
            points=course.points,
            terms=term_statistics(arrays, self._steps, self._log.constant_terms()),
            episode_terms=sums,
            reward_seconds=self._reward.seconds,
        )

    def _learn(self) -> None:
        try:
            self._model.learn(self._steps, callback=self._watch, log_interval=NEVER)
        except ValueError as error:
            # torch's distributions refuse parameters that are not numbers before anything else notices.
            if "Expected parameter" not in str(error):
                raise
            raise TrainingFailed(f"the policy diverged at step {self._model.num_timesteps}") from error
        check_finite(self._model)

    def _request_evaluation(self, path: Path, step: int) -> Request:
        seeds = derive(self._job.seed, "evaluation", self._job.task.trainer.evaluation_episodes)
        return Request(policy=path.absolute(), seeds=tuple(seeds), step=step)

    def _evaluate_final(self) -> tuple[Evaluation, Evaluation]:
        """The last policy as during training, and the shipped one on the final evaluation's own seeds."""
        done = self._model.num_timesteps
        state = self._watch.state("evaluating")
        self._evaluator.submit(self._request_evaluation(self._folder / POLICY_LAST, done))
        self._evaluator.submit(
            Request(
                policy=(self._folder / POLICY).absolute(),
                seeds=tuple(derive(self._job.seed, "final", self._job.episodes)),
                step=self._watch.best_step if self._watch.best is not None else done,
                trajectories=(self._folder / TRAJECTORIES).absolute(),
            )
        )
        *during, last, final = self._evaluator.wait(lambda: self._progress(state))
        self._watch.evaluations += during
        return last, final


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


def _measure_random(
    job: TrainingJob, steps: int, folder: Path, evaluator: Evaluator, progress: Report
) -> TrainingResult:
    """Uniform actions: nothing is trained, only measured."""
    state = Progress(stage="evaluating", steps=steps)
    progress(state)
    evaluator.submit(
        Request(
            policy=None,
            seeds=tuple(derive(job.seed, "final", job.episodes)),
            step=0,
            trajectories=(folder / TRAJECTORIES).absolute(),
        )
    )
    (final,) = evaluator.wait(lambda: progress(state))
    EpisodeLog(1).write(folder / EPISODES)
    return TrainingResult(hash=job.hash, steps=steps, status="ok", final=final)


def _cpu_seconds() -> float:
    """Of this process and of its children that have ended."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
