"""Humanoid and HumanoidStandup, as in Gymnasium's v5."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.mujoco.locomotion import plane
from autoreward.envs.mujoco.tasks import Array, Bools, Floats, GymTask, Native, square_sum
from autoreward.envs.mujoco.worlds import Worlds

_BLOCKS = ("cinert", "cvel", "qfrc_actuator", "cfrc_ext")


class HumanoidBody(GymTask):
    """What both humanoids observe: everything that MuJoCo derives for their bodies."""

    def __init__(self, template: Native, worlds: Worlds) -> None:
        super().__init__(template, worlds)
        self._skip = 2 if template._exclude_current_positions_from_observation else 0
        # `is True` as in Gymnasium, where 1 does not switch a block on.
        self._blocks = [name for name in _BLOCKS if getattr(template, f"_include_{name}_in_observation") is True]
        self._outputs = {name: worlds.output(name) for name in self._blocks if name != "cfrc_ext"}
        self._tendons = {name: worlds.output(name) for name in ("ten_length", "ten_velocity")}
        self.present = plane(worlds)
        self.present["tendon_length"] = lambda: self._tendons["ten_length"]
        self.present["tendon_velocity"] = lambda: self._tendons["ten_velocity"]

    @classmethod
    def needs_forces(cls, template: Native) -> bool:
        """See `GymTask.needs_forces`. The reward pays for them even where the observation leaves them out."""
        return True

    def observe(self, out: NDArray[np.float32]) -> None:
        """See `Robot.observe`."""
        worlds, count = self.worlds, self.worlds.count
        parts: list[Array] = [worlds.qpos[:, self._skip :], worlds.qvel]
        for name in self._blocks:
            if name == "qfrc_actuator":
                parts.append(self._outputs[name][:, 6:])
            else:
                values = worlds.contact_forces if name == "cfrc_ext" else self._outputs[name]
                parts.append(values[:, 1:].reshape(count, -1))
        first = 0
        for part in parts:
            out[:, first : first + part.shape[1]] = part
            first += part.shape[1]


class Humanoid(HumanoidBody):
    """Velocity is that of the centre of mass, which is one substep old."""

    stepped = ("x_velocity", "y_velocity", "reward_survive", "reward_forward", "reward_ctrl", "reward_contact")

    def __init__(self, template: Native, worlds: Worlds) -> None:
        super().__init__(template, worlds)
        self._xipos = worlds.output("xipos")
        self._last = np.zeros((worlds.count, 2))

    def _centre(self) -> Floats:
        mass = self.worlds.model.body_mass
        # Row by row, since one sum over all rows adds in another order.
        return np.array([np.einsum("b,bj->j", mass, row) / mass.sum() for row in self._xipos])[:, :2]

    def before_step(self) -> None:
        """See `Robot.before_step`."""
        self._last = self._centre()

    def judge(self, actions: Array, obs: NDArray[np.float32]) -> tuple[Floats, Bools]:
        """See `Robot.judge`."""
        base = self.template
        velocity = (self._centre() - self._last) / self.worlds.dt
        lowest, highest = base._healthy_z_range
        z = self.worlds.qpos[:, 2]
        healthy = (lowest < z) & (z < highest)
        forward, survive = base._forward_reward_weight * velocity[:, 0], healthy * base._healthy_reward
        effort = base._ctrl_cost_weight * square_sum(self.worlds.ctrl)
        contact = np.clip(base._contact_cost_weight * square_sum(self.worlds.contact_forces), *base._contact_cost_range)
        self.info |= {"x_velocity": velocity[:, 0], "y_velocity": velocity[:, 1], "reward_forward": forward}
        self.info |= {"reward_ctrl": -effort, "reward_contact": -contact, "reward_survive": survive}
        return forward + survive - (effort + contact), ~healthy if base._terminate_when_unhealthy else self.never()


class HumanoidStandup(HumanoidBody):
    """Never ends; paid for its height over the physics time step."""

    stepped = ("reward_linup", "reward_quadctrl", "reward_impact")

    def __init__(self, template: Native, worlds: Worlds) -> None:
        super().__init__(template, worlds)
        del self.present["distance_from_origin"]
        start = template.init_qpos[2]
        self.present["z_distance_from_origin"] = lambda: worlds.qpos[:, 2] - start

    def judge(self, actions: Array, obs: NDArray[np.float32]) -> tuple[Floats, Bools]:
        """See `Robot.judge`."""
        base, worlds = self.template, self.worlds
        up = (worlds.qpos[:, 2] - 0) / worlds.model.opt.timestep
        effort = base._ctrl_cost_weight * square_sum(worlds.ctrl)
        impact = np.clip(base._impact_cost_weight * square_sum(worlds.contact_forces), *base._impact_cost_range)
        self.info |= {"reward_linup": up, "reward_quadctrl": -effort, "reward_impact": -impact}
        return up - effort - impact + 1, self.never()
