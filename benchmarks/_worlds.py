"""How far simulations on mujoco-warp (float32) part from MuJoCo's (float64): same state, same controls."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from autoreward.envs.mujoco.worlds import BatchWorlds

TASKS = (
    "HalfCheetah",
    "Hopper",
    "Walker2d",
    "Swimmer",
    "Ant",
    "Humanoid",
    "HumanoidStandup",
    "InvertedPendulum",
    "InvertedDoublePendulum",
    "Reacher",
    "Pusher",
)
STEPS = (1, 5, 20, 50)
COUNT = 8
BEFORE = 60
"""Steps with random controls that lead to the common state."""

Array = NDArray[Any]


def apart(name: str) -> dict[str, float]:
    """The largest difference of positions and velocities after so many control steps, as a share of 1 + the value."""
    from autoreward.envs.mujoco.warp import WarpWorlds

    base: Any = gymnasium.make(f"{name}-v5").unwrapped
    model, random, everything = base.model, np.random.default_rng(0), list(range(COUNT))
    low, high = model.actuator_ctrlrange.T
    exact, ours = (make(model, COUNT, base.frame_skip) for make in (BatchWorlds, WarpWorlds))
    noise = random.uniform(-0.05, 0.05, (COUNT, model.nq)), 0.1 * random.normal(size=(COUNT, model.nv))
    exact.place(everything, base.init_qpos + noise[0], noise[1])
    for _ in range(BEFORE):
        exact.step(random.uniform(low, high, (COUNT, model.nu)))
    ours.place(everything, exact.qpos, exact.qvel)
    exact.place(everything, ours.qpos.copy(), ours.qvel.copy())  # rounded to float32
    found = {}
    for step in range(1, max(STEPS) + 1):
        controls = random.uniform(low, high, (COUNT, model.nu))
        exact.step(controls)
        ours.step(controls)
        if step in STEPS:
            found[f"worlds/{name}/{step}/positions"] = _largest(exact.qpos, ours.qpos)
            found[f"worlds/{name}/{step}/velocities"] = _largest(exact.qvel, ours.qvel)
    return found


def _largest(expected: Array, found: Array) -> float:
    return float((np.abs(found - expected) / (1.0 + np.abs(expected))).max())
