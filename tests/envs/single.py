"""One environment of a pack, for tests of what its fields mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from autoreward.envs.fields import FieldReader
from autoreward.envs.registry import describe, make_single
from autoreward.task import load_task


class Single:
    """One environment of a pack, put into a state by its joints' names, and read by its fields."""

    def __init__(self, name: str) -> None:
        spec = load_task(name).env
        self.env = make_single(spec)
        self.base: Any = self.env.unwrapped
        self.obs, self.info = self.env.reset(seed=0)
        self.reader = FieldReader(self.env, describe(spec))

    def put(self, **joints: float) -> Single:
        """The model's own posture with these joints changed, at rest."""
        qpos = self.base.init_qpos.copy()
        for joint, angle in joints.items():
            qpos[self.base.model.joint(joint).qposadr[0]] = angle
        return self.place(qpos)

    def place(self, qpos: Any, qvel: Any = None) -> Single:
        self.base.set_state(qpos, self.base.init_qvel if qvel is None else qvel)
        self.obs = self.base._get_obs()
        return self

    def act(self, action: Any, steps: int = 1) -> Single:
        for _ in range(steps):
            self.obs, _, _, _, self.info = self.env.step(action)
        return self

    def motor(self, index: int, steps: int = 1) -> Single:
        """Steps with one motor at its highest, the others at rest."""
        space: Any = self.env.action_space
        action = np.zeros(space.shape, dtype=np.float32)
        action[index] = space.high[index]
        return self.act(action, steps)

    def torques(self, first: int = 0) -> dict[int, float]:
        """What the motors apply now, by joint, counted from a degree of freedom."""
        forces = self.base.data.qfrc_actuator[first:]
        return {int(index): float(forces[index]) for index in np.flatnonzero(forces)}

    def __getitem__(self, name: str) -> Any:
        return self.reader.read([name], self.obs, self.info)[name]
