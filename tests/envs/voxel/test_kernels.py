"""The compiled kernels do what the plain-Python reference does, to the last bit, and so does CUDA's simulator."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from voxel_reference import Reference

from autoreward.envs.voxel import columns
from autoreward.envs.voxel import tables as t
from autoreward.envs.voxel.env import VoxelEnv
from autoreward.envs.voxel.generate import World
from autoreward.envs.voxel.state import episode_key
from autoreward.envs.voxel.tasks import TASKS, TIERS

BUSY = {
    "diamond_lava": [1, 1, 1, 9, 9, 9, 9, 5, 6, 8, 7, 10],
    "obtain_diamond": [1, 1, 9, 9, 9, 9, 9, 8, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 18],
}
"""Actions that bring about more than uniform ones."""
RICH = [[item, 20] for item in range(7)]
"""Ingredients of everything."""


def compare(env: VoxelEnv, references: list[Reference], obs: np.ndarray) -> None:
    state = env._state
    for row, reference in enumerate(references):
        for name, value in reference.numbers().items():
            assert state.agent[row, getattr(columns, name)] == value, (row, reference.time, name)
        assert state.inventory[row].tolist() == reference.inventory
        rays = reference.rays()
        assert state.seen[row].tolist() == [block for block, _, _ in rays]
        assert state.far[row].tolist() == [far for _, far, _ in rays]
        np.testing.assert_array_equal(obs[row], reference.seen())


def roll(env: VoxelEnv, seed: int, steps: int, choices: list[int]) -> set[tuple[str, int]]:
    """Random actions in both, with new episodes where one ends; the events that came about."""
    events: set[tuple[str, int]] = set()
    obs, _ = env.reset(seed=seed)
    count, episode = env.num_envs, [0] * env.num_envs

    def begin(row: int) -> Reference:
        key = episode_key(seed + row, episode[row])
        world = env._pool.world(int(env._state.agent[row, columns.WORLD]))
        assert key == env._state.agent[row, columns.KEY]
        return Reference(env.task, env.knobs, world, key)

    references = [begin(row) for row in range(count)]
    random = np.random.default_rng(seed)
    compare(env, references, obs)
    for step in range(steps):
        actions = random.choice(choices, count)
        obs, reward, terminated, truncated, _ = env.step(actions)
        events |= {("REWARD", int(value)) for value in reward}
        for reference, action in zip(references, actions.tolist(), strict=True):
            reference.step(action)
            events |= set(reference.events.items())
        compare(env, references, obs)
        if step % 10 == 0:
            for row, reference in enumerate(references):
                np.testing.assert_array_equal(env._state.cells[row], reference.cells())
        done = terminated | truncated
        if done.any():
            obs, _ = env.reset(options={"reset_mask": done})
            for row in np.flatnonzero(done):
                episode[row] += 1
                references[row] = begin(row)
    return events


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("task", TASKS)
def test_kernels_equal_the_reference(task: str, tier: str) -> None:
    env = VoxelEnv(task, num_envs=2, tier=tier)
    roll(env, seed=7, steps=60, choices=BUSY.get(task, list(range(env.task.actions))))


def noise(env: VoxelEnv, number: int) -> World:
    """A world in which every cell is anything, mostly air, with animals somewhere in it."""
    random = np.random.default_rng(number)
    kinds = [t.AIR] * 12 + [t.STONE, t.DIRT, t.LOG, t.LAVA, t.LAVA_FLOW, t.WATER, t.DIAMOND_ORE, t.COAL_ORE]
    cells = random.choice(kinds, env.knobs.size).astype(np.uint8)
    cells[[0, -1]] = cells[:, [0, -1]] = cells[:, :, [0, -1]] = t.BEDROCK
    x, z, y = 8, 8, 9
    cells[x, z, y : y + 2] = t.AIR
    animals = np.zeros((t.MAX_ANIMALS, 5), dtype=np.int64)
    for row in range(t.MAX_ANIMALS):
        spot = tuple(random.integers(5, 11, 3))
        if cells[spot] == t.AIR and spot not in ((x, z, y), (x, z, y + 1)):
            animals[row] = *spot, 1 + row % 4, 4
            cells[spot] = t.ANIMAL + 1 + row % 4
    return World(cells, (x, z, y, number % 4), animals)


@pytest.mark.parametrize("task", ["diamond_lava", "hunt_cow", "obtain_diamond"])
def test_kernels_equal_the_reference_in_worlds_of_noise(task: str) -> None:
    # Knobs of its own, since the pool of worlds is shared by all environments with the same ones.
    env = VoxelEnv(task, 8, knobs={"size": [16, 16, 16], "limit": 39, "flee": True, "min_distance": 3, "reach": 2})
    for number in range(1024):
        env._pool._worlds[number] = noise(env, number)
    events = roll(env, seed=1, steps=150, choices=[1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 10])
    assert events >= {("CAUSE", columns.BY_LAVA), ("CAUSE", columns.BY_FALL), ("DIED", 1)}
    assert ("MINED", t.DIRT) in events
    assert ("KILLED", t.COW) in events or task != "hunt_cow"


@pytest.mark.parametrize("task", ["approach_tree", "approach_pig"])
def test_kernels_equal_the_reference_where_targets_are_in_view(task: str) -> None:
    env = VoxelEnv(task, 8, knobs={"size": [16, 16, 16], "limit": 38, "min_distance": 3})
    for number in range(1024):
        env._pool._worlds[number] = noise(env, number)
    events = roll(env, seed=1, steps=40, choices=list(range(9)))
    assert events >= {("REWARD", 0), ("REWARD", 1)}


def test_kernels_equal_the_reference_in_crafting() -> None:
    env = VoxelEnv("obtain_diamond", num_envs=3, tier="hard", knobs={"start": RICH})
    events = roll(env, seed=2, steps=120, choices=[1, 5, 9, 9, 10, *range(t.FIRST_CRAFT, 19)])
    made = {value - 1 for name, value in events if name == "CRAFTED"}
    assert made >= {recipe.gives for recipe in t.RECIPES}, made
    assert events >= {("PLACED", t.TABLE), ("PLACED", t.FURNACE)}


SIMULATED = """
import numpy as np
from autoreward.envs.voxel.env import VoxelEnv
everything = {"start": [[item, 20] for item in range(7)]}
for task, knobs in [("obtain_diamond", everything), ("hunt_cow", {"min_distance": 1})]:
    pair = [VoxelEnv(task, 2, knobs=knobs, device=device, mask_impossible=True) for device in ("cpu", "cuda")]
    first, second = [env.reset(seed=3)[0] for env in pair]
    assert np.array_equal(first, second)
    random = np.random.default_rng(0)
    for step in range(25):
        actions = random.choice([1, 1, 5, 8, 9, 9, *range(10, pair[0].task.actions)], 2)
        for one, other in zip(*(env.step(actions)[:4] for env in pair)):
            assert np.array_equal(one, other), step
        assert np.array_equal(*(env.action_mask() for env in pair))
        if step == 12:
            rows = np.array([True, False])
            assert np.array_equal(*(env.reset(options={"reset_mask": rows})[0] for env in pair))
    one, other = (env.read(env.schema.names) for env in pair)
    assert all(np.array_equal(one[name], other[name]) for name in one)
    one, other = (env.snapshot() for env in pair)
    assert all(np.array_equal(one[name], other[name]) for name in one)
print("equal")
"""


def test_cuda_equals_the_cpu_in_the_simulator() -> None:
    pytest.importorskip("numba_cuda")
    run = subprocess.run(
        [sys.executable, "-c", SIMULATED],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert run.stdout == "equal\n", run.stderr
