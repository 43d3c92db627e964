"""Which cells each ray passes, and which cells lie around the agent: tables that the kernels read.

Directions are rounded to integers and crossings compared as fractions, so the tables are the same on every machine.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.voxel.kernel import east, south
from autoreward.envs.voxel.tables import AIR, IDS, LAVA, LAVA_FLOW, VIEW_RANGE, WATER
from autoreward.envs.voxel.view import MOST_ITEMS, S_INVERSE, S_LOG, S_MARK, S_SOLID, S_STEP, SCALES

Array = NDArray[Any]
Cell = tuple[int, int, int]
"""Forward, right, up."""

YAW_STEP, ROWS = 11.25, (30, 15, 0, -15, -30)
"""Degrees between columns of rays (left to right), and the rows' elevations, top to bottom."""


@dataclass(frozen=True)
class Box:
    """Cells around the agent's feet, its own included: how far back, ahead, to each side, down and up."""

    back: int
    ahead: int
    side: int
    down: int
    up: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Cells forward, right, up."""
        return self.back + self.ahead + 1, 2 * self.side + 1, self.down + self.up + 1

    @property
    def size(self) -> int:
        """How many cells."""
        return math.prod(self.shape)

    def array(self) -> Array:
        """int64 [5], as the kernels read it."""
        return np.array([self.back, self.ahead, self.side, self.down, self.up], dtype=np.int64)


NEAR = Box(back=1, ahead=2, side=1, down=1, up=2)
"""What the policy sees around itself."""
WIDE = Box(back=2, ahead=6, side=4, down=3, up=3)
"""What only rewards see."""


def direction(column: int, row: int, pitch: int) -> Cell:
    """Of a ray: forward, right, up, in ten-thousandths."""
    yaw, elevation = math.radians((column - 4) * YAW_STEP), math.radians(ROWS[row] + 45 * pitch)
    flat = math.cos(elevation)
    forward, right, up = flat * math.cos(yaw), flat * math.sin(yaw), math.sin(elevation)
    return round(forward * 10_000), round(right * 10_000), round(up * 10_000)


def path(towards: Cell) -> list[Cell]:
    """Cells that a ray from the middle of a cell passes, its own left out, up to `VIEW_RANGE` on any axis.

    Where it passes exactly through an edge it goes on to the cell across.
    """
    crossings = sorted(
        (Fraction(2 * number + 1, 2 * abs(part)), axis, 1 if part > 0 else -1)
        for axis, part in enumerate(towards)
        if part
        for number in range(VIEW_RANGE)
    )
    cell, cells = [0, 0, 0], []
    for _, group in itertools.groupby(crossings, key=lambda crossing: crossing[0]):
        for _, axis, sign in group:
            cell[axis] += sign
        cells.append((cell[0], cell[1], cell[2]))
        if max(map(abs, cell)) == VIEW_RANGE:
            break
    return cells


@dataclass(frozen=True)
class Rays:
    """The paths of all rays as arrays."""

    cells: Array
    """int64 [3 pitches, 45, L, 3]: forward, right, up; zeros after a path's end."""
    steps: Array
    """int64 [3, 45]: cells on each path."""
    ranges: Array
    """uint8 [3, 45, L]: how far each cell is on the axis where it is farthest."""

    def paths(self, stride_x: int, stride_z: int) -> Array:
        """int32 [4 headings x 3 pitches, 45, L]: what to add to a cell's number."""
        ways = []
        for heading in range(4):
            side = (heading + 1) % 4
            forward, right, up = (self.cells[..., axis] for axis in range(3))
            x = forward * east(heading) + right * east(side)
            z = forward * south(heading) + right * south(side)
            ways.append(x * stride_x + z * stride_z + up)
        return np.concatenate(ways).astype(np.int32)


@functools.cache
def rays() -> Rays:
    """Of every pitch: down, level, up."""
    ways = [[path(direction(column, row, pitch)) for row in range(5) for column in range(9)] for pitch in (-1, 0, 1)]
    longest = max(len(way) for pitch in ways for way in pitch)
    cells = np.zeros((3, 45, longest, 3), dtype=np.int64)
    steps = np.zeros((3, 45), dtype=np.int64)
    for pitch, ray in itertools.product(range(3), range(45)):
        way = ways[pitch][ray]
        cells[pitch, ray, : len(way)], steps[pitch, ray] = way, len(way)
    return Rays(cells, steps, np.abs(cells).max(axis=-1).astype(np.uint8))


def scales(limit: int, target: int) -> Array:
    """float32 [SCALES]: the tables of numbers from which the policy's input is made, for a task's limit and target."""
    table = np.zeros(SCALES, dtype=np.float32)
    table[S_INVERSE + 1 : S_INVERSE + VIEW_RANGE + 1] = [1 / distance for distance in range(1, VIEW_RANGE + 1)]
    table[S_LOG : S_LOG + MOST_ITEMS + 1] = [round(math.log1p(count), 6) for count in range(MOST_ITEMS + 1)]
    table[S_SOLID : S_SOLID + IDS] = 1
    table[[S_SOLID + block for block in (AIR, WATER, LAVA, LAVA_FLOW)]] = 0
    table[S_MARK + LAVA] = table[S_MARK + LAVA_FLOW] = -1
    table[S_MARK + target] = 1
    table[S_STEP] = 1 / limit
    return table
