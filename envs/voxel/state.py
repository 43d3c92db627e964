"""The state of N worlds as arrays, the pool of worlds that episodes begin in, and how one begins."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.voxel.columns import *
from autoreward.envs.voxel.generate import World, generate
from autoreward.envs.voxel.kernel import MASK, mix
from autoreward.envs.voxel.tables import FULL_HEALTH, MAX_ANIMALS
from autoreward.envs.voxel.tasks import SPLITS, TASKS, WORLDS, Knobs, VoxelTask
from autoreward.envs.voxel.view import RAYS

Array = NDArray[Any]


class Pool:
    """The worlds of a split, generated when they are first asked for and then kept.

    Args:
        task: what they are for.
        knobs: how they are made.
        split: `train`, `validation` or `test`.
    """

    def __init__(self, task: VoxelTask, knobs: Knobs, split: str) -> None:
        self._task, self._knobs, self._first = task, knobs, SPLITS[split]
        self._worlds: dict[int, World] = {}

    def world(self, number: int) -> World:
        """World 0..1023 of the split."""
        if number not in self._worlds:
            self._worlds[number] = generate(self._task, self._knobs, self._first + number)
        return self._worlds[number]


@functools.lru_cache(maxsize=16)
def pool(task: str, knobs: Knobs, split: str) -> Pool:
    """The pool of a task and its knobs in a split, one a process."""
    return Pool(TASKS[task], knobs, split)


@dataclass(frozen=True)
class State:
    """N worlds. `cells` is uint8 [N, X * Z * Y], Y fastest; the rest as in `kernel.py`, `steps.py` and `view.py`."""

    cells: Array
    agent: Array
    inventory: Array
    before: Array
    animals: Array
    visited: Array
    seen: Array
    far: Array
    hit: Array

    @classmethod
    def empty(cls, count: int, knobs: Knobs) -> State:
        """N worlds in which nothing is yet."""
        size_x, size_z, size_y = knobs.size
        return cls(
            cells=np.zeros((count, size_x * size_z * size_y), dtype=np.uint8),
            agent=np.zeros((count, COLUMNS), dtype=np.int64),
            inventory=np.zeros((count, 16), dtype=np.int64),
            before=np.zeros((count, 16), dtype=np.int64),
            animals=np.zeros((count, MAX_ANIMALS, 5), dtype=np.int64),
            visited=np.zeros((count, size_x * size_z), dtype=np.uint8),
            seen=np.zeros((count, RAYS), dtype=np.uint8),
            far=np.zeros((count, RAYS), dtype=np.uint8),
            hit=np.zeros((count, RAYS), dtype=np.int32),
        )

    def begin(self, row: int, world: World, number: int, key: int, knobs: Knobs) -> None:
        """Put a world back to an episode's start.

        Args:
            row: which of the N.
            world: what it begins as.
            number: of the world in its split.
            key: of the episode's random numbers.
            knobs: of the task.
        """
        self.cells[row] = world.cells.reshape(-1)
        self.animals[row] = world.animals
        self.inventory[row] = 0
        for item, count in knobs.start:
            self.inventory[row, item] = count
        self.before[row] = self.inventory[row]
        x, z, y, heading = world.start
        self.visited[row] = 0
        self.visited[row, x * knobs.size[1] + z] = 1
        agent = self.agent[row]
        agent[:] = 0
        agent[[X, Z, Y]] = agent[[START_X, START_Z, START_Y]] = x, z, y
        agent[HEADING], agent[HEALTH], agent[MINE_CELL] = heading, FULL_HEALTH, -1
        agent[KEY], agent[WORLD], agent[CELLS], agent[HERE] = key, number, 1, x * knobs.size[1] + z


def episode_key(seed: int, episode: int) -> int:
    """What an episode's random numbers are drawn from: the row's seed and the episode's number since then."""
    return mix(mix(mix(0x5EED, seed & MASK), (seed >> 32) & MASK), episode)


def world_number(key: int) -> int:
    """The world in which an episode takes place."""
    return mix(key, 0xA11CE) % WORLDS


def changes(cells: Array, worlds: list[World]) -> tuple[Array, Array]:
    """Where worlds differ from what they began as: (row, cell) int32 [M, 2], and what is there now uint8 [M]."""
    where, what = [], []
    for row, world in enumerate(worlds):
        places = np.flatnonzero(cells[row] != world.cells.reshape(-1))
        where.append(np.stack([np.full(len(places), row), places], axis=1).astype(np.int32))
        what.append(cells[row, places])
    return np.concatenate(where), np.concatenate(what)
