"""Pictures of a voxel world: what the agent sees, and beside it a map from above.

The map shows the ground from above under an open sky, and a slice at the height of the agent's feet under a roof: lava
red, the task's target cyan (small where it lies higher or lower), columns that were visited in this episode yellow, the
agent as an arrow with the edges of its view. North is up.
"""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from autoreward.envs.voxel import render_kernel
from autoreward.envs.voxel.columns import *
from autoreward.envs.voxel.compiled import cache_folder, compiled, kept_in
from autoreward.envs.voxel.kernel import east, south
from autoreward.envs.voxel.render_colours import BEASTS, bodies, plains, skins
from autoreward.envs.voxel.tables import *
from autoreward.envs.voxel.tasks import Knobs

Array = NDArray[Any]
Frame = NDArray[np.uint8]

WIDTH, HEIGHT = 320, 180
"""Pixels of the first-person view: 90 degrees wide, as the policy's rays."""
CELL, ACROSS = 3, 60
"""Pixels of a cell on the map, and cells that it shows each way."""
GAP = 4
EYE = 1.62
"""Above the feet, in cells."""
LAVA_RED, TARGET_CYAN, TRAIL, GROUND = (238, 44, 20), (0, 244, 244), (255, 222, 110), (24, 26, 32)

OPEN = (196.0, 216.0, 238.0, 1 / 38.0, 1.0, 1.0, 0.0)
ROOFED = (10.0, 9.0, 12.0, 1 / 34.0, 1.28, 0.0, 1 / 12.0)
"""`mood` of the kernel under an open sky, and under a roof: nothing is dark there that is near."""


@functools.cache
def kernels() -> SimpleNamespace:
    """`cast` and `glow`, compiled, and kept as the steps' kernels are."""
    with kept_in(cache_folder()):
        return compiled((render_kernel,), numba.njit(cache=True, nogil=True, error_model="numpy"))


class Painter:
    """Draws worlds of a size.

    Args:
        knobs: of the task.
        target: the task's target, a block or `ANIMAL` + species.
    """

    def __init__(self, knobs: Knobs, target: int) -> None:
        self._size = np.array([knobs.size[0], knobs.size[1], knobs.size[2]], dtype=np.int64)
        self._underground, self._target = knobs.terrain == "underground", target
        cells = int(np.prod(self._size))
        self._light, self._queue = np.zeros(cells, dtype=np.uint8), np.zeros(cells, dtype=np.int32)
        self._colours = _map_colours(target)

    def picture(self, cells: Array, agent: Array, inventory: Array, visited: Array) -> Frame:
        """Both panels side by side, [180, 504, 3].

        Args:
            cells: uint8 [X * Z * Y].
            agent: int64 [COLUMNS].
            inventory: int64 [16].
            visited: uint8 [X * Z].
        """
        both = np.full((HEIGHT, WIDTH + GAP + ACROSS * CELL, 3), GROUND, dtype=np.uint8)
        both[:, :WIDTH] = _with_hud(self.view(cells, agent), agent, inventory)
        both[:, WIDTH + GAP :] = self.map(cells, agent, visited)
        return both

    def view(self, cells: Array, agent: Array, width: int = WIDTH, height: int = HEIGHT) -> Frame:
        """What the agent sees, [height, width, 3]."""
        frame = np.empty((height, width, 3), dtype=np.uint8)
        eye = np.array([agent[X] + 0.5, agent[Z] + 0.5, agent[Y] + EYE])
        mood = np.array(ROOFED if self._roofed(cells, agent) else OPEN)
        functions = kernels()
        functions.glow(self._light, self._queue, cells, self._size)
        functions.cast(frame, cells, self._size, eye, _basis(agent), self._light, skins(), plains(), bodies(), mood)
        return frame

    def map(self, cells: Array, agent: Array, visited: Array) -> Frame:
        """The world from above, [180, 180, 3]."""
        world, trail = cells.reshape(self._size), visited.reshape(self._size[:2]).astype(bool)
        if self._roofed(cells, agent):
            shown, colours = self._slice(world, int(agent[Y]))
        else:
            shown, colours = self._from_above(world)
        colours[trail] = 0.45 * colours[trail] + 0.55 * np.array(TRAIL)
        colours[np.isin(shown, (LAVA, LAVA_FLOW))] = LAVA_RED
        colours[shown == self._target] = TARGET_CYAN
        elsewhere = (world == self._target).any(axis=2) & (shown != self._target)
        left, top = (int(np.clip(at - ACROSS // 2, 0, max(size - ACROSS, 0))) for at, size in self._place(agent))
        window = (slice(left, left + ACROSS), slice(top, top + ACROSS))
        drawn = _enlarged(colours[window], elsewhere[window])
        return _with_arrow(drawn, agent, left, top)

    def _place(self, agent: Array) -> list[tuple[int, int]]:
        return [(int(agent[X]), int(self._size[0])), (int(agent[Z]), int(self._size[1]))]

    def _roofed(self, cells: Array, agent: Array) -> bool:
        """Whether there is earth overhead; trees and the lid of the world are none."""
        if self._underground:
            return True
        column = cells.reshape(self._size)[agent[X], agent[Z], agent[Y] + 2 : -1]
        return bool((~np.isin(column, (AIR, LOG, LEAVES)) & (column < ANIMAL)).any())

    def _slice(self, world: Array, feet: int) -> tuple[Array, Array]:
        """What is at the height of the feet, [X, Z], and its colours [X, Z, 3]; of air, the ground below it."""
        shown = world[:, :, feet]
        colours = self._colours[shown]
        free = shown == AIR
        below = self._colours[world[:, :, feet - 1]]
        colours[free] = 0.3 * below[free] + 6
        return shown, colours

    def _from_above(self, world: Array) -> tuple[Array, Array]:
        """The highest blocks, [X, Z], and their colours [X, Z, 3], lighter where they face north-west."""
        filled = world[:, :, :-1] != AIR
        height = filled.shape[2] - 1 - filled[:, :, ::-1].argmax(axis=2)
        shown = np.take_along_axis(world, height[:, :, None], axis=2)[:, :, 0]
        slope = np.sign(height - np.roll(height, 1, axis=1)) + np.sign(height - np.roll(height, 1, axis=0))
        relief = 0.09 * slope + 0.03 * (height - np.median(height)).clip(-3, 6)
        colours = self._colours[shown] * (1.0 + relief)[..., None]
        colours[[0, -1]] = colours[:, [0, -1]] = self._colours[BEDROCK]
        return shown, colours.clip(0, 255)


@functools.cache
def _map_colours(target: int) -> Array:
    """float64 [64, 3]."""
    colours = plains()[:, render_kernel.TOP].astype(np.float64)
    colours[LOG] = 92, 70, 42
    for species, colour in BEASTS.items():
        colours[ANIMAL + species] = colour
    colours[target] = TARGET_CYAN
    return colours


def _basis(agent: Array) -> Array:
    """Forward, right and up of the view, each (x, z, y), [3, 3]."""
    heading, pitch = int(agent[HEADING]), int(agent[PITCH]) * np.pi / 4
    ahead = np.array([east(heading), south(heading), 0.0])
    right = np.array([east((heading + 1) % 4), south((heading + 1) % 4), 0.0])
    up = np.array([0.0, 0.0, 1.0])
    return np.stack([np.cos(pitch) * ahead + np.sin(pitch) * up, right, np.cos(pitch) * up - np.sin(pitch) * ahead])


def _enlarged(colours: Array, marks: Array) -> Frame:
    """A map [X, Z, 3] as a picture with north up, and a small mark in the cells [X, Z] that are to have one."""
    room = np.zeros((ACROSS, ACROSS, 3))
    room[: colours.shape[0], : colours.shape[1]] = colours
    picture = room.swapaxes(0, 1).repeat(CELL, axis=0).repeat(CELL, axis=1).astype(np.uint8)
    for x, z in np.argwhere(marks):
        picture[z * CELL : z * CELL + 2, x * CELL : x * CELL + 2] = TARGET_CYAN
    return picture


def _with_arrow(picture: Frame, agent: Array, left: int, top: int) -> Frame:
    """The agent on the map, with the edges of what it sees."""
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    x, z = (int(agent[X]) - left + 0.5) * CELL, (int(agent[Z]) - top + 0.5) * CELL
    heading = int(agent[HEADING])
    ahead, right = (east(heading), south(heading)), (east((heading + 1) % 4), south((heading + 1) % 4))

    def at(forward: float, side: float) -> tuple[float, float]:
        return x + forward * ahead[0] + side * right[0], z + forward * ahead[1] + side * right[1]

    for side in (-1, 1):
        pen.line([at(6, side * 6), at(24, side * 24)], fill=(255, 255, 255), width=1)
    pen.polygon([at(7, 0), at(-5, -5), at(-2, 0), at(-5, 5)], fill=(255, 255, 255), outline=(0, 0, 0))
    return np.asarray(image)


def _with_hud(frame: Frame, agent: Array, inventory: Array) -> Frame:
    """The view with a cross in its middle, health, what is carried, and a red rim where the step hurt."""
    image = Image.fromarray(frame)
    pen = ImageDraw.Draw(image, "RGBA")
    middle, centre = WIDTH // 2, HEIGHT // 2
    if agent[IN_LAVA]:
        pen.rectangle((0, 0, WIDTH, HEIGHT), fill=(255, 96, 0, 90))
    for colour, thick in (((0, 0, 0, 130), 1), ((255, 255, 255, 230), 0)):
        pen.rectangle((middle - 4 - thick, centre - thick, middle + 4 + thick, centre + thick), fill=colour)
        pen.rectangle((middle - thick, centre - 4 - thick, middle + thick, centre + 4 + thick), fill=colour)
    pen.rectangle((0, 0, WIDTH, 15), fill=(12, 13, 16, 190))  # above: what lies at the feet matters more
    pen.rectangle((6, 5, 6 + 3 * FULL_HEALTH, 11), fill=(74, 22, 24, 255))
    pen.rectangle((6, 5, 6 + 3 * max(int(agent[HEALTH]), 0), 11), fill=(230, 52, 52, 255))
    text = "dead" if agent[DIED] else _carried(inventory)
    pen.text((76, 1), text, font=_font(11), fill=(238, 240, 244, 255))
    if agent[DAMAGE] > 0 or agent[DIED]:
        for rim in range(6):
            pen.rectangle((rim, rim, WIDTH - 1 - rim, HEIGHT - 1 - rim), outline=(255, 20, 20, 220 - 34 * rim))
    return np.asarray(image)


def _carried(inventory: Array) -> str:
    """What is in the inventory, in few words: tools and diamonds first, since there is not room for everything."""
    names = [(ITEMS[item].replace("_", " "), int(inventory[item])) for item in reversed(range(16)) if inventory[item]]
    return "   ".join(name if count == 1 else f"{name} {count}" for name, count in names)


@functools.cache
def _font(size: int) -> Any:  # noqa: ANN401 - PIL gives one kind or another
    return ImageFont.load_default(size=size)
