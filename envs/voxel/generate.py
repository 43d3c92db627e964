"""Worlds: a pure function of task, tier's knobs and number, by NumPy's Philox."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.voxel.tables import *
from autoreward.envs.voxel.tasks import Knobs, VoxelTask
from autoreward.errors import UserError

Array = NDArray[Any]
Random = np.random.Generator
Column = tuple[int, int]

SEA = 4
"""Lowest height of the ground on plains."""
DEPTHS = {DIAMOND_ORE: 6, IRON_ORE: 14, COAL_ORE: 20, LAVA: 6}
"""Highest cells of ores and lava under a surface."""
TRIES = 400
"""Random places that are looked at before the conditions count as impossible."""


@dataclass(frozen=True)
class World:
    """Where an episode begins."""

    cells: NDArray[np.uint8]
    """[X, Z, Y]; animals are in it."""
    start: tuple[int, int, int, int]
    """x, z, y of the feet, heading."""
    animals: NDArray[np.int64]
    """[6, 5]: x, z, y, species, health; species 0 is none."""


def generate(task: VoxelTask, knobs: Knobs, number: int) -> World:
    """World number so and so of a task."""
    random = np.random.Generator(np.random.Philox(key=_key(task, knobs), counter=[0, 0, 0, number]))
    cells = np.zeros(knobs.size, dtype=np.uint8)
    if knobs.terrain == "underground":
        start = _underground(cells, knobs, random)
        animals = np.zeros((MAX_ANIMALS, 5), dtype=np.int64)
    else:
        start, animals = _surface(cells, task, knobs, random)
    cells[[0, -1]] = cells[:, [0, -1]] = cells[:, :, [0, -1]] = BEDROCK
    return World(cells, start, animals)


def _key(task: VoxelTask, knobs: Knobs) -> int:
    text = repr((task.name, astuple(knobs)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")


def _underground(cells: Array, knobs: Knobs, random: Random) -> tuple[int, int, int, int]:
    """Stone with lava, diamonds and tunnels, and a chamber of 3 x 3 x 3 cells in which it begins."""
    cells[...] = STONE
    size_x, size_z, size_y = knobs.size
    x, z = (int(random.integers(size // 4, size - size // 4)) for size in (size_x, size_z))
    y = int(random.integers(3, size_y - 6))
    heading = int(random.integers(4))
    top = size_y - 2
    _pools(cells, knobs.pools, top, random)
    _diamonds(cells, knobs, (x, z, y), top, random)
    _tunnels(cells, knobs.tunnels, top, random)
    around = cells[x - 3 : x + 4, z - 3 : z + 4, y - 2 : y + 5]
    around[np.isin(around, (LAVA, AIR))] = STONE  # nothing flows in at once, and nothing leads out
    cells[x - 1 : x + 2, z - 1 : z + 2, y : y + 3] = AIR
    return x, z, y, heading


def _pools(cells: Array, count: int, top: int, random: Random) -> None:
    """Boxes of lava, 1 to 3 cells wide and mostly one deep, in stone only."""
    if not count:
        return
    size_x, size_z, _ = cells.shape
    x, z = random.integers(1, size_x - 3, count), random.integers(1, size_z - 3, count)
    y = random.integers(1, top, count)
    wide, long, deep = random.integers(1, 4, count), random.integers(1, 4, count), random.integers(1, 5, count) // 4 + 1
    for pool in range(count):
        box = cells[x[pool] : x[pool] + wide[pool], z[pool] : z[pool] + long[pool], y[pool] : y[pool] + deep[pool]]
        box[box == STONE] = LAVA


def _diamonds(cells: Array, knobs: Knobs, start: tuple[int, int, int], top: int, random: Random) -> None:
    """Clusters of 2 to 4 cells of ore away from the start; two sides of a guarded one have lava two cells off."""
    size_x, size_z, _ = cells.shape
    for _ in range(knobs.clusters):
        for _ in range(TRIES):
            x, z = int(random.integers(3, size_x - 4)), int(random.integers(3, size_z - 4))
            y = int(random.integers(1, top - 1))
            if max(abs(x - start[0]), abs(z - start[1]), abs(y - start[2])) > knobs.min_distance:
                break
        else:
            raise UserError(f"no place {knobs.min_distance} cells from the start in {knobs.size}; lower min_distance")
        _cluster(cells, DIAMOND_ORE, (x, z, y), int(random.integers(2, 5)), random)
        if random.random() < knobs.guarded:
            for side in random.permutation(4)[:2]:
                dx, dz = ((3, 0), (0, 3), (-2, 0), (0, -2))[side]
                guard = cells[x + dx : x + dx + 1 + (dx == 0), z + dz : z + dz + 1 + (dz == 0), y : y + 2]
                guard[guard == STONE] = LAVA


def _cluster(cells: Array, ore: int, corner: tuple[int, int, int], count: int, random: Random) -> None:
    """Ore in so many cells of a box of 2 x 2 x 2; only stone and lava give way."""
    x, z, y = corner
    for number in random.permutation(8)[:count]:
        cell = x + number // 4, z + number // 2 % 2, y + number % 2
        if cells[cell] in (STONE, LAVA):
            cells[cell] = ore


def _tunnels(cells: Array, count: int, top: int, random: Random) -> None:
    """Winding tunnels, two cells high, through stone; what else they meet is laid open."""
    size_x, size_z, _ = cells.shape
    length = 32
    for _ in range(count):
        x, z = int(random.integers(2, size_x - 2)), int(random.integers(2, size_z - 2))
        floor = int(random.integers(1, top - 2))
        turns = random.integers(0, 8, length)
        heading = (int(random.integers(4)) + np.cumsum(np.where(turns == 0, 1, np.where(turns == 1, 3, 0)))) % 4
        xs = np.clip(x + np.cumsum(np.array([1, 0, -1, 0])[heading]), 1, size_x - 2)
        zs = np.clip(z + np.cumsum(np.array([0, 1, 0, -1])[heading]), 1, size_z - 2)
        for y in (floor, floor + 1):
            stone = cells[xs, zs, y] == STONE
            cells[xs[stone], zs[stone], y] = AIR


def _surface(cells: Array, task: VoxelTask, knobs: Knobs, random: Random) -> tuple[tuple[int, int, int, int], Array]:
    """Grass over dirt, gently hilly, over stone with ores where the world is deep; trees and animals."""
    deep = knobs.terrain == "surface"
    ground = _hills(knobs, random) + (knobs.size[2] - 14 if deep else 0)
    height = np.arange(knobs.size[2])
    cells[...] = np.where(height < ground[:, :, None], DIRT, AIR)
    cells[height == ground[:, :, None]] = GRASS
    if deep:
        cells[height < ground[:, :, None] - 3] = STONE
        _ores(cells, knobs, random)
    x, z = (int(random.integers(size * 2 // 5, size - size * 2 // 5)) for size in knobs.size[:2])
    heading = int(random.integers(4))
    taken = {(x, z)}
    for _ in range(knobs.trees):
        column = _far_column(knobs, (x, z), knobs.min_distance, taken, random)
        _tree(cells, column, int(ground[column]), random)
    start = x, z, int(ground[x, z]) + 1, heading
    return start, _animals(cells, ground, task, knobs, start, taken, random)


def _hills(knobs: Knobs, random: Random) -> Array:
    """Heights of the ground, [X, Z]: neighbours differ by one at most."""
    corners = random.random((knobs.size[0] // 8 + 2, knobs.size[1] // 8 + 2)) * 3
    along, across = np.arange(knobs.size[0]) / 8, np.arange(knobs.size[1]) / 8
    i, j = along.astype(np.int64), across.astype(np.int64)
    u, v = (along - i)[:, None], across - j
    near = corners[np.ix_(i, j)] * (1 - v) + corners[np.ix_(i, j + 1)] * v
    far = corners[np.ix_(i + 1, j)] * (1 - v) + corners[np.ix_(i + 1, j + 1)] * v
    heights: Array = SEA + np.floor(near * (1 - u) + far * u).astype(np.int64)
    return heights


def _ores(cells: Array, knobs: Knobs, random: Random) -> None:
    _pools(cells, knobs.pools, DEPTHS[LAVA], random)
    _tunnels(cells, knobs.tunnels, 16, random)
    for ore, count in ((COAL_ORE, knobs.coal), (IRON_ORE, knobs.iron), (DIAMOND_ORE, knobs.clusters)):
        for _ in range(count):
            x, z = (int(random.integers(1, size - 3)) for size in knobs.size[:2])
            _cluster(cells, ore, (x, z, int(random.integers(1, DEPTHS[ore]))), int(random.integers(2, 6)), random)


def _far_column(knobs: Knobs, start: Column, distance: int, taken: set[Column], random: Random) -> Column:
    """A free column at least so far from the start (as the crow flies), apart from what is there already."""
    for _ in range(TRIES):
        x, z = (int(random.integers(3, size - 3)) for size in knobs.size[:2])
        clear = all(max(abs(x - a), abs(z - b)) > 2 for a, b in taken)
        if clear and (x - start[0]) ** 2 + (z - start[1]) ** 2 >= distance**2:
            taken.add((x, z))
            return x, z
    raise UserError(f"no place {distance} cells from the start in a world of {knobs.size}; lower min_distance")


def _tree(cells: Array, column: Column, ground: int, random: Random) -> None:
    """A trunk of 4 or 5 logs with leaves around its top."""
    x, z = column
    tall = int(random.integers(4, 6))
    crown = cells[x - 1 : x + 2, z - 1 : z + 2, ground + tall - 1 : ground + tall + 1]
    crown[crown == AIR] = LEAVES
    cells[x, z, ground + tall + 1] = LEAVES
    cells[x, z, ground + 1 : ground + tall + 1] = LOG


def _animals(
    cells: Array,
    ground: Array,
    task: VoxelTask,
    knobs: Knobs,
    start: tuple[int, int, int, int],
    taken: set[Column],
    random: Random,
) -> Array:
    """Herds of the target's species and others, standing on the ground."""
    animals = np.zeros((MAX_ANIMALS, 5), dtype=np.int64)
    if task.target < ANIMAL:
        return animals
    own = task.target - ANIMAL
    places: list[tuple[Column, int]] = []
    for _ in range(knobs.herds):
        x, z = _far_column(knobs, start[:2], knobs.min_distance + 2, taken, random)
        spots = [(x, z), (x + 1, z), (x, z + 1), (x - 1, z), (x, z - 1), (x + 1, z + 1)]
        places += [(spot, own) for spot in spots[: knobs.herd_size]]
    others = random.permutation([kind for kind in range(1, len(SPECIES)) if kind != own])
    for number in range(knobs.distractors):
        places.append((_far_column(knobs, start[:2], 6, taken, random), int(others[number % len(others)])))
    for row, ((x, z), species) in enumerate(places):
        y = int(ground[x, z]) + 1
        animals[row] = x, z, y, species, knobs.animal_health
        cells[x, z, y] = ANIMAL + species
    return animals
