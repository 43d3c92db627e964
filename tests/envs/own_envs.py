"""Environments of a user's own, for `module:factory` and `module:Id`, and one that gives its reward away."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces


class Line(gymnasium.Env[Any, Any]):
    """A point on a line, told as a dictionary.

    Reward:
        Ten minus the distance, as a secret.

    The point moves by the action. The bonus for staying is 3. It explains nothing else.
    """

    def __init__(self, length: float = 4.0) -> None:
        self.observation_space = spaces.Dict(
            {
                "point": spaces.Box(-length, length, (1,), np.float64),
                "grid": spaces.Box(0, 255, (2, 3), np.uint8),
                "mode": spaces.Discrete(3, start=1),
                "nested": spaces.Dict({"pair": spaces.MultiBinary(2)}),
            }
        )
        self.action_space = spaces.Discrete(3, start=-1)
        self.length, self.point, self.total, self.charge, self._hidden = length, 0.0, 0.0, 0.0, 0.0
        self.last_worth = 0.0

    def _obs(self) -> dict[str, Any]:
        return {
            "point": np.array([self.point]),
            "grid": np.full((2, 3), 200, np.uint8),
            "mode": 1 + int(self.point > 0),
            "nested": {"pair": np.array([1, 0], np.int8)},
        }

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.point, self.total, self.last_worth = float(self.np_random.uniform(-1, 1)), 0.0, 0.0
        self.charge = float(self.np_random.uniform())
        return self._obs(), {"energy": 0.0}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert action in (-1, 0, 1)
        self.point += 0.5 * action
        self.charge *= 0.9
        reward = 10 - abs(self.point)
        self.total += reward
        self.last_worth = 2 * reward + 1
        info = {
            "energy": self.point**2 + self.charge,
            "progress_made": reward,
            "task_score": 1.0,
            "so_far": self.total,
            "late": self.charge * 2,
        }
        return self._obs(), reward, abs(self.point) > self.length, False, info


def make_line(length: float = 4.0) -> gymnasium.Env[Any, Any]:
    return Line(length)


def make_nothing() -> str:
    return "no environment"


class Broken(Line):
    def __init__(self) -> None:
        raise RuntimeError("the simulator is not there")


if "OwnLine-v0" not in gymnasium.registry:
    gymnasium.register("OwnLine-v0", entry_point=Line, max_episode_steps=12)
HOPPER = "gymnasium.envs.mujoco.hopper_v5:HopperEnv"
if "OwnHopper-v0" not in gymnasium.registry:
    gymnasium.register("OwnHopper-v0", entry_point=HOPPER, max_episode_steps=9)
    clipped = (gymnasium.wrappers.ClipAction.wrapper_spec(),)
    gymnasium.register("ClippedHopper-v0", entry_point=HOPPER, max_episode_steps=9, additional_wrappers=clipped)
