"""Builds simulations that are stepped together from one environment of their kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
from gymnasium.wrappers import OrderEnforcing

from autoreward.envs.mujoco.arms import InvertedDoublePendulum, InvertedPendulum, Pusher, Reacher
from autoreward.envs.mujoco.data_robot import DataRobot
from autoreward.envs.mujoco.env import MujocoBatchEnv
from autoreward.envs.mujoco.humanoids import Humanoid, HumanoidStandup
from autoreward.envs.mujoco.locomotion import Ant, HalfCheetah, Hopper, Swimmer, Walker
from autoreward.envs.mujoco.reader import UnsupportedSource
from autoreward.envs.mujoco.single import RobotEnv
from autoreward.envs.mujoco.tasks import GymTask
from autoreward.envs.mujoco.worlds import BatchWorlds, Worlds
from autoreward.schema import EnvSchema

_TASKS: dict[str, type[GymTask]] = {
    "ant_v5.AntEnv": Ant,
    "half_cheetah_v5.HalfCheetahEnv": HalfCheetah,
    "hopper_v5.HopperEnv": Hopper,
    "humanoid_v5.HumanoidEnv": Humanoid,
    "humanoidstandup_v5.HumanoidStandupEnv": HumanoidStandup,
    "inverted_double_pendulum_v5.InvertedDoublePendulumEnv": InvertedDoublePendulum,
    "inverted_pendulum_v5.InvertedPendulumEnv": InvertedPendulum,
    "pusher_v5.PusherEnv": Pusher,
    "reacher_v5.ReacherEnv": Reacher,
    "swimmer_v5.SwimmerEnv": Swimmer,
    "walker2d_v5.Walker2dEnv": Walker,
}
_MODULE = "gymnasium.envs.mujoco."

MakeWorlds = Callable[[Any, int, int, bool], Worlds]
"""(MjModel, N, physics steps of a control step, whether contact forces are asked for) -> the simulations."""


def batched(
    template: gymnasium.Env[Any, Any], num_envs: int, schema: EnvSchema, make: MakeWorlds = BatchWorlds
) -> MujocoBatchEnv | None:
    """N simulations of the kind of an environment, or None where only Gymnasium itself can step it.

    Args:
        template: an environment of its own, whose parameters and renderer are used.
        num_envs: N.
        schema: fields and where they come from.
        make: makes the simulations.

    Raises:
        UserError: a field of a robot that is data only cannot be read.
    """
    base: Any = template.unwrapped
    forced = any("cfrc_ext" in field.source for field in schema.fields)
    if isinstance(base, RobotEnv):
        design = base.design
        forces = forced or any("cfrc_ext" in source.path for source in design.observed)
        worlds = make(base.model, num_envs, design.robot.frame_skip, forces)
        return MujocoBatchEnv(DataRobot(design, worlds, schema), schema, template)
    kind = _TASKS.get(f"{type(base).__module__}.{type(base).__qualname__}".removeprefix(_MODULE))
    if kind is None or not _is_plain(template):
        return None
    robot = kind(base, make(base.model, num_envs, base.frame_skip, forced or kind.needs_forces(base)))
    try:
        return MujocoBatchEnv(robot, schema, template)
    except UnsupportedSource:
        return None


def _is_plain(env: gymnasium.Env[Any, Any]) -> bool:
    """Whether no wrapper changes what the environment does, and no window is to be opened."""
    layer: Any = env
    while isinstance(layer, gymnasium.Wrapper):
        if type(layer) is not OrderEnforcing:
            return False
        layer = layer.env
    return bool(layer.render_mode != "human")
