"""How blocks and animals look: textures of 8 x 8 texels and boxes, made from a few colours and patterns."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.voxel.render_kernel import BOTTOM, SIDE, TEXELS, TOP
from autoreward.envs.voxel.tables import *

Array = NDArray[Any]
Colour = tuple[int, int, int]

BASE: dict[int, tuple[Colour, float]] = {
    AIR: ((0, 0, 0), 0.0),
    STONE: ((128, 128, 132), 0.11),
    DIRT: ((136, 98, 68), 0.10),
    GRASS: ((98, 168, 58), 0.09),
    LOG: ((112, 84, 50), 0.06),
    LEAVES: ((58, 122, 44), 0.22),
    COAL_ORE: ((128, 128, 132), 0.11),
    IRON_ORE: ((128, 128, 132), 0.11),
    DIAMOND_ORE: ((128, 128, 132), 0.11),
    LAVA: ((255, 92, 14), 0.0),
    BEDROCK: ((58, 56, 64), 0.30),
    COBBLESTONE: ((118, 116, 114), 0.08),
    TABLE: ((164, 118, 66), 0.06),
    FURNACE: ((102, 102, 106), 0.06),
    WATER: ((52, 96, 214), 0.06),
    LAVA_FLOW: ((255, 132, 28), 0.0),
}
"""Of each block: its colour, and by what share of it texels differ."""

BLOBS = ("........", ".##...#.", ".###..##", "..#.....", ".....##.", ".#..####", ".##..##.", "........")
MORTAR = ("..#..#..", "..#..###", "###..#..", "..####..", "..#..#..", "#.#..###", "###..#..", "..####..")
FLAMES = (".....##.", "##..####", "###...##", "........", "..##....", ".####..#", "..##..##", "#.......")
MOUTH = ("........", "........", ".######.", "........", ".######.", ".######.", ".######.", "........")
BARK = ("#..#...#", "#..#.#.#", "#....#..", "#..#.#.#", "...#...#", "#..#...#", "#..#.#..", "#....#.#")
PLANKS = ("########", "#......#", "#......#", "#......#", "#......#", "#......#", "#......#", "########")
RINGS = ("########", "#......#", "#.####.#", "#.#..#.#", "#.#..#.#", "#.####.#", "#......#", "########")
TURF = ("########", "#.##.###") + ("........",) * 6

Pattern = tuple[tuple[str, ...], Colour]

_OWN: dict[tuple[int, int], Pattern] = {
    (GRASS, SIDE): (TURF, (98, 168, 58)),
    (LOG, SIDE): (BARK, (84, 60, 34)),
    (LOG, TOP): (RINGS, (176, 140, 86)),
    (LOG, BOTTOM): (RINGS, (176, 140, 86)),
    (FURNACE, SIDE): (MOUTH, (34, 32, 34)),
    (TABLE, TOP): (PLANKS, (104, 68, 34)),
    (TABLE, SIDE): (PLANKS, (120, 80, 42)),
}
_ALL_ROUND: dict[tuple[int, int], Pattern] = {
    (block, face): (pattern, colour)
    for face in range(3)
    for block, pattern, colour in (
        (COAL_ORE, BLOBS, (30, 30, 34)),
        (IRON_ORE, BLOBS, (226, 178, 142)),
        (DIAMOND_ORE, BLOBS, (70, 240, 240)),
        (COBBLESTONE, MORTAR, (84, 82, 82)),
        (LAVA, FLAMES, (255, 206, 60)),
        (LAVA_FLOW, FLAMES, (255, 224, 96)),
    )
}
PATTERNS = _OWN | _ALL_ROUND
"""What is painted over a block's face."""

BEASTS: dict[int, Colour] = {
    COW: (106, 66, 42),
    PIG: (244, 160, 166),
    SHEEP: (238, 238, 232),
    CHICKEN: (250, 214, 84),
}
"""Each species on a map, and most of its body."""


class Shape(NamedTuple):
    """An animal of boxes that fits into a cell."""

    head: Colour
    snout: Colour
    patch: Colour
    legs: Colour
    half: float
    """Half of its width."""


SHAPES = {
    COW: Shape((92, 56, 36), (226, 210, 196), (240, 236, 228), (70, 44, 30), 0.28),
    PIG: Shape((244, 160, 166), (222, 112, 124), (238, 148, 156), (222, 132, 140), 0.28),
    SHEEP: Shape((196, 168, 140), (160, 132, 108), (246, 246, 242), (176, 150, 124), 0.32),
    CHICKEN: Shape((252, 252, 248), (240, 130, 30), (252, 252, 248), (236, 160, 40), 0.2),
}
BOXES = 8
"""Of an animal."""


@functools.cache
def skins() -> Array:
    """Textures of all ids, float32 [64, 3 faces, 8 rows from the top, 8 columns, 3]."""
    skin = np.zeros((IDS, 3, TEXELS, TEXELS, 3), dtype=np.float32)
    for block, (colour, rough) in BASE.items():
        for face in range(3):
            own = (136, 98, 68) if block == GRASS and face != TOP else colour
            noise = 1.0 + rough * (_grain(block * 3 + face) - 0.5)[..., None]
            painted = np.full((TEXELS, TEXELS, 3), own, dtype=np.float64)
            if (block, face) in PATTERNS:
                pattern, over = PATTERNS[block, face]
                painted[np.array([list(line) for line in pattern]) == "#"] = over
            skin[block, face] = np.clip(painted * noise, 0, 255)
    return skin


@functools.cache
def plains() -> Array:
    """The mean colours of the textures, float32 [64, 3, 3]. Ore stays told from stone far away."""
    means: Array = skins().mean(axis=(2, 3))
    for ore in (COAL_ORE, IRON_ORE, DIAMOND_ORE):
        means[ore] = 0.4 * means[ore] + 0.6 * np.array(PATTERNS[ore, SIDE][1])
    return means


@functools.cache
def bodies() -> Array:
    """Boxes of the animals, float64 [64, 8, 9]: x, z, y from and to within the cell, colour."""
    boxes = np.zeros((IDS, BOXES, 9))
    boxes[:, :, :3] = 2.0  # from beyond to: never met
    boxes[:, :, 3:6] = -2.0
    for species, shape in SHAPES.items():
        boxes[ANIMAL + species] = _body(shape, BEASTS[species] if species != CHICKEN else (252, 252, 248))
    return boxes


def _body(shape: Shape, colour: Colour) -> Array:
    """Body, a patch on it, head, snout, and four legs; it looks east."""
    h, low, high = shape.half, 0.3, 0.3 + 2 * shape.half * 0.85
    thin = h * 0.36
    legs = [
        (x, z, 0.0, x + thin, z + thin, low, *shape.legs)
        for x in (0.5 - 1.3 * h, 0.5 + h - thin)
        for z in (0.5 - 0.9 * h, 0.5 + 0.9 * h - thin)
    ]
    top = min(high + 0.16, 0.98)
    head = (0.5 + 0.85 * h, 0.5 - 0.62 * h, high - 0.14, 0.5 + 1.6 * h, 0.5 + 0.62 * h, top, *shape.head)
    snout = (head[3], 0.5 - 0.34 * h, high - 0.1, head[3] + 0.05, 0.5 + 0.34 * h, high, *shape.snout)
    body = (0.5 - 1.4 * h, 0.5 - h, low, 0.5 + h, 0.5 + h, high, *colour)
    patch = (0.5 - 0.7 * h, 0.5 - h - 0.01, low + 0.12, 0.5 + 0.25 * h, 0.5 + h + 0.01, high + 0.01, *shape.patch)
    return np.array([body, patch, head, snout, *legs])


def _grain(key: int) -> Array:
    """Numbers from 0 to 1 that look random, [8, 8], the same on every machine."""
    mixed = (np.arange(TEXELS * TEXELS, dtype=np.uint64) + np.uint64(key * 131 + 7)) * np.uint64(0x45D9F3B)
    mixed = ((mixed ^ (mixed >> np.uint64(13))) * np.uint64(0x2C1B3C6D)) & np.uint64(0xFFFFFFFF)
    grain: Array = ((mixed >> np.uint64(16)) & np.uint64(255)).reshape(TEXELS, TEXELS) / 255.0
    return grain
