"""Robots that are data only, simulated together."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from autoreward.envs.mujoco.design import Design
from autoreward.envs.mujoco.reader import WorldReader, make_getter
from autoreward.envs.mujoco.robot import Robot
from autoreward.envs.mujoco.worlds import Worlds
from autoreward.schema import EnvSchema

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


class DataRobot(Robot):
    """N robots as a `RobotSpec` says.

    Args:
        design: what the spec says.
        worlds: where they are simulated.
        schema: the fields that expressions read.

    Raises:
        UserError: a field's source is not there.
    """

    def __init__(self, design: Design, worlds: Worlds, schema: EnvSchema) -> None:
        self.design, self.worlds = design, worlds
        self.info, self.present, self.attributes = {}, {}, {}
        self.action_space = design.action_space
        self._paths = [make_getter(self, source.path) for source in design.observed]
        self.observation_space = spaces.Box(-np.inf, np.inf, (self._observations().shape[1],), dtype=np.float32)
        self._reader = WorldReader(self, schema)

    def _observations(self) -> Array:
        empty = np.zeros((self.worlds.count, 0))
        return self.design.observe([get(empty) for get in self._paths])

    def draw(self, row: int, random: np.random.Generator) -> tuple[Floats, Floats]:
        """See `Robot.draw`."""
        return self.design.begin(random)

    def observe(self, out: NDArray[np.float32]) -> None:
        """See `Robot.observe`."""
        out[:] = self._observations()

    def judge(self, actions: Array, obs: NDArray[np.float32]) -> tuple[Floats, Bools]:
        """See `Robot.judge`."""
        return self.design.judge(self._reader.read(self.design.read, obs), actions)
