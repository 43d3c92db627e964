"""Gymnasium's v5 tasks as robots. Parameters are read from an environment of Gymnasium's own, which is a template.

Formulas are written in the order of Gymnasium's operations, so that rewards are the same to the last bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.gym import flat_action_space, flat_observation_space
from autoreward.envs.mujoco.robot import Robot
from autoreward.envs.mujoco.worlds import Worlds

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Native = Any
"""An environment of Gymnasium's: its own attributes are read."""


class GymTask(Robot):
    """A task of Gymnasium's.

    Args:
        template: the environment below its wrappers.
        worlds: where it is simulated.
    """

    stepped: tuple[str, ...] = ()
    """Keys of `info` that only steps set."""

    def __init__(self, template: Native, worlds: Worlds) -> None:
        self.template, self.worlds = template, worlds
        self.observation_space = flat_observation_space(template.observation_space)
        self.action_space = flat_action_space(template.action_space)  # type: ignore[assignment]  # MuJoCo's is a Box
        self.info = {name: np.zeros(worlds.count) for name in self.stepped}
        self.present, self.attributes = {}, {}

    @classmethod
    def needs_forces(cls, template: Native) -> bool:
        """Whether observations or rewards contain contact forces."""
        return False

    def uniform(self, random: np.random.Generator) -> tuple[Floats, Floats]:
        """A start with uniform noise on positions and velocities."""
        base, scale = self.template, self.template._reset_noise_scale
        qpos = base.init_qpos + random.uniform(low=-scale, high=scale, size=base.model.nq)
        return qpos, base.init_qvel + random.uniform(low=-scale, high=scale, size=base.model.nv)

    def normal(self, random: np.random.Generator) -> tuple[Floats, Floats]:
        """A start with uniform noise on positions and normal noise on velocities."""
        base, scale = self.template, self.template._reset_noise_scale
        qpos = base.init_qpos + random.uniform(low=-scale, high=scale, size=base.model.nq)
        return qpos, base.init_qvel + scale * random.standard_normal(base.model.nv)

    def draw(self, row: int, random: np.random.Generator) -> tuple[Floats, Floats]:
        """See `Robot.draw`."""
        return self.uniform(random)

    def never(self) -> Bools:
        """[N]: nothing ends the episode."""
        return np.zeros(self.worlds.count, dtype=np.bool_)


def square_sum(values: Array) -> Array:
    """`np.sum(np.square(row))` of each row [N, ...]."""
    sums: Array = np.square(values).reshape(len(values), -1).sum(axis=-1)
    return sums


def norms(vectors: Floats) -> Floats:
    """`np.linalg.norm(row)` of each row [N, d], by the same inner product (`norm(axis=1)` rounds another way)."""
    squares: Floats = np.matmul(vectors[:, None, :], vectors[:, :, None])[:, 0, 0]
    return np.sqrt(squares)
