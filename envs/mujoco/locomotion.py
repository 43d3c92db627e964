"""HalfCheetah, Hopper, Walker2d, Swimmer and Ant, as in Gymnasium's v5."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.mujoco.tasks import Array, Bools, Floats, GymTask, Native, norms, square_sum
from autoreward.envs.mujoco.worlds import Worlds


class Runner(GymTask):
    """A robot that is paid for its velocity along x, and pays for its actions."""

    hidden = 1
    """Leading positions that the observation leaves out."""
    stepped: tuple[str, ...] = ("x_velocity", "reward_forward", "reward_ctrl")

    def __init__(self, template: Native, worlds: Worlds) -> None:
        super().__init__(template, worlds)
        self._skip = self.hidden if template._exclude_current_positions_from_observation else 0
        self._x = worlds.qpos[:, 0].copy()
        self.present = {"x_position": lambda: worlds.qpos[:, 0]}

    def observe(self, out: NDArray[np.float32]) -> None:
        """See `Robot.observe`."""
        seen = self.worlds.model.nq - self._skip
        out[:, :seen] = self.worlds.qpos[:, self._skip :]
        out[:, seen : seen + self.worlds.model.nv] = self.velocities()

    def velocities(self) -> Floats:
        """Velocities [N, nv] as observed."""
        return self.worlds.qvel

    def before_step(self) -> None:
        """See `Robot.before_step`."""
        self._x[:] = self.worlds.qpos[:, 0]

    def costs(self, actions: Array) -> Array:
        """What the actions cost, [N]."""
        cost: Array = self.template._ctrl_cost_weight * square_sum(actions)
        return cost

    def forward(self) -> Floats:
        """The reward for the velocity along x, [N]."""
        velocity = (self.worlds.qpos[:, 0] - self._x) / self.worlds.dt
        self.info["x_velocity"] = velocity
        reward: Floats = self.template._forward_reward_weight * velocity
        return reward

    def judge(self, actions: Array, obs: NDArray[np.float32]) -> tuple[Floats, Bools]:
        """See `Robot.judge`."""
        forward, cost = self.forward(), self.costs(actions)
        self.info["reward_forward"], self.info["reward_ctrl"] = forward, -cost
        return forward - cost, self.never()


class HalfCheetah(Runner):
    """Never ends."""

    def draw(self, row: int, random: np.random.Generator) -> tuple[Floats, Floats]:
        """See `Robot.draw`."""
        return self.normal(random)


class Swimmer(Runner):
    """Never ends; reports its velocity in the plane."""

    hidden = 2
    stepped = ("x_velocity", "y_velocity", "reward_forward", "reward_ctrl")

    def __init__(self, template: Native, worlds: Worlds) -> None:
        super().__init__(template, worlds)
        self._y = worlds.qpos[:, 1].copy()
        self.present |= plane(worlds)

    def before_step(self) -> None:
        """See `Robot.before_step`."""
        super().before_step()
        self._y[:] = self.worlds.qpos[:, 1]

    def forward(self) -> Floats:
        """See `Runner.forward`."""
        self.info["y_velocity"] = (self.worlds.qpos[:, 1] - self._y) / self.worlds.dt
        return super().forward()


class Walker(Runner):
    """A planar robot that must stay upright: Walker2d, and Hopper with one condition more."""

    stepped = ("x_velocity", "reward_forward", "reward_ctrl", "reward_survive")

    def __init__(self, template: Native, worlds: Worlds) -> None:
        super().__init__(template, worlds)
        start = template.init_qpos[1]
        self.present["z_distance_from_origin"] = lambda: worlds.qpos[:, 1] - start

    def velocities(self) -> Floats:
        """See `Runner.velocities`."""
        return np.clip(self.worlds.qvel, -10, 10)

    def healthy(self) -> Bools:
        """[N]."""
        z, angle = self.worlds.qpos[:, 1], self.worlds.qpos[:, 2]
        (lowest, highest), (least, most) = self.template._healthy_z_range, self.template._healthy_angle_range
        healthy: Bools = (lowest < z) & (z < highest) & (least < angle) & (angle < most)
        return healthy

    def judge(self, actions: Array, obs: NDArray[np.float32]) -> tuple[Floats, Bools]:
        """See `Robot.judge`."""
        healthy = self.healthy()
        forward, cost = self.forward(), self.costs(actions)
        survive = healthy * self.template._healthy_reward
        self.info |= {"reward_forward": forward, "reward_ctrl": -cost, "reward_survive": survive}
        return forward + survive - cost, ~healthy if self.template._terminate_when_unhealthy else self.never()


class Hopper(Walker):
    """A walker all of whose other positions and velocities must stay within a range."""

    def healthy(self) -> Bools:
        """See `Walker.healthy`."""
        low, high = self.template._healthy_state_range
        rest, qvel = self.worlds.qpos[:, 2:], self.worlds.qvel
        within: Bools = ((low < rest) & (rest < high)).all(axis=1) & ((low < qvel) & (qvel < high)).all(axis=1)
        return super().healthy() & within


class Ant(GymTask):
    """Velocity is that of the main body's `xpos`, so it is one substep old."""

    stepped = ("x_velocity", "y_velocity", "reward_forward", "reward_ctrl", "reward_contact", "reward_survive")

    def __init__(self, template: Native, worlds: Worlds) -> None:
        super().__init__(template, worlds)
        self._skip = 2 if template._exclude_current_positions_from_observation else 0
        body = template.model.body(template._main_body).id
        self._place = worlds.output("xpos")[:, body, :2]
        self._last = self._place.copy()
        self.present = plane(worlds)

    @classmethod
    def needs_forces(cls, template: Native) -> bool:
        """See `GymTask.needs_forces`. The reward pays for them even where the observation leaves them out."""
        return True

    def draw(self, row: int, random: np.random.Generator) -> tuple[Floats, Floats]:
        """See `Robot.draw`."""
        return self.normal(random)

    def _forces(self) -> Floats:
        forces: Floats = np.clip(self.worlds.contact_forces, *self.template._contact_force_range)
        return forces

    def observe(self, out: NDArray[np.float32]) -> None:
        """See `Robot.observe`."""
        worlds, skip = self.worlds, self._skip
        seen = worlds.model.nq - skip
        out[:, :seen] = worlds.qpos[:, skip:]
        out[:, seen : seen + worlds.model.nv] = worlds.qvel
        if self.template._include_cfrc_ext_in_observation:
            out[:, seen + worlds.model.nv :] = self._forces()[:, 1:].reshape(worlds.count, -1)

    def before_step(self) -> None:
        """See `Robot.before_step`."""
        self._last[:] = self._place

    def judge(self, actions: Array, obs: NDArray[np.float32]) -> tuple[Floats, Bools]:
        """See `Robot.judge`."""
        base = self.template
        velocity = (self._place - self._last) / self.worlds.dt
        lowest, highest = base._healthy_z_range
        z = self.worlds.qpos[:, 2]
        healthy = (lowest <= z) & (z <= highest)
        forward, survive = velocity[:, 0] * base._forward_reward_weight, healthy * base._healthy_reward
        effort = base._ctrl_cost_weight * square_sum(actions)
        contact = base._contact_cost_weight * square_sum(self._forces())
        self.info |= {"x_velocity": velocity[:, 0], "y_velocity": velocity[:, 1], "reward_forward": forward}
        self.info |= {"reward_ctrl": -effort, "reward_contact": -contact, "reward_survive": survive}
        return forward + survive - (effort + contact), ~healthy if base._terminate_when_unhealthy else self.never()


def plane(worlds: Worlds) -> dict[str, Any]:
    """What `info` tells of the place in the plane, in steps and resets."""
    return {
        "x_position": lambda: worlds.qpos[:, 0],
        "y_position": lambda: worlds.qpos[:, 1],
        "distance_from_origin": lambda: norms(worlds.qpos[:, :2]),
    }
