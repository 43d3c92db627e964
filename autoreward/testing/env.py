"""Conformance of `BatchEnv`: authors of environments run `check_batch_env`, and so do our own tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from autoreward.envs.contract import BatchEnv
from autoreward.errors import UnknownName

Array = NDArray[Any]


def check_batch_env(make: Callable[[int], BatchEnv], steps: int = 30) -> None:
    """Check an environment against the `BatchEnv` contract.

    Args:
        make: builds it with so many environments.
        steps: how many steps each check takes.

    Raises:
        AssertionError: it breaks the contract; the message says how.
    """
    env = make(4)
    try:
        _check_spaces(env)
        _check_fields(env)
        _check_masked_reset(env, steps)
        _check_step_limit(env)
    finally:
        env.close()
    _check_seeds(make, steps)
    _check_rows(make, steps)


def _check_spaces(env: BatchEnv) -> None:
    assert env.num_envs == 4, "num_envs is not what was asked for"
    assert env.metadata["autoreset_mode"] == AutoresetMode.DISABLED, "autoreset must be disabled"
    obs, _ = env.reset(seed=0)
    assert obs.dtype == np.float32, f"observations are {obs.dtype}, not float32"
    assert obs.ndim == 2, f"observations have shape {obs.shape}, not [N, D]"
    assert len(obs) == 4, f"observations have shape {obs.shape}, not [N, D]"
    assert env.observation_space.shape == obs.shape, "the observation space has another shape than observations"
    action = env.random_actions()
    assert action.shape == (4, *env.schema.action.shape), "the action space is not the schema's"
    again, reward, terminated, truncated, _ = env.step(action)
    assert again is not obs, "step must give a new array of observations"
    for name, values in (("reward", reward), ("terminated", terminated), ("truncated", truncated)):
        assert np.shape(values) == (4,), f"{name} has shape {np.shape(values)}, not [N]"
    assert terminated.dtype == np.bool_, "terminated is not boolean"
    assert truncated.dtype == np.bool_, "truncated is not boolean"


def _check_fields(env: BatchEnv) -> None:
    env.reset(seed=0)
    names = env.schema.names
    assert len(set(names)) == len(names), "a field's name appears twice"
    values = env.read(names)
    assert list(values) == names, "read gives other names than asked for"
    for field in env.schema.fields:
        value = values[field.name]
        assert value.shape == (4, *field.shape), f"{field.name} has shape {value.shape}, not {(4, *field.shape)}"
        assert value.dtype == field.dtype, f"{field.name} is {value.dtype}, not {field.dtype}"
        value[...] = 0  # must not reach the environment
    fresh = env.read(names)
    changed = any(np.any(fresh[name] != values[name]) for name in names)
    assert changed or all(np.all(fresh[name] == 0) for name in names), "read must give copies"
    assert list(env.read(names[:1])) == names[:1], "read gives more than asked for"
    try:
        env.read([names[0] + "_unknown"])
    except UnknownName:
        return
    raise AssertionError("read of an unknown field must raise UnknownName")


def _check_masked_reset(env: BatchEnv, steps: int) -> None:
    env.reset(seed=0)
    names = env.schema.names
    for _ in range(min(steps, 5)):
        before, *_, terminated, truncated, _ = env.step(env.random_actions())
        if (terminated | truncated).any():
            before, _ = env.reset(seed=0)
    fields = env.read(names)
    mask = np.array([False, True, False, True])
    after, _ = env.reset(seed=[None, 7, None, 8], options={"reset_mask": mask})  # type: ignore[arg-type]
    again = env.read(names)
    np.testing.assert_array_equal(before[~mask], after[~mask], "a masked reset touched another row's observation")
    for name in names:
        np.testing.assert_array_equal(fields[name][~mask], again[name][~mask], f"a masked reset touched {name}")
    single, _ = env.reset(seed=[1, 7, 2, 8])  # type: ignore[arg-type]
    np.testing.assert_array_equal(single[mask], after[mask], "a masked reset does not use its seeds")


def _check_step_limit(env: BatchEnv) -> None:
    limit = env.schema.step_limit
    if limit > 300:
        return  # longer episodes would make the check slow
    env.reset(seed=0)
    length = np.zeros(4, dtype=np.int64)
    for _ in range(3 * limit):  # most episodes of some environments end long before the limit
        *_, terminated, truncated, _ = env.step(env.random_actions())
        length += 1
        assert (length <= limit).all(), f"an episode is longer than the schema's {limit} steps"
        assert (truncated[length == limit] | terminated[length == limit]).all(), "the step limit does not truncate"
        if (length == limit).any():
            return
        done = terminated | truncated
        if done.any():
            env.reset(options={"reset_mask": done})
            length[done] = 0


def _check_seeds(make: Callable[[int], BatchEnv], steps: int) -> None:
    first, second = (_rollout(make, seed=3, steps=steps) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other, "the same seed gives another rollout")


def _check_rows(make: Callable[[int], BatchEnv], steps: int) -> None:
    """Row 0 does not depend on how many others there are."""
    wide, narrow = make(3), make(1)
    try:
        left, _ = wide.reset(seed=[5, 6, 7])  # type: ignore[arg-type]
        right, _ = narrow.reset(seed=[5])  # type: ignore[arg-type]
        wide.action_space.seed(0)
        for _ in range(min(steps, 10)):
            np.testing.assert_array_equal(left[0], right[0], "a row depends on other rows")
            actions = wide.random_actions()
            left, _, ended, cut, _ = wide.step(actions)
            right, *_ = narrow.step(actions[:1])
            if (ended | cut).any():
                return
    finally:
        wide.close()
        narrow.close()


def _rollout(make: Callable[[int], BatchEnv], seed: int, steps: int) -> list[Array]:
    env = make(2)
    try:
        obs, _ = env.reset(seed=seed)
        env.action_space.seed(seed)
        rows = [obs]
        for _ in range(steps):
            obs, reward, terminated, truncated, _ = env.step(env.random_actions())
            rows += [obs, np.asarray(reward), *env.read(env.schema.names).values()]
            done = terminated | truncated
            if done.any():
                obs, _ = env.reset(options={"reset_mask": done})
                rows.append(obs)
        return rows
    finally:
        env.close()
