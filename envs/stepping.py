"""What every batch of environments does around a step: seeds, masked resets, step limits, finished episodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from autoreward.envs.contract import Array, BatchEnv
from autoreward.schema import EnvSchema

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


class SteppedEnv(BatchEnv):
    """A `BatchEnv` that counts steps. Subclasses begin episodes (`_begin`) and step all of them (`_advance`).

    Args:
        num_envs: N.
        schema: fields and where they come from; its `step_limit` truncates.
        observation: space of one environment's observation [D] float32.
        action: space of one environment's action: [A] float32, or a number from 0.
    """

    def __init__(
        self, num_envs: int, schema: EnvSchema, observation: spaces.Box, action: spaces.Box | spaces.Discrete
    ) -> None:
        self.num_envs, self.schema = num_envs, schema
        self.single_observation_space, self.single_action_space = observation, action
        self.observation_space = batch_space(observation, num_envs)
        self.action_space = batch_space(action, num_envs)
        self._obs = np.zeros((num_envs, *observation.shape), dtype=np.float32)
        self._steps = np.zeros(num_envs, dtype=np.int64)
        self._finished = np.ones(num_envs, dtype=np.bool_)

    def _begin(self, rows: list[int], seeds: Sequence[int | None], options: dict[str, Any] | None) -> None:
        """Begin new episodes in some rows, and write their observations into `_obs`."""
        raise NotImplementedError("every batch of environments begins its own episodes")

    def _advance(self, actions: Array) -> tuple[Floats, Bools, Bools]:
        """Step all rows and write `_obs`; the rewards, terminated and truncated (by the environment itself), [N]."""
        raise NotImplementedError("every batch of environments steps itself")

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Array, dict[str, Any]]:
        """Begin new episodes, everywhere or where `options["reset_mask"]` [N] is true.

        Args:
            seed: one an environment, or a number from which they are counted up; None goes on with the generators.
            options: `reset_mask`, and what the environments' own `reset` takes.

        Returns:
            Observations [N, D] of all environments, and an empty info.
        """
        given = dict(options or {})
        mask = given.pop("reset_mask", None)
        rows = list(range(self.num_envs)) if mask is None else np.flatnonzero(mask).tolist()
        if seed is None:
            seeds: Sequence[int | None] = [None] * self.num_envs
        elif isinstance(seed, int | np.integer):
            seeds = [int(seed) + row for row in range(self.num_envs)]
        else:
            seeds = [None if chosen is None else int(chosen) for chosen in seed]
        if rows:
            self._begin(rows, [seeds[row] for row in rows], given or None)
            self._steps[rows], self._finished[rows] = 0, False
        return self._obs.copy(), {}

    def step(self, actions: Array) -> tuple[Array, Floats, Bools, Bools, dict[str, Any]]:
        """Step every environment.

        Args:
            actions: [N, A] float32, or [N] int64.

        Returns:
            Observations [N, D], the environment's own reward [N], terminated [N], truncated [N], and an empty info.

        Raises:
            RuntimeError: an environment whose episode has ended was not reset.
        """
        if self._finished.any():
            late = np.flatnonzero(self._finished).tolist()
            raise RuntimeError(f"environments {late} have finished their episode: reset them before the next step")
        rewards, terminated, truncated = self._advance(actions)
        self._steps += 1
        truncated |= self._steps >= self.schema.step_limit
        self._finished = terminated | truncated
        return self._obs.copy(), rewards, terminated, truncated, {}
