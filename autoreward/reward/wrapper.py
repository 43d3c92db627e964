"""A designed reward in a Gymnasium environment: `DesignedReward(env, reward)` replaces what `step` returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from autoreward.envs.fields import FieldReader
from autoreward.errors import UserError
from autoreward.reward.reward import Reward
from autoreward.reward.total import total, weighted
from autoreward.sandbox.contract import Memory

Array = NDArray[Any]


class DesignedReward(gymnasium.Wrapper[Any, Any, Any, Any], gymnasium.utils.RecordConstructorArgs):
    """Gives the designed reward instead of the environment's own.

    `info` additionally holds `reward_terms` (weighted, by name) and `environment_reward`. Closing the wrapper ends the
    reward's cell. Put it around the environment before wrappers that change observations or actions.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], reward: Reward) -> None:
        """Wrap an environment.

        Args:
            env: the environment that the reward was designed for.
            reward: from `load_reward`.

        Raises:
            UserError: observations or actions were changed by a wrapper below, or the environment lacks a field.
        """
        gymnasium.utils.RecordConstructorArgs.__init__(self, reward=reward)
        gymnasium.Wrapper.__init__(self, env)
        base = env.unwrapped
        if env.observation_space != base.observation_space or env.action_space != base.action_space:
            advice = "put DesignedReward around the environment first, and the other wrappers around it"
            raise UserError(f"a wrapper has changed the observations or actions of {env}; {advice}")
        self.reward = reward
        self._reader = FieldReader(env, reward.schema)
        self._state: dict[str, Array] = {}
        self._memory = Memory()
        self._begun = True

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; the reward's memory is forgotten."""
        obs, info = self.env.reset(seed=seed, options=options)
        self._state = self._reader.read(self.reward.program.state_fields, obs, info)
        self._memory, self._begun = Memory(), True
        return obs, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:  # noqa: ANN401 - as Gymnasium has it
        """Step, and score the step.

        Raises:
            CellFailed: the reward program failed.
        """
        obs, own, terminated, truncated, info = self.env.step(action)
        program = self.reward.program
        after = self._reader.read(program.next_state_fields, obs, info)
        inputs = _inputs("state", self._state) | _inputs("next_state", after)
        if program.reads_action:
            inputs["action"] = self._flat(action)[None, None]
        scores = self.reward.score(inputs, np.array([[self._begun]]), self._memory)
        self._memory, self._begun = scores.memory, False
        self._state = self._reader.read(program.state_fields, obs, info)
        terms = {name: float(values[0, 0]) for name, values in weighted(program, scores.terms).items()}
        extended = {**info, "reward_terms": terms, "environment_reward": float(own)}
        return obs, float(total(program, scores.terms)[0, 0]), terminated, truncated, extended

    def close(self) -> None:
        """Close the environment and end the reward's cell."""
        self.reward.close()
        super().close()

    def _flat(self, action: Any) -> Array:  # noqa: ANN401
        """The action as programs see it: [A], or a number from 0."""
        space = self.env.action_space
        if isinstance(space, gymnasium.spaces.Discrete):
            return np.asarray(int(action) - int(space.start), np.int64)
        return np.asarray(action, np.float32).reshape(-1)


def _inputs(side: str, fields: Mapping[str, Array]) -> dict[str, Array]:
    """Fields of one environment as a chunk of one step and one row."""
    return {f"{side}.{name}": np.asarray(value)[None, None] for name, value in fields.items()}
