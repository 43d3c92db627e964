"""What the tests of simulations that are stepped together share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.contract import BatchEnv
from autoreward.envs.mujoco.env import MujocoBatchEnv
from autoreward.envs.registry import make_env
from autoreward.task import EnvSpec

Array = NDArray[Any]

TASKS = [
    "Ant",
    "HalfCheetah",
    "Hopper",
    "Humanoid",
    "HumanoidStandup",
    "InvertedDoublePendulum",
    "InvertedPendulum",
    "Pusher",
    "Reacher",
    "Swimmer",
    "Walker2d",
]


def together(spec: EnvSpec, count: int) -> MujocoBatchEnv:
    env = make_env(spec, count, "batch")
    assert isinstance(env, MujocoBatchEnv)
    return env


def actions(env: BatchEnv, seed: int) -> Array:
    """Uniformly random actions [N, A] within the bounds."""
    space = env.action_space
    assert hasattr(space, "low")
    assert hasattr(space, "high")
    return np.random.default_rng(seed).uniform(space.low, space.high).astype(np.float32)


def play(env: BatchEnv, steps: int, first: int = 0) -> list[Array]:
    """Everything that an environment shows in so many steps with random actions, masked resets included."""
    rows: list[Array] = []
    for step in range(first, first + steps):
        obs, rewards, terminated, truncated, _ = env.step(actions(env, step))
        rows += [obs, rewards, terminated, truncated, *env.read(env.schema.names).values()]
        done = terminated | truncated
        if done.any():
            obs, _ = env.reset(options={"reset_mask": done})
            rows += [obs, *env.read(env.schema.names).values()]
    return rows


def assert_same(one: list[Array], other: list[Array]) -> None:
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right)
