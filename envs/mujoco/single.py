"""A robot that is data only as one Gymnasium environment: for wrappers, pictures, and MuJoCo before 3.17."""

from __future__ import annotations

from typing import Any

import gymnasium
import mujoco
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from autoreward.envs.fields import FieldReader
from autoreward.envs.mujoco.design import Design
from autoreward.schema import ActionSpec, EnvSchema
from autoreward.task import EnvSpec

Array = NDArray[Any]

_SIZE = 480


class RobotEnv(gymnasium.Env[Array, Array]):
    """One robot. It steps as Gymnasium's own MuJoCo environments do, so derived quantities are one substep old.

    Args:
        spec: with a `robot`.

    Raises:
        UserError: the model does not compile, or a source or expression names what is not there.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"]}

    def __init__(self, spec: EnvSpec) -> None:
        self.design = Design(spec)
        self.model = self.design.model
        self.data = mujoco.MjData(self.model)
        self.init_qpos, self.init_qvel = self.model.qpos0.copy(), np.zeros(self.model.nv)
        action = ActionSpec(kind="continuous", shape=(self.model.nu,))
        schema = EnvSchema(env_id=spec.id, fields=spec.fields, action=action, step_limit=1)
        self._reader = FieldReader(self, schema)
        self._paths = [self._reader.path(source.path) for source in self.design.observed]
        self._renderer: Any = None
        self.action_space = self.design.action_space
        self.set_state(self.init_qpos, self.init_qvel)
        obs = self._get_obs()
        self.observation_space = spaces.Box(-np.inf, np.inf, obs.shape, dtype=np.float64)
        self._reader.read(schema.names, obs, {})  # so that a field that cannot be read is told at once

    def set_state(self, qpos: Array, qvel: Array) -> None:
        """Put it into a state and compute what follows."""
        self.data.qpos[:], self.data.qvel[:] = qpos, qvel
        mujoco.mj_forward(self.model, self.data)

    def _get_obs(self) -> Array:
        empty = np.zeros(0)
        observed: Array = self.design.observe([np.asarray(get(empty, {}))[None] for get in self._paths])[0]
        return observed

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Begin an episode."""
        super().reset(seed=seed)
        mujoco.mj_resetData(self.model, self.data)
        self.set_state(*self.design.begin(self.np_random))
        return self._get_obs(), {}

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """One control step; the step limit is counted by whoever steps it."""
        self.data.ctrl[:] = action
        mujoco.mj_step(self.model, self.data, nstep=self.design.robot.frame_skip)
        mujoco.mj_rnePostConstraint(self.model, self.data)
        obs = self._get_obs()
        # As the policy sees them, and as a batch does: float32.
        values = self._reader.read(self.design.read, obs.astype(np.float32), {})
        batch = {name: value[None] for name, value in values.items()}
        reward, ended = self.design.judge(batch, np.asarray(action)[None])
        return obs, float(reward[0]), bool(ended[0]), False, {}

    def render(self) -> NDArray[np.uint8]:
        """A picture [H, W, 3] by the model's first camera, or by MuJoCo's own where it has none."""
        if self._renderer is None:
            self._renderer = mujoco.Renderer(self.model, _SIZE, _SIZE)
        self._renderer.update_scene(self.data, camera=0 if self.model.ncam else -1)
        return np.array(self._renderer.render(), dtype=np.uint8)

    def close(self) -> None:
        """Free the renderer."""
        if self._renderer is not None:
            self._renderer.close()
