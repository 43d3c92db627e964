"""InvertedPendulum, InvertedDoublePendulum, Reacher and Pusher, as in Gymnasium's v5."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.mujoco.tasks import Array, Bools, Floats, GymTask, Native, norms, square_sum
from autoreward.envs.mujoco.worlds import Worlds


class InvertedPendulum(GymTask):
    """Ends when the pole leans more than 0.2 rad."""

    stepped = ("reward_survive",)

    def observe(self, out: NDArray[np.float32]) -> None:
        """See `Robot.observe`."""
        seen = self.worlds.model.nq
        out[:, :seen], out[:, seen:] = self.worlds.qpos, self.worlds.qvel

    def judge(self, actions: Array, obs: NDArray[np.float32]) -> tuple[Floats, Bools]:
        """See `Robot.judge`."""
        terminated = np.abs(self.worlds.qpos[:, 1]) > 0.2
        reward = (~terminated).astype(np.float64)
        self.info["reward_survive"] = reward.copy()
        return reward, terminated


class InvertedDoublePendulum(GymTask):
    """Ends when the tip is at most 1 m high; the tip is a site, so it is one substep old."""

    stepped = ("reward_survive", "distance_penalty", "velocity_penalty")

    def __init__(self, template: Native, worlds: Worlds) -> None:
        super().__init__(template, worlds)
        self._tip, self._constraint = worlds.output("site_xpos")[:, 0], worlds.output("qfrc_constraint")

    def draw(self, row: int, random: np.random.Generator) -> tuple[Floats, Floats]:
        """See `Robot.draw`."""
        return self.normal(random)

    def observe(self, out: NDArray[np.float32]) -> None:
        """See `Robot.observe`."""
        qpos, qvel, joints = self.worlds.qpos, self.worlds.qvel, self.worlds.model.nq - 1
        angles = qpos[:, 1:].copy()
        out[:, 0] = qpos[:, 0]
        out[:, 1 : 1 + joints], out[:, 1 + joints : 1 + 2 * joints] = np.sin(angles), np.cos(angles)
        out[:, 1 + 2 * joints : -1] = np.clip(qvel, -10, 10)
        out[:, -1] = np.clip(self._constraint[:, 0], -10, 10)

    def judge(self, actions: Array, obs: NDArray[np.float32]) -> tuple[Floats, Bools]:
        """See `Robot.judge`."""
        x, y = self._tip[:, 0], self._tip[:, 2]
        v1, v2 = self.worlds.qvel[:, 1], self.worlds.qvel[:, 2]
        terminated = y <= 1
        distance = 0.01 * _squares(x) + _squares(y - 2)
        velocity = 1e-3 * _squares(v1) + 5e-3 * _squares(v2)
        alive = self.template._healthy_reward * (~terminated).astype(np.float64)
        self.info |= {"reward_survive": alive, "distance_penalty": -distance, "velocity_penalty": -velocity}
        return alive - distance - velocity, terminated


def _squares(values: Floats) -> Floats:
    """Squares as of single numbers: powers of C's library, which now and then round another way than x * x."""
    return np.array([value**2 for value in values.tolist()])


class Reacher(GymTask):
    """An arm of two links and a target in its plane."""

    stepped = ("reward_dist", "reward_ctrl")

    def __init__(self, template: Native, worlds: Worlds) -> None:
        super().__init__(template, worlds)
        xpos = worlds.output("xpos")
        self._tip, self._target = (xpos[:, template.model.body(name).id] for name in ("fingertip", "target"))
        self.attributes = {"goal": np.zeros((worlds.count, 2))}

    def draw(self, row: int, random: np.random.Generator) -> tuple[Floats, Floats]:
        """See `Robot.draw`."""
        base = self.template
        qpos = random.uniform(low=-0.1, high=0.1, size=base.model.nq) + base.init_qpos
        goal = random.uniform(low=-0.2, high=0.2, size=2)
        while np.linalg.norm(goal) >= 0.2:
            goal = random.uniform(low=-0.2, high=0.2, size=2)
        qpos[-2:] = self.attributes["goal"][row] = goal
        qvel = base.init_qvel + random.uniform(low=-0.005, high=0.005, size=base.model.nv)
        qvel[-2:] = 0
        return qpos, qvel

    def observe(self, out: NDArray[np.float32]) -> None:
        """See `Robot.observe`."""
        angles = self.worlds.qpos[:, :2].copy()
        out[:, 0:2], out[:, 2:4] = np.cos(angles), np.sin(angles)
        out[:, 4:-4] = self.worlds.qpos[:, 2:]
        out[:, -4:-2] = self.worlds.qvel[:, :2]
        out[:, -2:] = (self._tip - self._target)[:, :2]

    def judge(self, actions: Array, obs: NDArray[np.float32]) -> tuple[Floats, Bools]:
        """See `Robot.judge`."""
        distance = -norms(self._tip - self._target) * self.template._reward_dist_weight
        effort = -square_sum(actions) * self.template._reward_control_weight
        self.info |= {"reward_dist": distance, "reward_ctrl": effort}
        return distance + effort, self.never()


class Pusher(GymTask):
    """An arm that pushes a cylinder to a goal."""

    stepped = ("reward_dist", "reward_ctrl", "reward_near")

    def __init__(self, template: Native, worlds: Worlds) -> None:
        super().__init__(template, worlds)
        xpos = worlds.output("xpos")
        names = ("tips_arm", "object", "goal")
        self._tip, self._object, self._goal = (xpos[:, template.model.body(name).id] for name in names)
        # In Gymnasium's environment an episode's start is written into `init_qpos` itself.
        self.attributes = {
            "init_qpos": np.tile(template.init_qpos, (worlds.count, 1)),
            "cylinder_pos": np.zeros((worlds.count, 2)),
            "goal_pos": np.zeros((worlds.count, 2), dtype=np.int64),
        }

    def draw(self, row: int, random: np.random.Generator) -> tuple[Floats, Floats]:
        """See `Robot.draw`."""
        base = self.template
        while True:
            cylinder = np.concatenate(
                [random.uniform(low=-0.3, high=0, size=1), random.uniform(low=-0.2, high=0.2, size=1)]
            )
            if np.linalg.norm(cylinder) > 0.17:
                break
        qpos = self.attributes["init_qpos"][row]
        qpos[-4:-2] = self.attributes["cylinder_pos"][row] = cylinder
        qpos[-2:] = 0
        qvel = base.init_qvel + random.uniform(low=-0.005, high=0.005, size=base.model.nv)
        qvel[-4:] = 0
        return qpos, qvel

    def observe(self, out: NDArray[np.float32]) -> None:
        """See `Robot.observe`."""
        out[:, :7], out[:, 7:14] = self.worlds.qpos[:, :7], self.worlds.qvel[:, :7]
        out[:, 14:17], out[:, 17:20], out[:, 20:23] = self._tip, self._object, self._goal

    def judge(self, actions: Array, obs: NDArray[np.float32]) -> tuple[Floats, Bools]:
        """See `Robot.judge`."""
        base = self.template
        near = -norms(self._object - self._tip) * base._reward_near_weight
        distance = -norms(self._object - self._goal) * base._reward_dist_weight
        effort = -square_sum(actions) * base._reward_control_weight
        self.info |= {"reward_dist": distance, "reward_ctrl": effort, "reward_near": near}
        return distance + effort + near, self.never()
