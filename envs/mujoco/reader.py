"""Reads fields of all simulations at once. `envs/fields.py` has the table of sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from autoreward.envs.fields import Source, shaped
from autoreward.envs.mujoco.robot import Robot
from autoreward.envs.mujoco.sources import Part, find_part
from autoreward.envs.mujoco.worlds import Worlds
from autoreward.errors import UserError
from autoreward.schema import EnvSchema, Field

Array = NDArray[Any]
Getter = Callable[[Array], Array]
"""Observations [N, D] -> the values [N, ...] of a path."""


@dataclass(frozen=True)
class Plan:
    """How some fields are read together."""

    entries: list[tuple[Field, Source, Getter]]
    velocities: list[LinearVelocities]
    """Computed once for all the fields that need them."""


class UnsupportedSource(UserError):
    """A source that only a single Gymnasium environment can answer."""


class WorldReader:
    """Reads the fields of N simulations. MuJoCo's outputs are bound when they are first asked for.

    Args:
        robot: what is simulated.
        schema: what its fields are, and where they come from.

    Raises:
        UnsupportedSource: a source is none that simulations of this robot have.
        UserError: a source does not read.
    """

    def __init__(self, robot: Robot, schema: EnvSchema) -> None:
        self._robot, self._schema = robot, schema
        self._fields = {field.name: (field, Source.parse(field)) for field in schema.fields}
        for field, source in self._fields.values():
            check_source(robot, source.path, field.name)
        self._plans: dict[tuple[str, ...], Plan] = {}

    def read(self, names: tuple[str, ...], obs: Array) -> dict[str, Array]:
        """Fields of the present state, each [N, ...], as copies.

        Args:
            names: which fields.
            obs: the last observations [N, D].

        Raises:
            UnknownName: a name is not a field of the schema.
            UserError: a source has not the field's shape.
        """
        plan = self._plans.get(names)
        if plan is None:
            plan = self._plans[names] = self._plan(names)
        for group in plan.velocities:
            group.update()
        return {field.name: shaped(get(obs), field, source) for field, source, get in plan.entries}

    def _plan(self, names: Sequence[str]) -> Plan:
        self._schema.check_known(names)
        chosen = [self._fields[name] for name in names]
        worlds = self._robot.worlds
        parts = {source.path: find_part(worlds.model, source.path) for _, source in chosen if _in_mujoco(source.path)}
        velocities: dict[str, LinearVelocities | None] = {}
        for kind in ("body", "site", "geom"):
            moving = {path: part for path, part in parts.items() if part.kind == kind and part.velocity == "velocity"}
            velocities |= dict.fromkeys(moving, LinearVelocities(worlds, moving) if moving else None)
        entries = [
            (field, source, make_getter(self._robot, source.path, velocities.get(source.path)))
            for field, source in chosen
        ]
        return Plan(entries, [group for group in dict.fromkeys(velocities.values()) if group is not None])


class LinearVelocities:
    """Velocities of several bodies, of sites or of geoms at once, as `mj_objectVelocity` gives them in world axes.

    The velocity of the centre of mass of the object's kinematic tree, carried over to the object,
    `v - (x - c) x w`, in the order of MuJoCo's operations, so that the last bit is the same.

    Args:
        worlds: of the simulations.
        parts: of one kind, by path.
    """

    def __init__(self, worlds: Worlds, parts: Mapping[str, Part]) -> None:
        (array,) = {part.array for part in parts.values()}
        self._cvel, self._centre, self._place = (worlds.output(name) for name in ("cvel", "subtree_com", array))
        bodies = [_body(worlds.model, part) for part in parts.values()]
        roots = [int(worlds.model.body_rootid[body]) for body in bodies]
        self._bodies, self._roots, self._numbers = map(_rows, (bodies, roots, map(_number, parts.values())))
        self._slots = {path: slot for slot, path in enumerate(parts)}
        # Axes first, x y z x y, so that a cross product is one product of long slices minus another.
        self._apart, self._turning = (np.zeros((5, worlds.count, len(parts))) for _ in range(2))
        self._values = np.zeros((3, worlds.count, len(parts)))

    def update(self) -> None:
        """Compute all of them from the present outputs."""
        motion, apart, turning = self._cvel[:, self._bodies].transpose(2, 0, 1), self._apart, self._turning
        place, centre = self._place[:, self._numbers], self._centre[:, self._roots]
        np.subtract(place.transpose(2, 0, 1), centre.transpose(2, 0, 1), out=apart[:3])
        turning[:3] = motion[:3]
        apart[3:], turning[3:] = apart[:2], turning[:2]
        cross = apart[1:4] * turning[2:5]
        cross -= apart[2:5] * turning[1:4]
        np.subtract(motion[3:], cross, out=self._values)

    def getter(self, path: str) -> Getter:
        """Reads one of them, [N, 3]."""
        values = self._values[:, :, self._slots[path]].T
        return lambda obs: values


def _rows(numbers: Iterable[int]) -> slice | list[int]:
    """As an index: a slice, which copies nothing, where there is only one."""
    rows = list(numbers)
    return slice(rows[0], rows[0] + 1) if len(rows) == 1 else rows


def _own_velocity(worlds: Worlds, path: str, part: Part) -> Getter:
    velocities = LinearVelocities(worlds, {path: part})
    get = velocities.getter(path)

    def update_and_get(obs: Array) -> Array:
        velocities.update()
        return get(obs)

    return update_and_get


def _number(part: Part) -> int:
    assert isinstance(part.index, int)
    return part.index


def _body(model: mujoco.MjModel, part: Part) -> int:
    return _number(part) if part.kind == "body" else int(getattr(model, f"{part.kind}_bodyid")[_number(part)])


def _in_mujoco(path: str) -> bool:
    return path.partition(".")[0] not in ("obs", "info", "attr")


def check_source(robot: Robot, path: str, name: str) -> None:
    """Raise `UnsupportedSource` where simulations of this robot do not have a source."""
    kind, _, rest = path.partition(".")
    if _in_mujoco(path):
        try:
            find_part(robot.worlds.model, path)
        except UserError as error:
            raise UnsupportedSource(f"field {name}: {error}") from None
        return
    known = {"obs": {""}, "info": {*robot.info, *robot.present}, "attr": {*robot.attributes}}
    if rest not in known[kind]:
        raise UnsupportedSource(f"field {name}: {path} is nothing that these simulations have")


def make_getter(robot: Robot, path: str, velocities: LinearVelocities | None = None) -> Getter:
    """A function that reads a path from all simulations.

    Args:
        robot: what is simulated.
        path: of a source that `check_source` has let through.
        velocities: what the caller updates before it calls; without it, a velocity is computed at each call.
    """
    kind, _, rest = path.partition(".")
    if kind == "obs":
        return lambda obs: obs
    if kind == "info":
        if rest in robot.present:
            present = robot.present[rest]
            return lambda obs: present()
        return lambda obs: robot.info[rest]
    if kind == "attr":
        attribute = robot.attributes[rest]
        return lambda obs: attribute
    worlds, part = robot.worlds, find_part(robot.worlds.model, path)
    if part.velocity == "velocity":
        return velocities.getter(path) if velocities is not None else _own_velocity(worlds, path, part)
    index = (slice(None),) if part.index is None else (slice(None), part.index)
    if part.array == "cfrc_ext":
        return lambda obs: worlds.contact_forces[index]
    if part.velocity:
        turning = worlds.output("cvel")[:, _body(worlds.model, part), :3]
        return lambda obs: turning
    array = getattr(worlds, part.array) if part.array in ("qpos", "qvel") else worlds.output(part.array)
    view = array[index]
    return lambda obs: view
