"""Schema of any Gymnasium environment without a pack: spaces, docstring, and what shows when it is stepped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from autoreward.envs.declared import body_fields, derive_action, observation_fields
from autoreward.envs.docstring import action_meaning, description, identifier, observation_rows
from autoreward.envs.fields import FieldReader, Raw
from autoreward.envs.withheld import equals_reward, name_is_withheld, tells_reward
from autoreward.errors import UserError
from autoreward.schema import EnvSchema, Field

Array = NDArray[Any]

EPISODES = 6
STEPS = 150
"""Random steps of an episode, at most. Together they show ranges and what the reward is made of."""
_BIGGEST = 256
"""Numbers in an attribute: anything larger is a map or a picture."""
_NOT_STATE = ("render", "screen", "clock", "viewer", "camera", "frame", "width", "height_px", "window", "steps_beyond")


def derive_schema(env: gymnasium.Env[Any, Any], env_id: str, step_limit: int, told: str = "") -> EnvSchema:
    """Find out what can be read from an environment.

    Args:
        env: one environment; it is stepped with random actions (always the same ones).
        env_id: as the user typed it.
        step_limit: of its episodes.
        told: description that replaces the docstring's.

    Raises:
        UserError: the environment fails when it is stepped, or a space of it is not supported.
    """
    doc = type(env.unwrapped).__doc__
    seen = _explore(env, min(step_limit, STEPS))
    observed = list(observation_fields(env, observation_rows(doc)))
    physical = list(body_fields(env, {entry.name for entry in observed}))
    names = {entry.name for entry in (*observed, *physical)}
    found = list(_found_fields(seen, names, env.observation_space))
    candidates = (*observed, *physical, *found)
    schema = EnvSchema(
        env_id=env_id,
        fields=candidates,
        action=derive_action(env, action_meaning(doc)),
        step_limit=step_limit,
        description=told.strip() or description(doc),
    )
    return _with_ranges(env, schema, min(step_limit, STEPS), {entry.name for entry in physical})


@dataclass
class _Seen:
    """What stepping showed, one entry a step."""

    rewards: list[float] = field(default_factory=list)
    episodes: list[int] = field(default_factory=list)
    observations: list[Raw] = field(default_factory=list)
    infos: list[Mapping[str, Any]] = field(default_factory=list)
    attributes: list[dict[str, Array]] = field(default_factory=list)
    reset_infos: list[Mapping[str, Any]] = field(default_factory=list)
    reset_attributes: list[dict[str, Array]] = field(default_factory=list)


def _random_steps(
    env: gymnasium.Env[Any, Any], steps: int
) -> Iterator[tuple[int, Raw, float | None, Mapping[str, Any]]]:
    """(episode, observation, reward or None after a reset, info), always the same for the same environment."""
    env.action_space.seed(0)
    try:
        for episode in range(EPISODES):
            obs, info = env.reset(seed=episode)
            yield episode, obs, None, info
            for _ in range(steps):
                mask = info.get("action_mask")
                action = env.action_space.sample(None if mask is None else np.asarray(mask, dtype=np.int8))
                obs, reward, terminated, truncated, info = env.step(action)
                yield episode, obs, float(reward), info
                if terminated or truncated:
                    break
    except UserError:
        raise
    except Exception as error:  # the environment is somebody else's code
        raise UserError(f"the environment fails when it is stepped: {type(error).__name__}: {error}") from None


def _explore(env: gymnasium.Env[Any, Any], steps: int) -> _Seen:
    seen = _Seen()
    for episode, obs, reward, info in _random_steps(env, steps):
        attributes = _numeric_attributes(env.unwrapped)
        if reward is None:
            seen.reset_infos.append(dict(info))
            seen.reset_attributes.append(attributes)
            continue
        seen.rewards.append(reward)
        seen.episodes.append(episode)
        seen.observations.append(_flat(env.observation_space, obs))
        seen.infos.append(dict(info))
        seen.attributes.append(attributes)
    return seen


def _flat(space: spaces.Space[Any], obs: Raw) -> Array:
    """The observation's numbers; of a number from a discrete space the number itself, not its one-hot code."""
    leaf = isinstance(space, spaces.Discrete | spaces.MultiDiscrete)
    return np.array(obs if leaf else spaces.flatten(space, obs), dtype=np.float64).reshape(-1)


def _numeric_attributes(base: object) -> dict[str, Array]:
    values = {name: _numeric(value) for name, value in vars(base).items()}
    return {name: value for name, value in values.items() if value is not None}


def _numeric(value: object) -> Array | None:
    """A copy as an array, or None for what is not a small array of numbers."""
    if not isinstance(value, bool | int | float | np.generic | np.ndarray | tuple | list):
        return None
    try:
        array = np.array(value)
    except ValueError:
        return None
    return array if array.dtype.kind in "biuf" and array.size <= _BIGGEST and array.ndim <= 2 else None


def _found_fields(seen: _Seen, taken: set[str], space: spaces.Space[Any]) -> Iterator[Field]:
    """`info` keys and attributes that vary, add to the observation, and do not tell the reward."""
    rewards, episodes = np.array(seen.rewards), np.array(seen.episodes)
    info = _columns([{key: _numeric(value) for key, value in entry.items()} for entry in seen.infos])
    attributes = _columns(seen.attributes)
    for name in list(attributes):
        if any(name not in entry for entry in seen.reset_attributes):
            del attributes[name]
    terms = [
        column
        for name, values in (*info.items(), *attributes.items())
        if name_is_withheld(name)
        for column in values.reshape(len(values), -1).astype(np.float64).T
        if not _is_infrastructure(name)
    ]
    known = [np.array(seen.observations)] if seen.observations else []
    kept: set[str] = set()
    for kind, values in [("info", item) for item in info.items()] + [("attr", item) for item in attributes.items()]:
        name, column = values
        if name_is_withheld(name) or _is_infrastructure(name) or name in kept or not name.isidentifier():
            continue
        if (kind == "attr" and np.ptp(column.astype(np.float64), axis=0).max(initial=0) == 0) or _repeats(
            column, known
        ):
            continue
        if tells_reward(column, rewards, terms, episodes):
            continue
        kept.add(name)
        known.append(column.reshape(len(column), -1).astype(np.float64))
        missing = kind == "info" and any(name not in entry for entry in seen.reset_infos)
        yield _found_field(kind, name, column, missing, taken)


def _is_infrastructure(name: str) -> bool:
    return any(part in name.lower() for part in _NOT_STATE)


def _found_field(kind: str, key: str, column: Array, missing: bool, taken: set[str]) -> Field:
    name = identifier(key, taken)
    taken.add(name)
    where = "the environment reports it in info" if kind == "info" else "an attribute of the environment"
    return Field(
        name=name,
        shape=tuple(column.shape[1:]),
        dtype="bool" if column.dtype == np.bool_ else "float32",
        policy_sees=False,
        source=f"{kind}.{key}",
        meaning=f"{key.replace('_', ' ')} ({where}{'; 0 right after a reset' if missing else ''})",
    )


def _columns(entries: list[dict[str, Array | None]] | list[dict[str, Array]]) -> dict[str, Array]:
    """Name -> [T, ...] for what every step has, always of one shape."""
    columns: dict[str, Array] = {}
    for name in entries[0] if entries else ():
        values = [entry.get(name) for entry in entries]
        shapes = {None if value is None else value.shape for value in values}
        if len(shapes) == 1 and None not in shapes:
            columns[name] = np.stack([value for value in values if value is not None])
    return columns


def _repeats(column: Array, known: list[Array]) -> bool:
    """Whether every component is already an observation or an earlier field."""
    flat = column.reshape(len(column), -1).astype(np.float64)
    everything = np.concatenate(known, axis=1) if known else np.zeros((len(flat), 0))
    return all(any(np.allclose(part, other, rtol=1e-5, atol=1e-6) for other in everything.T) for part in flat.T)


def _with_ranges(env: gymnasium.Env[Any, Any], schema: EnvSchema, steps: int, checked: set[str]) -> EnvSchema:
    """Fill in the ranges that random steps show, and drop checked fields in which the reward stands."""
    reader = FieldReader(env, schema)
    rows: list[dict[str, Array]] = []
    rewards: list[float] = []
    for _, obs, reward, info in _random_steps(env, steps):
        rows.append(reader.read(schema.names, obs, info))
        rewards.append(np.nan if reward is None else reward)
    stepped = ~np.isnan(rewards)
    fields = []
    for entry in schema.fields:
        values = np.stack([row[entry.name] for row in rows])
        if entry.name in checked and equals_reward(values[stepped], np.array(rewards)[stepped]):
            continue
        finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
        if entry.dtype == "float32" and finite.size:
            low, high = (float(f"{bound:.3g}") for bound in (finite.min(), finite.max()))
            entry = entry.model_copy(
                update={
                    "low": low if entry.low is None else entry.low,
                    "high": high if entry.high is None else entry.high,
                }
            )
        fields.append(entry)
    return schema.model_copy(update={"fields": tuple(fields)})
