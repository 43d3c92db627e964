"""Where fields come from: reads the named quantities of one Gymnasium environment.

A field's `source` is a path, with an index and an affine change where wanted: `-qpos[2]`, `2 * obs[3] + 1`.

| source | what it reads |
| --- | --- |
| `obs`, `obs[3]`, `obs[0:2]` | the observation as the environment gives it |
| `obs.KEY`, `obs.KEY.KEY[0]` | a part of a dictionary (or, by number, tuple) observation |
| `info.NAME` | what the last `step` or `reset` put into `info`; 0 where it is not there (mostly right after a reset) |
| `attr.NAME` | an attribute of the unwrapped environment |
| `qpos[2]`, `qvel[0:3]` | MuJoCo's generalised positions and velocities |
| `body.NAME.xpos`, `.xquat`, `.xmat`, `.cvel`, `.subtree_com` | MuJoCo's arrays of that body |
| `body.NAME.cfrc_ext` | external force on that body, contacts included: torque, then force; zero after a reset |
| `body.NAME.velocity`, `.angular_velocity` | of the body's frame, in the world's axes |
| `site.NAME.xpos`, `.xmat`; `geom.NAME.xpos`, `.xmat` | of a site or a geom; `velocity`, `angular_velocity` too |
| `sensor.NAME` | what a sensor of the model measures |
| `cfrc_ext` | external forces on all bodies, [number of bodies, 6] |

What MuJoCo derives from positions (`body`, `site`, `geom`, `sensor`) is as Gymnasium leaves it after a step: one
substep older than `qpos`, as in the environments' own observations.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from autoreward.errors import UnknownName, UserError
from autoreward.schema import EnvSchema, Field

Array = NDArray[Any]
Raw = Any
"""An observation or a value as an environment gives it."""
Native = Any
"""An environment below its wrappers, or an object of MuJoCo's: their own attributes are read."""
Info = Mapping[str, Any]
Getter = Callable[[Raw, Info], Raw]
"""(observation, info) -> the value."""

_NUMBER = r"\d+(?:\.\d*)?(?:e[+-]?\d+)?"
_SOURCE = re.compile(
    rf"(?P<sign>-)?\s*(?:(?P<scale>{_NUMBER})\s*\*\s*)?(?P<path>[A-Za-z_][^\[\]]*?)(?:\[(?P<index>-?\d*(?::-?\d*)?)\])?"
    rf"(?:\s+(?P<shift>[+-])\s+(?P<offset>{_NUMBER}))?",
)
_MUJOCO = ("qpos", "qvel", "cfrc_ext", "body", "site", "geom", "sensor")


@dataclass(frozen=True)
class Source:
    """A parsed source: `scale * path[index] + offset`."""

    path: str
    index: int | slice | None
    scale: float
    offset: float

    @classmethod
    def parse(cls, field: Field) -> Source:
        """Parse a field's source; a field without one is read from the observation entry of its name.

        Raises:
            UserError: it does not read as a source.
        """
        text = field.source or f"obs.{field.name}"
        match = _SOURCE.fullmatch(text.strip())
        if match is None or match["index"] == "":
            raise UserError(
                f"field {field.name}: source {text!r} does not read; write one such as -qpos[2] or obs[0:2]"
            )
        scale = float(match["scale"] or 1.0) * (-1.0 if match["sign"] else 1.0)
        offset = float(match["offset"] or 0.0) * (-1.0 if match["shift"] == "-" else 1.0)
        return cls(match["path"].strip(), _parse_index(match["index"]), scale, offset)

    def shape(self, value: Array, field: Field) -> Array:
        """Index, scale, shift and cast gathered values [N, ...] of the path."""
        if self.index is not None:
            value = value[:, self.index]
        if self.scale != 1.0 or self.offset != 0.0:
            value = value * self.scale + self.offset
        shaped = value.reshape(len(value), *field.shape)
        return shaped.astype(field.dtype)  # a copy, always


def _parse_index(text: str | None) -> int | slice | None:
    if text is None:
        return None
    if ":" not in text:
        return int(text)
    low, high = text.split(":")
    return slice(int(low) if low else None, int(high) if high else None)


class FieldReader:
    """Reads the fields of one environment.

    Args:
        env: any Gymnasium environment, wrapped or not.
        schema: what its fields are, and where they come from.

    Raises:
        UserError: a source names something that this environment does not have.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], schema: EnvSchema) -> None:
        self._env, self._schema = env, schema
        self._fields = {field.name: (field, Source.parse(field)) for field in schema.fields}
        self._getters: dict[str, Getter] = {}

    def read(self, names: Iterable[str], obs: Raw, info: Info) -> dict[str, Array]:
        """Fields of the present state, each of its own shape (no batch dimension), as copies.

        Args:
            names: which fields.
            obs: the last observation, as the unwrapped environment gave it.
            info: of the last `step` or `reset`.

        Raises:
            UnknownName: a name is not a field of the schema.
            UserError: a source is not there, or its shape is not the field's.
        """
        result = {}
        for name in names:
            field, source = self.field(name)
            value = np.asarray(self.getter(source.path, field)(obs, info))[None]
            result[name] = shaped(value, field, source)[0]
        return result

    def field(self, name: str) -> tuple[Field, Source]:
        """The field of that name, and its source."""
        if name not in self._fields:
            self._schema.field(name)  # raises, with the closest names
        return self._fields[name]

    def path(self, path: str) -> Getter:
        """A function that reads a path, such as `qpos` or `body.torso.xpos`, from this environment."""
        return _make_getter(self._env.unwrapped, path)

    def getter(self, path: str, field: Field) -> Getter:
        """A function that reads the path from this environment; made once a path."""
        if path not in self._getters:
            try:
                self._getters[path] = self.path(path)
            except UserError as error:
                raise type(error)(f"field {field.name}: {error}") if type(error) is UserError else error from None
        return self._getters[path]


def shaped(value: Array, field: Field, source: Source) -> Array:
    """`Source.shape` with the error that a user can mend."""
    try:
        return source.shape(value, field)
    except (ValueError, IndexError, TypeError):
        raise UserError(
            f"field {field.name}: source {field.source!r} gives values of shape {value.shape[1:]} and type "
            f"{value.dtype}, which do not fit shape {field.shape} and type {field.dtype}"
        ) from None


def _make_getter(base: Native, path: str) -> Getter:
    kind, _, rest = path.partition(".")
    if kind == "obs":
        return _observation_getter(rest)
    if kind == "info" and rest:
        return lambda obs, info: info.get(rest, 0.0)
    if kind == "attr" and rest:
        if not hasattr(base, rest):
            raise UnknownName("attribute of the environment", rest, [name for name in dir(base) if name[0] != "_"])
        return lambda obs, info: getattr(base, rest)
    if kind in _MUJOCO:
        if not hasattr(base, "data") or not hasattr(base, "model"):
            raise UserError(f"{path}: this environment is not a MuJoCo environment")
        return _mujoco_getter(base.model, base.data, path)
    raise UserError(f"{path} is no source; sources begin with obs, info, attr, {', '.join(_MUJOCO)}")


def _observation_getter(rest: str) -> Getter:
    if not rest:
        return lambda obs, info: obs
    keys: list[str | int] = [int(key) if key.isdigit() else key for key in rest.split(".")]

    def get(obs: Raw, info: Info) -> Raw:
        value = obs
        for key in keys:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                raise UserError(f"the observation has no entry {rest!r}") from None
        return value

    return get


def _mujoco_getter(model: Native, data: Native, path: str) -> Getter:
    sources: Native = importlib.import_module("autoreward.envs.mujoco.sources")  # with MuJoCo, which is loaded already
    part = sources.find_part(model, path)
    if part.velocity:
        return _velocity_getter(model, data, part)
    array = getattr(data, part.array)  # a view of MuJoCo's memory, valid as long as the simulation
    view = array if part.index is None else array[part.index]
    return lambda obs, info: view


def _velocity_getter(model: Native, data: Native, part: Native) -> Getter:
    mujoco: Native = importlib.import_module("mujoco")
    sources: Native = importlib.import_module("autoreward.envs.mujoco.sources")
    both = np.zeros(6)  # MuJoCo writes rotation first
    velocity = both[3:] if part.velocity == "velocity" else both[:3]
    kind = sources.OBJECTS[part.kind]

    def get(obs: Raw, info: Info) -> Array:
        mujoco.mj_objectVelocity(model, data, kind, part.index, both, 0)
        return velocity

    return get
