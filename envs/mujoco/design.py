"""A robot that is data only, read from its `RobotSpec`: model, observation, start, and when it has failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import mujoco
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from autoreward.envs.episodes import named_expression
from autoreward.envs.fields import Source
from autoreward.envs.mujoco.sources import find_part
from autoreward.errors import UserError
from autoreward.schema import Field
from autoreward.task import EnvSpec, RobotSpec

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


class Design:
    """What all simulations of a robot share.

    Args:
        spec: with a `robot`.

    Raises:
        UserError: the model does not compile, or a source or expression names what is not there.
    """

    def __init__(self, spec: EnvSpec) -> None:
        if spec.robot is None:
            raise UserError(f"{spec.id} is no robot that is data only")
        self.robot = spec.robot
        self.model = _compile(spec.robot, spec.id)
        self.observed = [self._observed(text) for text in spec.robot.observations]
        self._start = [(*_place(text, self.model), *bounds) for text, bounds in spec.robot.start.items()]
        shapes = {field.name: field.shape for field in spec.fields}
        self.healthy = named_expression("robot.healthy", spec.robot.healthy, shapes)
        self.reward = named_expression("robot.reward", spec.robot.reward, shapes | {"action": (self.model.nu,)})
        read = dict.fromkeys((*self.healthy.fields, *self.reward.fields))
        self.read = tuple(name for name in read if name in shapes)
        """The fields that expressions read."""

    @property
    def action_space(self) -> spaces.Box:
        """[A] float32."""
        low, high = self.model.actuator_ctrlrange.astype(np.float32).T
        return spaces.Box(low, high, dtype=np.float32)

    def _observed(self, text: str) -> Source:
        source = Source.parse(Field(name="observations", source=text))
        try:
            part = find_part(self.model, source.path)
        except UserError as error:
            error.args = (f"robot.observations: {text}: {error}",)
            raise
        values = np.zeros(3) if part.velocity else getattr(mujoco.MjData(self.model), part.array)
        _check_index(f"robot.observations: {text}", values if part.index is None else values[part.index], source.index)
        return source

    def begin(self, random: np.random.Generator) -> tuple[Floats, Floats]:
        """Positions [nq] and velocities [nv] at which an episode begins."""
        noise, model = self.robot.reset_noise, self.model
        start = {
            "qpos": model.qpos0 + random.uniform(low=-noise, high=noise, size=model.nq),
            "qvel": random.uniform(low=-noise, high=noise, size=model.nv),
        }
        for name, index, low, high in self._start:
            start[name][index] = random.uniform(low=low, high=high, size=np.shape(start[name][index]))
        mujoco.mj_normalizeQuat(model, start["qpos"])
        return start["qpos"], start["qvel"]

    def observe(self, values: Sequence[Array]) -> Array:
        """Observations [N, D] from the values [N, ...] of the observed paths."""
        parts = []
        for source, value in zip(self.observed, values, strict=True):
            taken = value if source.index is None else value[:, source.index]
            parts.append(taken.reshape(len(value), -1) * source.scale + source.offset)
        return np.concatenate(parts, axis=1)

    def judge(self, values: Mapping[str, Array], actions: Array) -> tuple[Floats, Bools]:
        """The robot's own reward [N], and whether the episode ends [N].

        Args:
            values: fields `read` after the step, each [N, ...].
            actions: [N, A].
        """
        count = len(actions)
        reward = np.asarray(self.reward.evaluate({**values, "action": actions}), dtype=np.float64)
        healthy = np.asarray(self.healthy.evaluate(values), dtype=np.bool_)
        return np.broadcast_to(reward, count).copy(), ~np.broadcast_to(healthy, count)


def _compile(robot: RobotSpec, env_id: str) -> mujoco.MjModel:
    if not robot.has_model:
        raise UserError(f"{env_id}: the model {robot.model} was not read; load the pack that it belongs to")
    try:
        model = mujoco.MjModel.from_xml_string(robot.model)
    except ValueError as error:
        raise UserError(f"{env_id}: the model does not compile: {' '.join(str(error).split())}") from None
    if model.nu == 0 or not model.actuator_ctrllimited.all():
        raise UserError(f"{env_id}: the model needs actuators, each with a ctrlrange")
    return model


def _check_index(what: str, values: Array, index: int | slice | None) -> None:
    """Raise `UserError` where an index takes nothing."""
    try:
        there = index is None or values[index].size > 0
    except IndexError:
        there = False
    if not there:
        raise UserError(f"{what} is not there: it counts from 0 to {len(values) - 1}")


def _place(text: str, model: mujoco.MjModel) -> tuple[str, int | slice]:
    """Which positions or velocities an entry of `start` means."""
    source = Source.parse(Field(name="start", source=text))
    if source.path not in ("qpos", "qvel") or source.index is None or (source.scale, source.offset) != (1.0, 0.0):
        raise UserError(f"robot.start: {text} is neither qpos[..] nor qvel[..]")
    _check_index(f"robot.start: {text}", np.zeros(model.nq if source.path == "qpos" else model.nv), source.index)
    return source.path, source.index
