"""The collector: steps a batch of environments, scores what it has collected, and logs every training episode.

A reward is not needed before a learner computes advantages, so whole chunks are scored at once: the cell, in a process
of its own, is asked once a rollout and not once a step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.contract import BatchEnv
from autoreward.envs.episodes import EpisodeJudge, FinishedEpisodes
from autoreward.task import Task
from autoreward.training.checkpoint import part, prefixed
from autoreward.training.rewards import Chunk, Fault, RewardSource
from autoreward.training.statistics import EpisodeLog
from autoreward.training.stopwatch import Stopwatch

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Collected:
    """What a learner needs of one step."""

    obs: Array
    """[N, D], the observation to act on next: of the new episode where one has ended."""
    terminated: Bools
    """[N]: the episode ended by the environment's or the task's rule."""
    truncated: Bools
    """[N]: it was cut off by the step limit, so the value of `last_obs` is still to be expected."""
    last_obs: Array
    """[N, D], the observation after the step, before any reset."""


@dataclass(frozen=True)
class Scored:
    """The rewards of the steps since the last scoring."""

    reward: Floats
    """[T, N]."""
    done: Bools
    """[T, N]: the episode ended with the step, either way."""


@dataclass(frozen=True)
class _Row:
    """A step that waits for its reward."""

    state: dict[str, Array]
    action: Array
    next_state: dict[str, Array]
    begun: Bools
    human: Floats
    solved: Bools
    done: Bools
    finished: FinishedEpisodes | None


class Collector:
    """Steps N environments: step, read fields, judge, reset what has ended, read fields of the new state."""

    def __init__(
        self,
        env: BatchEnv,
        task: Task,
        reward: RewardSource,
        log: EpisodeLog,
        clock: Stopwatch | None = None,
        without: Callable[[Mapping[str, Floats]], Mapping[str, Floats]] | None = None,
    ) -> None:
        """Set up.

        Args:
            env: what is stepped.
            task: with its success rule.
            reward: scores the steps.
            log: of the episodes.
            clock: of the training's parts.
            without: gives the reward without each term, of terms [T, N], to be logged as well.
        """
        self.env, self.log = env, log
        self.clock = clock or Stopwatch()
        self._reward, self._without = reward, without
        self._judge = EpisodeJudge(task, env.schema, env.num_envs)
        self._final_rule = task.success.rule == "final"
        self._names = tuple(dict.fromkeys((*self._judge.fields, *reward.state_fields, *reward.next_state_fields)))
        self._state: dict[str, Array] = {}
        self._begun: Bools = np.ones(env.num_envs, dtype=np.bool_)
        self._rows: list[_Row] = []
        self.steps = 0
        """Environment steps so far, all environments together."""

    def reset(self, seed: int | None) -> Array:
        """Begin every episode anew; the observations [N, D]. What has not been scored is forgotten."""
        obs, _ = self.env.reset(seed=seed)
        if self.steps:
            self._judge.finish(np.ones(self.env.num_envs, dtype=np.bool_))
        self.log.forget_running()
        self._rows.clear()
        self._begun = np.ones(self.env.num_envs, dtype=np.bool_)
        self._read_state()
        return obs

    def step(self, action: Array) -> Collected:
        """One step of every environment.

        Raises:
            Fault: an action is not finite.
        """
        if not np.isfinite(action).all():
            arrays = {"action": action, **{f"state.{name}": values for name, values in self._state.items()}}
            raise Fault(f"the policy diverged: an action is not finite at step {self.steps}", arrays)
        self.clock.lap("forward")
        last_obs, human, terminated, truncated, _ = self.env.step(action)
        self.clock.lap("physics")
        after = self.env.read(self._names) if self._names else {}
        self.clock.lap("read")
        verdict = self._judge.step(after)
        terminated = terminated | verdict.ends
        done = terminated | truncated
        finished = self._judge.finish(done) if done.any() else None
        solved = verdict.first
        if self._final_rule and finished is not None:
            solved = solved.copy()
            solved[done] = finished.success
        self._rows.append(
            _Row(self._state, action.copy(), after, self._begun, human.astype(np.float32), solved, done, finished)
        )
        self.steps += self.env.num_envs
        self._begun, self._state = done, after
        self.clock.lap("judge")
        obs = last_obs
        if finished is not None:
            obs, _ = self.env.reset(options={"reset_mask": done})
            self._read_state()
            self.clock.lap("physics")
        return Collected(obs, terminated, truncated & ~terminated, last_obs)

    def score(self) -> Scored:
        """Score and log the steps since the last scoring; there must be one at least.

        Raises:
            Fault: a reward is not finite, or the reward program failed on these states.
            TrainingFailed: the reward program cannot be run.
        """
        rows, self._rows = self._rows, []
        self.clock.lap("forward")
        first = self.steps - len(rows) * self.env.num_envs
        reward, terms = self._reward.score(
            Chunk(
                state={name: np.stack([row.state[name] for row in rows]) for name in self._reward.state_fields},
                action=np.stack([row.action for row in rows]),
                next_state={
                    name: np.stack([row.next_state[name] for row in rows]) for name in self._reward.next_state_fields
                },
                begun=np.stack([row.begun for row in rows]),
                human=np.stack([row.human for row in rows]),
                solved=np.stack([row.solved for row in rows]),
                number=first,
            )
        )
        self.clock.lap("reward")
        without = self._without(terms) if self._without else {}
        for index, row in enumerate(rows):
            own, left = ({name: values[index] for name, values in each.items()} for each in (terms, without))
            self.log.add_step(reward[index], own, left)
            if (ended := row.finished) is not None:
                number = first + (index + 1) * self.env.num_envs
                self.log.finish(row.done, ended.success, ended.score, ended.outcomes, number)
        self.clock.lap("log")
        return Scored(reward, np.stack([row.done for row in rows]))

    def arrays(self) -> dict[str, Array]:
        """For a checkpoint, between `score` and the next `step`; the environments' own state is not in it."""
        judge, log, reward = self._judge.arrays(), self.log.arrays_running(), self._reward.arrays()
        return {
            "begun": self._begun,
            "steps": np.array(self.steps),
            **prefixed("judge", judge),
            **prefixed("log", log),
            **prefixed("reward", reward),
        }

    def resume(self, arrays: dict[str, Array], seed: int) -> Array:
        """Begin every episode anew where `arrays` left off: the log goes on. The observations [N, D]."""
        self.steps = int(arrays["steps"])
        self.log.restore(part(arrays, "log"))
        return self.reset(seed)

    def restore(self, arrays: dict[str, Array]) -> None:
        """Go back to what `arrays` gave; the environments have to be back where they were already."""
        self._begun, self.steps = arrays["begun"], int(arrays["steps"])
        self._judge.restore(part(arrays, "judge"))
        self.log.restore(part(arrays, "log"))
        self._reward.restore(part(arrays, "reward"))
        self._rows.clear()
        self._read_state()

    def _read_state(self) -> None:
        if self._reward.state_fields:
            self._state = self.env.read(self._reward.state_fields)
