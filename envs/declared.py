"""Fields that follow from what an environment declares: its observation, its MuJoCo model, its actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium
from gymnasium import spaces

from autoreward.envs.docstring import ObservationRow, identifier
from autoreward.envs.gym import flat_action_space
from autoreward.errors import UserError
from autoreward.schema import ActionSpec, Field

_FEW = 16
"""Up to so many observations without a name become a field each, more become one vector."""
_MOST_BODIES = 20


def observation_fields(env: gymnasium.Env[Any, Any], rows: list[ObservationRow]) -> Iterator[Field]:
    """Fields for the parts of an observation, named by the docstring's table where it fits.

    Raises:
        UserError: a part of the observation has no fixed number of values.
    """
    space = env.observation_space
    if isinstance(space, spaces.Box) and len(space.shape) == 1:
        yield from _vector_fields(env, space, rows)
    elif isinstance(space, spaces.Dict | spaces.Tuple):
        taken: set[str] = set()
        for path, part in _leaves(space, ()):
            label = "_".join(path)
            name = identifier(label if not label[0].isdigit() else f"obs_{label}", taken)
            taken.add(name)
            yield _space_field(name, "obs." + ".".join(path), part)
    else:
        yield _space_field("obs", "obs", space)


def _vector_fields(env: gymnasium.Env[Any, Any], space: spaces.Box, rows: list[ObservationRow]) -> Iterator[Field]:
    size = space.shape[0]
    structure = getattr(env.unwrapped, "observation_structure", None) or {}
    partial = len(rows) == structure.get("qpos", 0) + structure.get("qvel", 0)
    if len(rows) != size and not (partial and 0 < len(rows) < size):
        rows = []
    taken: set[str] = set()
    for index, row in enumerate(rows):
        name = identifier(row.meaning, taken)
        taken.add(name)
        low, high = _bound(space.low[index]), _bound(space.high[index])
        yield Field(
            name=name,
            unit=row.unit,
            low=row.low if low is None else low,
            high=row.high if high is None else high,
            meaning=row.meaning,
            source=f"obs[{index}]",
        )
    rest = size - len(rows)
    if rest <= _FEW and not rows:
        for index in range(size):
            bounds = {"low": _bound(space.low[index]), "high": _bound(space.high[index])}
            yield Field(name=f"obs_{index}", source=f"obs[{index}]", meaning=f"observation {index}", **bounds)
    elif rest:
        name = "obs_rest" if rows else "obs"
        meaning = f"observations {len(rows)} to {size - 1}" if rows else "the whole observation"
        yield Field(name=name, shape=(rest,), source=f"obs[{len(rows)}:{size}]", meaning=meaning)


def _leaves(space: spaces.Space[Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], spaces.Space[Any]]]:
    if isinstance(space, spaces.Dict):
        for key, part in space.spaces.items():
            yield from _leaves(part, (*path, key))
    elif isinstance(space, spaces.Tuple):
        for index, part in enumerate(space.spaces):
            yield from _leaves(part, (*path, str(index)))
    else:
        yield path, space


def _space_field(name: str, source: str, space: spaces.Space[Any]) -> Field:
    meaning = "as observed"
    match space:
        case spaces.Discrete():
            start, end = int(space.start), int(space.start + space.n - 1)
            return Field(name=name, dtype="int64", low=start, high=end, source=source, meaning=f"{meaning} (a number)")
        case spaces.MultiDiscrete():
            shape = space.nvec.shape
            return Field(name=name, shape=shape, dtype="int64", low=0, source=source, meaning=f"{meaning} (numbers)")
        case spaces.MultiBinary() | spaces.Box():
            shape = () if space.shape == (1,) else tuple(space.shape)
            low, high = (0.0, 1.0) if isinstance(space, spaces.MultiBinary) else _box_bounds(space)
            return Field(name=name, shape=shape, low=low, high=high, source=source, meaning=meaning)
    raise UserError(f"observation {name}: kind {type(space).__name__} is not supported")


def _box_bounds(space: spaces.Box) -> tuple[float | None, float | None]:
    if space.low.size == 0:
        return None, None
    return _bound(space.low.min()), _bound(space.high.max())


def _bound(value: float) -> float | None:
    return float(f"{value:.6g}") if abs(value) < 1e30 else None


def body_fields(env: gymnasium.Env[Any, Any], taken: set[str]) -> Iterator[Field]:
    """Positions and velocities of a MuJoCo model's bodies."""
    base: Any = env.unwrapped
    if not hasattr(getattr(base, "model", None), "nbody") or not hasattr(base, "data"):
        return
    names = [base.model.body(index).name for index in range(1, base.model.nbody)]
    for body in [name for name in names if name][:_MOST_BODIES]:
        for quantity, source, unit in (("position", "xpos", "m"), ("velocity", "velocity", "m/s")):
            name = identifier(f"{body} {quantity}", taken)
            taken.add(name)
            yield Field(
                name=name,
                shape=(3,),
                unit=unit,
                policy_sees=False,
                source=f"body.{body}.{source}",
                meaning=f"{quantity} (x, y, z) of the body {body} in the world",
            )


def derive_action(env: gymnasium.Env[Any, Any], meaning: str = "") -> ActionSpec:
    """The action as reward programs see it."""
    space = flat_action_space(env.action_space)
    if isinstance(space, spaces.Discrete):
        return ActionSpec(kind="discrete", choices=int(space.n), meaning=meaning)
    low, high = _box_bounds(space)
    return ActionSpec(kind="continuous", shape=tuple(space.shape), low=low, high=high, meaning=meaning)
