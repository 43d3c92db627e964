"""The trainer `batch`: PPO on environments stepped together, one single-threaded process a training.

    collect T steps of N environments -> score them in the cell -> advantages -> a few epochs of minibatches -> again

Programs are scored once a rollout. The state of everything is written to a checkpoint whenever an evaluation is due, so
a training that was killed goes on from there: bit for bit where the environments can be put back (the MuJoCo worlds),
with new episodes where they cannot.

Imported by workers only (torch).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from autoreward.errors import TrainingFailed, UserError
from autoreward.training.checkpoint import part, prefixed
from autoreward.training.contract import Progress, TrainingJob, TrainingResult
from autoreward.training.normalise import CLIP, RewardScale, RunningStatistics
from autoreward.training.policy import Policy, action_bounds
from autoreward.training.ppo import PPO
from autoreward.training.rollout import Rollout, advantages
from autoreward.training.seeds import derive
from autoreward.training.session import Session, measure_random

Array = NDArray[Any]
Floats = NDArray[np.float32]

LOWER = "lower trainer.num_envs, trainer.rollout or trainer.minibatch"
"""What helps where memory runs out."""


class BatchTrainer:
    """Implements `Trainer`. Observations and rewards are normalised by running statistics."""

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Callable[[Progress], None]) -> TrainingResult:
        """Train to `steps` environment steps (at most N - 1 more), and write the folder's files.

        Raises:
            TrainingFailed: the reward program failed, a reward or the policy is not finite, the evaluator died, or
                memory ran out.
        """
        if job.reward.kind == "random":
            return measure_random(job, steps, folder, progress)
        if job.task.trainer.use_sde:
            raise TrainingFailed("trainer.use_sde: `batch` has no gSDE; type --trainer.name sb3, or use_sde false")
        torch.set_num_threads(1)
        try:
            with Session(job, steps, folder, progress) as session:
                return _Training(session).run()
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            raise TrainingFailed(f"out of memory: {LOWER}") from error


def _out_of_memory(error: Exception) -> bool:
    """Whether it is NumPy's or torch's way of saying so; torch's on a CPU has no type of its own."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


class _Training:
    """The loop."""

    def __init__(self, session: Session) -> None:
        self._session, self._collector = session, session.collector
        self._settings = session.job.task.trainer
        env = session.collector.env
        space = env.single_action_space
        assert isinstance(space, Box | Discrete)
        self._space: Box | Discrete = space
        inputs = int(np.prod(env.single_observation_space.shape or ()))
        self._learner = PPO(inputs, space, self._settings, derive(session.job.seed, "learner")[0])
        self._observed = RunningStatistics((inputs,))
        self._scale = RewardScale(env.num_envs, self._settings.gamma)
        self._obs = self._begin()

    def run(self) -> TrainingResult:
        """Train, evaluate, and sum up."""
        steps, num_envs = self._session.steps, self._collector.env.num_envs
        while (done := self._collector.steps) < steps:
            rollout = self._collect(min(self._settings.rollout, -(-(steps - done) // num_envs)))
            due = self._learn(rollout)
            if due or self._collector.steps >= steps:
                self._session.save(self._arrays())
        return self._session.result(self._collector.steps, self._policy(), self._collector.clock.seconds)

    def _begin(self) -> Array:
        """The first observations [N, D]: of new episodes, or of those of the checkpoint."""
        env = self._collector.env
        saved = self._session.saved
        if saved is None:
            return self._collector.reset(derive(self._session.job.seed, "environment")[0])
        self._learner.restore(part(saved, "learner"))
        self._observed.restore(part(saved, "observed"))
        if not self._put_back(part(saved, "worlds")):
            # New episodes from seeds of their own; the sums of those under way go with them.
            obs = self._collector.resume(part(saved, "collector"), derive(self._session.job.seed, "environment", 2)[1])
            self._scale.restore({**part(saved, "scale"), "returns": np.zeros(env.num_envs)})
            return obs
        self._scale.restore(part(saved, "scale"))
        self._collector.restore(part(saved, "collector"))
        return saved["obs"]

    def _put_back(self, worlds: dict[str, Array]) -> bool:
        """Whether the environments are where the checkpoint left them; it may come from a machine with other worlds."""
        if not worlds:
            return False
        try:
            self._collector.env.restore(worlds)
        except UserError:
            return False
        return True

    def _collect(self, steps: int) -> Rollout:
        clock, env = self._collector.clock, self._collector.env
        rollout: Rollout | None = None
        for step in range(steps):
            self._observed.update(self._obs)
            obs = self._observed.normalised(self._obs)
            clock.lap("normalise")
            mask = env.action_mask()
            action, log_prob = self._learner.act(obs, mask)
            if rollout is None:
                rollout = Rollout.empty(steps, obs, action, mask)
            rollout.obs[step], rollout.action[step], rollout.log_prob[step] = obs, action, log_prob
            if rollout.mask is not None and mask is not None:
                rollout.mask[step] = mask
            collected = self._collector.step(self._bounded(action))
            if collected.truncated.any():
                rows = np.flatnonzero(collected.truncated)
                rollout.cut.append((step, rows, self._observed.normalised(collected.last_obs[rows])))
            self._obs = collected.obs
            self._session.tick(self._collector.steps)
        assert rollout is not None
        return rollout

    def _learn(self, rollout: Rollout) -> bool:
        """Score the rollout and update the policy; whether an evaluation was due."""
        clock, settings = self._collector.clock, self._settings
        scored = self._collector.score()
        due = self._session.after_rollout(self._collector.steps, self._policy)
        reward = self._scale.scaled(scored.reward, scored.done)
        clock.lap("normalise")
        value = self._values(rollout)
        self._add_value_of_what_was_cut(rollout, reward)
        advantage = advantages(reward, value, scored.done, settings.gamma, settings.gae_lambda)
        try:
            self._learner.update(rollout, advantage, advantage + value[:-1])
        except TrainingFailed as error:
            arrays = {"obs": rollout.obs, "action": rollout.action, "reward": reward, "value": value}
            raise self._session.fault(f"{error} after step {self._collector.steps}", arrays) from error
        clock.lap("update")
        return due

    def _values(self, rollout: Rollout) -> Floats:
        """[T + 1, N], of the states acted in and of the one after."""
        after = self._observed.normalised(self._obs)[None]
        return np.concatenate([self._learner.values(rollout.obs), self._learner.values(after)])

    def _add_value_of_what_was_cut(self, rollout: Rollout, reward: Floats) -> None:
        """An episode that the step limit cut off would have gone on: its last state is worth what the critic says."""
        if not rollout.cut:
            return
        values = self._learner.values(np.concatenate([obs for _, _, obs in rollout.cut]))
        steps = np.concatenate([np.full(len(rows), step) for step, rows, _ in rollout.cut])
        reward[steps, np.concatenate([rows for _, rows, _ in rollout.cut])] += self._settings.gamma * values

    def _bounded(self, action: Array) -> Array:
        if isinstance(self._space, Box):
            return np.clip(action, self._space.low, self._space.high)
        return action

    def _policy(self) -> Policy:
        kind, low, high = action_bounds(self._space)
        return Policy(
            layers=self._learner.layers(),
            mean=self._observed.mean.copy(),
            variance=self._observed.variance.copy(),
            clip=CLIP,
            kind=kind,
            low=low,
            high=high,
        )

    def _arrays(self) -> dict[str, Array]:
        return {
            "obs": self._obs,
            **prefixed("learner", self._learner.arrays()),
            **prefixed("observed", self._observed.arrays()),
            **prefixed("scale", self._scale.arrays()),
            **prefixed("collector", self._collector.arrays()),
            **prefixed("worlds", self._collector.env.snapshot() or {}),
        }
