"""The collector: steps a batch of environments under a reward, and logs every training episode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.contract import BatchEnv
from autoreward.envs.episodes import EpisodeJudge
from autoreward.errors import TrainingFailed
from autoreward.task import Task
from autoreward.training.rewards import RewardSource, Step
from autoreward.training.statistics import EpisodeLog

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Collected:
    """What a learner needs of one step."""

    obs: Array
    """[N, D], the observation to act on next: of the new episode where one has ended."""
    reward: Floats
    """[N]."""
    terminated: Bools
    """[N]: the episode ended by the environment's or the task's rule."""
    truncated: Bools
    """[N]: it was cut off by the step limit, so the value of `last_obs` is still to be expected."""
    last_obs: Array
    """[N, D], the observation after the step, before any reset."""


class Collector:
    """Steps N environments: step, read fields, judge, reward, reset what has ended, read fields of the new state."""

    def __init__(self, env: BatchEnv, task: Task, reward: RewardSource, log: EpisodeLog) -> None:
        self.env, self.log = env, log
        self._reward = reward
        self._judge = EpisodeJudge(task, env.schema, env.num_envs)
        self._final_rule = task.success.rule == "final"
        self._names = tuple(
            dict.fromkeys((*self._judge.fields, *reward.state_fields, *reward.next_state_fields)),
        )
        self._state: dict[str, Array] = {}
        self._begun: Bools = np.ones(env.num_envs, dtype=np.bool_)
        self.steps = 0
        """Environment steps so far, all environments together."""

    def reset(self, seed: int | None) -> Array:
        """Begin every episode anew; the observations [N, D]."""
        obs, _ = self.env.reset(seed=seed)
        if self.steps:
            self._judge.finish(np.ones(self.env.num_envs, dtype=np.bool_))
        self.log.forget_running()
        self._begun[:] = True
        self._read_state()
        return obs

    def step(self, action: Array) -> Collected:
        """One step of every environment.

        Raises:
            TrainingFailed: an action or a reward is not finite, or the reward program failed.
        """
        if not np.isfinite(action).all():
            raise TrainingFailed(f"the policy diverged: an action is not finite at step {self.steps}")
        last_obs, human, terminated, truncated, _ = self.env.step(action)
        after = self.env.read(self._names) if self._names else {}
        verdict = self._judge.step(after)
        terminated = terminated | verdict.ends
        done = terminated | truncated
        finished = self._judge.finish(done) if done.any() else None
        solved = verdict.first
        if self._final_rule and finished is not None:
            solved = solved.copy()
            solved[done] = finished.success
        reward, terms = self._reward.reward(
            Step(self._state, action, after, self._begun, human.astype(np.float32), solved, self.steps)
        )
        self.steps += self.env.num_envs
        self.log.add_step(reward, terms)
        self._begun, self._state = done, after
        obs = last_obs
        if finished is not None:
            self.log.finish(done, finished.success, finished.score, finished.outcomes, self.steps)
            obs, _ = self.env.reset(options={"reset_mask": done})
            self._read_state()
        return Collected(obs, reward, terminated, truncated & ~terminated, last_obs)

    def _read_state(self) -> None:
        if self._reward.state_fields:
            self._state = self.env.read(self._reward.state_fields)
