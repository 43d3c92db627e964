"""One voxel world as an ordinary Gymnasium environment, for whoever trains with other libraries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils.seeding import np_random
from numpy.typing import NDArray

from autoreward.envs.voxel.env import VoxelEnv

Array = NDArray[Any]


class VoxelSingle(gymnasium.Env[Array, np.int64]):
    """`VoxelEnv` with one world. Observations [444] float32; the reward is +1 for success and -1 for death.

    Args:
        task: such as `diamond_lava`; the registered ids fill it in.
        tier: `easy`, `standard` or `hard`.
        split: `train`, `validation` or `test`: from which worlds episodes are drawn.
        knobs: single knobs of the tier that are to be other ones.
        mask_impossible: whether `action_mask` leaves out placing and crafting that would do nothing.
        render_mode: `rgb_array` for `render`.

    Raises:
        UnknownName: no task, tier, split or knob has that name.
        UserError: a knob cannot have that value.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 5}

    def __init__(
        self,
        task: str,
        tier: str = "standard",
        split: str = "train",
        knobs: Mapping[str, Any] | None = None,
        mask_impossible: bool = False,
        render_mode: str | None = None,
    ) -> None:
        self._worlds = VoxelEnv(task, tier=tier, split=split, knobs=knobs, mask_impossible=mask_impossible)
        self.schema = self._worlds.schema
        """The fields of `read`, what the action means, and the step limit."""
        self.render_mode = render_mode
        self.observation_space = self._worlds.single_observation_space
        self.action_space = self._worlds.single_action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: of this episode and, without further seeds, of those that follow.
            options: `world`, a number 0..1023, to choose the world of the split.

        Returns:
            Observation [444] and an info with the world's `action_mask`, where there is one.

        Raises:
            UserError: the world's number is out of range.
        """
        if seed is not None:
            self._np_random, self._np_random_seed = np_random(seed)
        world = (options or {}).get("world")
        obs, _ = self._worlds.reset(seed=seed, options=None if world is None else {"worlds": [world]})
        return obs[0], self._info()

    def step(self, action: np.int64) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Step the world.

        Raises:
            UserError: the action is not one of the task's.
        """
        obs, reward, terminated, truncated, _ = self._worlds.step(np.asarray(action)[None])
        return obs[0], float(reward[0]), bool(terminated[0]), bool(truncated[0]), self._info()

    def read(self, name: str) -> Array:
        """A field of the schema now, [...]."""
        value: Array = self._worlds.read([name])[name][0]
        return value

    def render(self) -> NDArray[np.uint8] | None:
        """What the agent sees and a map beside it, [180, 504, 3]; None without a `render_mode`."""
        return self._worlds.render_frame() if self.render_mode else None

    def _info(self) -> dict[str, Any]:
        mask = self._worlds.action_mask()
        return {} if mask is None else {"action_mask": mask[0].astype(np.int8)}

    def close(self) -> None:
        """Let go of the world."""
        self._worlds.close()
