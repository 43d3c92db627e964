"""What differs between robots: how an episode begins, what the policy sees, the own reward, and when it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from autoreward.envs.mujoco.worlds import Worlds

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


class Robot:
    """N robots of one kind in their worlds. All arrays are [N, ...], in the order of the simulations."""

    worlds: Worlds
    observation_space: spaces.Box
    """Of one robot, [D] float32."""
    action_space: spaces.Box
    """Of one robot, [A] float32."""
    info: dict[str, Array]
    """What Gymnasium's environment puts into `info` in a step but not in a reset; 0 where an episode has begun."""
    present: dict[str, Callable[[], Array]]
    """What Gymnasium's environment puts into `info` in steps and resets alike: read from the present state."""
    attributes: dict[str, Array]
    """Attributes that an episode's beginning sets."""

    def draw(self, row: int, random: np.random.Generator) -> tuple[Floats, Floats]:
        """Positions [nq] and velocities [nv] at which the episode of a row begins."""
        raise NotImplementedError("every robot begins its own episodes")

    def observe(self, out: NDArray[np.float32]) -> None:
        """Write the observations [N, D] of the present state."""
        raise NotImplementedError("every robot observes itself")

    def before_step(self) -> None:
        """Keep what `judge` needs of the state before the step."""

    def judge(self, actions: Array, obs: NDArray[np.float32]) -> tuple[Floats, Bools]:
        """The own reward [N] of the step that was just taken, and whether it ended the episode [N].

        Args:
            actions: as given to the step.
            obs: observations [N, D] after it.
        """
        raise NotImplementedError("every robot has a reward of its own")

    def snapshot(self) -> dict[str, Array]:
        """What the simulations' state does not tell."""
        arrays = {f"info.{name}": np.array(values) for name, values in self.info.items()}
        return arrays | {f"attr.{name}": values.copy() for name, values in self.attributes.items()}

    def restore(self, arrays: dict[str, Array]) -> None:
        """Go back to a snapshot."""
        for key, values in arrays.items():
            kind, _, name = key.partition(".")
            if kind == "info":
                self.info[name] = values.copy()
            elif kind == "attr":
                self.attributes[name][...] = values

    def forget(self, rows: list[int]) -> None:
        """Set the last step's info to 0 in rows whose episode begins."""
        for values in self.info.values():
            values[rows] = 0
