"""`MetaWorldEnv`: one of Meta-World's tasks as an ordinary Gymnasium environment, whose `reset` takes a seed."""

from __future__ import annotations

import sys
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from autoreward.errors import UnknownName, UserError

Array = NDArray[Any]
CAMERA = "corner4"
PIXELS = 320
"""Of a picture's side: without a GPU a larger one takes long."""


class MetaWorldEnv(gymnasium.Wrapper[Array, Array, Array, Array]):
    """A task with its goal in sight, as in MT1, but a new place of goal and object for each seed, not one of 50.

    Observations [39] float64: hand (3), opening of the gripper, object (14), the same one step earlier, goal (3). The
    reward is Meta-World's V2, from 0 to 10 a step; `info["success"]` is its own verdict.

    Meta-World's first observation of an episode shows the object where it was before it was moved to its place; here it
    is where it is.

    Args:
        task: such as `drawer-open-v3`.
        render_mode: `rgb_array` for pictures.

    Raises:
        UnknownName: Meta-World has no such task.
        UserError: Meta-World is not installed.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 80}

    def __init__(self, task: str, render_mode: str | None = None) -> None:
        try:
            from metaworld.env_dict import ALL_V3_ENVIRONMENTS as TASKS
        except ImportError as error:
            raise UserError(f"Meta-World is not installed in {sys.executable}: {error}; type: make metaworld") from None
        if task not in TASKS:
            raise UnknownName("task of Meta-World", task, TASKS)
        env = TASKS[task](render_mode=render_mode, camera_name=CAMERA, width=PIXELS, height=PIXELS)
        env._partially_observable = False
        del env.sawyer_observation_space  # computed once, for the goal that was hidden
        env.observation_space = env.sawyer_observation_space
        env._set_task_called, env._freeze_rand_vec, env.seeded_rand_vec = True, False, True
        camera = env.model.camera(CAMERA)  # hangs upside down
        w, x, y, z = camera.quat
        camera.quat = (-z, y, -x, w)
        env.model.light_castshadow[:] = 0  # shadows are two thirds of what a picture takes
        env.max_path_length = sys.maxsize  # whoever makes it counts the steps
        super().__init__(env)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Begin an episode, the same for the same seed."""
        import mujoco

        env: Any = self.unwrapped
        if seed is not None:
            env.seed(seed)
        _, info = self.env.reset()
        mujoco.mj_forward(env.model, env.data)
        now = env._get_curr_obs_combined_no_goal()
        env._prev_obs = now
        return np.hstack((now, now, env._get_pos_goal())), info
