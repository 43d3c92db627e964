"""Which part of MuJoCo's data a field's source means: the one table behind both ways of stepping MuJoCo."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco

from autoreward.errors import UnknownName, UserError

ARRAYS = ("qpos", "qvel", "cfrc_ext")
"""Sources that are a whole array of MjData."""
OBJECTS = {
    "body": mujoco.mjtObj.mjOBJ_XBODY,
    "site": mujoco.mjtObj.mjOBJ_SITE,
    "geom": mujoco.mjtObj.mjOBJ_GEOM,
}
_QUANTITIES = {
    "body": ("xpos", "xquat", "xmat", "cvel", "subtree_com", "cfrc_ext"),
    "site": ("xpos", "xmat"),
    "geom": ("xpos", "xmat"),
}
_VELOCITIES = ("velocity", "angular_velocity")


@dataclass(frozen=True)
class Part:
    """A part of MjData, or a velocity that is computed from it."""

    array: str
    """Field of MjData; of a velocity, the position of its object."""
    index: int | slice | None = None
    """Which rows; None: all."""
    kind: str = ""
    """Of a velocity: body, site or geom."""
    velocity: str = ""
    """`velocity` or `angular_velocity`; empty for what stands in MjData itself."""


def find_part(model: mujoco.MjModel, path: str) -> Part:
    """What a path such as `qpos`, `body.torso.xpos` or `sensor.gyro` means.

    Raises:
        UnknownName: the model has no such object, or objects of its kind no such quantity.
        UserError: the path has not the form of a source.
    """
    if path in ARRAYS:
        return Part(path)
    kind, _, rest = path.partition(".")
    if kind == "sensor" and rest:
        number = _find(model, mujoco.mjtObj.mjOBJ_SENSOR, kind, rest)
        first = int(model.sensor_adr[number])
        return Part("sensordata", slice(first, first + int(model.sensor_dim[number])))
    name, dot, quantity = rest.rpartition(".")
    if kind not in OBJECTS or not dot:
        raise UserError(f"{path} is no source; write qpos, qvel, cfrc_ext, sensor.NAME, or body.NAME.xpos and the like")
    number = _find(model, OBJECTS[kind], kind, name)
    if quantity in _VELOCITIES:
        return Part(_position(kind), number, kind, quantity)
    if quantity not in _QUANTITIES[kind]:
        raise UnknownName(f"quantity of a {kind}", quantity, (*_QUANTITIES[kind], *_VELOCITIES))
    return Part(quantity if kind == "body" else f"{kind}_{quantity}", number)


def _position(kind: str) -> str:
    return "xpos" if kind == "body" else f"{kind}_xpos"


def _find(model: mujoco.MjModel, object_type: mujoco.mjtObj, kind: str, name: str) -> int:
    number = int(mujoco.mj_name2id(model, object_type, name))
    if number < 0:
        count = getattr(model, f"n{kind}")
        known = [mujoco.mj_id2name(model, object_type, index) or "" for index in range(count)]
        raise UnknownName(kind, name, [entry for entry in known if entry])
    return number
