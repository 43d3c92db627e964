"""The loop of one training, apart from who computes what its learner is asked.

    collect T steps of N environments -> score them in the cell -> advantages -> a few epochs of minibatches -> again

Programs are scored once a rollout. The state of everything is written to a checkpoint whenever an evaluation is due, so
a training that was killed goes on from there: bit for bit where the environments can be put back (the MuJoCo worlds),
with new episodes where they cannot.

`Training.run` is a generator: it gives what its learner is to do and goes on with what that gave. So a training alone
and K trainings in lockstep are one loop.

Imported by workers only (torch).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from autoreward.errors import UserError
from autoreward.training.checkpoint import part, prefixed
from autoreward.training.contract import TrainingResult
from autoreward.training.normalise import CLIP, RewardScale, RunningStatistics
from autoreward.training.policy import Policy, action_bounds
from autoreward.training.ppo import PPO
from autoreward.training.rollout import Rollout, advantages
from autoreward.training.seeds import derive
from autoreward.training.session import Session

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Act:
    """Draw actions for observations [N, D]; the answer is `PPO.act`'s."""

    obs: Floats
    mask: Bools | None


@dataclass(frozen=True)
class Values:
    """Judge observations [..., D]; the answer is `PPO.values`'s."""

    obs: Floats


@dataclass(frozen=True)
class Update:
    """Learn from a rollout, its advantages and its returns [T, N]; the answer: whether the parameters are finite."""

    rollout: Rollout
    advantage: Floats
    returns: Floats


@dataclass(frozen=True)
class Rest:
    """Nothing: the evaluator is at work, and others may go on meanwhile."""


Question = Act | Values | Update | Rest
Given = TypeVar("Given")


def alone(learner: PPO, course: Generator[Question, Any, Given]) -> Given:
    """Let one learner do all that a course asks of it; what the course gives at its end."""
    reply: Any = None
    while True:
        try:
            question = course.send(reply)
        except StopIteration as end:
            given: Given = end.value
            return given
        reply = answer(learner, question)


def answer(learner: PPO, question: Question) -> Any:  # noqa: ANN401 - what the question says
    """What a learner does of what it is asked."""
    if isinstance(question, Act):
        return learner.act(question.obs, question.mask)
    if isinstance(question, Values):
        return learner.values(question.obs)
    if isinstance(question, Update):
        return learner.update(question.rollout, question.advantage, question.returns)
    return None


class Training:
    """A training between the start and the end of its session."""

    def __init__(self, session: Session) -> None:
        self._session, self._collector = session, session.collector
        self._settings = session.job.task.trainer
        env = session.collector.env
        space = env.single_action_space
        assert isinstance(space, Box | Discrete)
        self._space: Box | Discrete = space
        inputs = int(np.prod(env.single_observation_space.shape or ()))
        self.learner = PPO(inputs, space, self._settings, derive(session.job.seed, "learner")[0])
        self._observed = RunningStatistics((inputs,))
        self._scale = RewardScale(env.num_envs, self._settings.gamma)
        self._obs = self._begin()

    def run(self) -> Generator[Question, Any, TrainingResult]:
        """Train, evaluate, and sum up.

        Raises:
            TrainingFailed: the reward program failed, or a reward or the policy is not finite.
            MachineFailed: no cell can be started, or the evaluator died.
        """
        steps, num_envs = self._session.steps, self._collector.env.num_envs
        while (done := self._collector.steps) < steps and not self._session.stopped:
            rollout = yield from self._collect(min(self._settings.rollout, -(-(steps - done) // num_envs)))
            due = yield from self._learn(rollout)
            if due or self._collector.steps >= steps or self._session.stopped:
                self._session.save(self._arrays())
        last = self._policy()
        self._session.ask_final(self._collector.steps, last)
        yield Rest()
        return self._session.result(self._collector.steps, last, self._collector.clock.seconds)

    def _begin(self) -> Array:
        """The first observations [N, D]: of new episodes, or of those of the checkpoint."""
        env = self._collector.env
        saved = self._session.saved
        if saved is None:
            return self._collector.reset(derive(self._session.job.seed, "environment")[0])
        self.learner.restore(part(saved, "learner"))
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

    def _collect(self, steps: int) -> Generator[Question, Any, Rollout]:
        clock, env = self._collector.clock, self._collector.env
        rollout: Rollout | None = None
        for step in range(steps):
            self._observed.update(self._obs)
            obs = self._observed.normalised(self._obs)
            clock.lap("normalise")
            mask = env.action_mask()
            action, log_prob = yield Act(obs, mask)
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

    def _learn(self, rollout: Rollout) -> Generator[Question, Any, bool]:
        """Score the rollout and update the policy; whether an evaluation was due."""
        clock, settings = self._collector.clock, self._settings
        scored = self._collector.score()
        due = self._session.after_rollout(self._collector.steps, self._policy)
        reward = self._scale.scaled(scored.reward, scored.done)
        clock.lap("normalise")
        after = self._observed.normalised(self._obs)[None]
        within: Floats = yield Values(rollout.obs)
        value = np.concatenate([within, (yield Values(after))])
        yield from self._add_value_of_what_was_cut(rollout, reward)
        advantage = advantages(reward, value, scored.done, settings.gamma, settings.gae_lambda)
        finite = yield Update(rollout, advantage, advantage + value[:-1])
        if not finite:
            told = f"the policy diverged: weights are not finite after step {self._collector.steps}"
            arrays = {"obs": rollout.obs, "action": rollout.action, "reward": reward, "value": value}
            raise self._session.fault(told, arrays)
        clock.lap("update")
        return due

    def _add_value_of_what_was_cut(self, rollout: Rollout, reward: Floats) -> Generator[Question, Any, None]:
        """An episode that the step limit cut off would have gone on: its last state is worth what the critic says."""
        if not rollout.cut:
            return
        values = yield Values(np.concatenate([obs for _, _, obs in rollout.cut]))
        steps = np.concatenate([np.full(len(rows), step) for step, rows, _ in rollout.cut])
        reward[steps, np.concatenate([rows for _, rows, _ in rollout.cut])] += self._settings.gamma * values

    def _bounded(self, action: Array) -> Array:
        if isinstance(self._space, Box):
            return np.clip(action, self._space.low, self._space.high)
        return action

    def _policy(self) -> Policy:
        kind, low, high = action_bounds(self._space)
        return Policy(
            layers=self.learner.layers(),
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
            **prefixed("learner", self.learner.arrays()),
            **prefixed("observed", self._observed.arrays()),
            **prefixed("scale", self._scale.arrays()),
            **prefixed("collector", self._collector.arrays()),
            **prefixed("worlds", self._collector.env.snapshot() or {}),
        }
