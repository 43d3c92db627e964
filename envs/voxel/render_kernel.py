"""One first-person picture, as scalar functions that numba compiles: a ray a pixel, from cell to cell.

Arguments, the same everywhere: `cells` uint8 [X * Z * Y] of one world (Y fastest), `size` int64 [3] (X, Z, Y), `eye`
float64 [3] (x, z, y, in cells), `light` uint8 [X * Z * Y] (what lava throws on air, 0..`GLOW`), `skin` float32
[64, 3, 8, 8, 3] (id, face, row, column, colour) and `plain` float32 [64, 3, 3] (its means), `bodies` float64
[64, B, 9] (x, z, y from and to in the animal's cell, colour), `mood` float64 [8]: colour of the fog, how fast it
closes, how bright it is without lava, whether there is a sky, and how fast light falls off.
"""

from __future__ import annotations

from typing import Any

from autoreward.envs.voxel.tables import AIR, ANIMAL, BEDROCK, LAVA, LAVA_FLOW

Array = Any

TEXELS = 8
"""Each way, of a block's face."""
GLOW = 5
"""Cells that the light of lava reaches."""
FAR = 64.0
"""Cells that are looked through."""
NOTHING = -1
TOP, SIDE, BOTTOM = range(3)


def glow(light: Array, queue: Array, cells: Array, size: Array) -> None:
    """Spread the light of lava through air, into `light`; `queue` int32 [X * Z * Y] is room to work in."""
    height, row = size[2], size[1] * size[2]
    filled = 0
    for cell in range(cells.shape[0]):
        light[cell] = 0
        if cells[cell] in (LAVA, LAVA_FLOW):
            light[cell] = GLOW + 1
            queue[filled] = cell
            filled += 1
    first = 0
    while first < filled:
        cell, left = queue[first], light[queue[first]] - 1
        first += 1
        for way in range(6):
            stride = row if way < 2 else height if way < 4 else 1
            other = cell + stride if way % 2 == 0 else cell - stride
            # The outer shell is solid, so no air lies beside the array's ends.
            if left > 0 and 0 <= other < cells.shape[0] and cells[other] == AIR and light[other] == 0:
                light[other] = left
                queue[filled] = other
                filled += 1


def cast(
    out: Array,
    cells: Array,
    size: Array,
    eye: Array,
    basis: Array,
    light: Array,
    skin: Array,
    plain: Array,
    bodies: Array,
    mood: Array,
) -> None:
    """Draw into `out`, uint8 [H, W, 3]. `basis` float64 [3, 3]: forward, right and up, as (x, z, y), of length 1."""
    height, width = out.shape[0], out.shape[1]
    for row in range(height):
        up = (height - 1 - 2 * row) / width
        for column in range(width):
            right = (2 * column + 1 - width) / width
            x = basis[0, 0] + right * basis[1, 0] + up * basis[2, 0]
            z = basis[0, 1] + right * basis[1, 1] + up * basis[2, 1]
            y = basis[0, 2] + right * basis[1, 2] + up * basis[2, 2]
            long = (1.0 + right * right + up * up) ** 0.5
            pixel(out, row, column, x / long, z / long, y / long, cells, size, eye, light, skin, plain, bodies, mood)


def pixel(
    out: Array,
    row: int,
    column: int,
    x: float,
    z: float,
    y: float,
    cells: Array,
    size: Array,
    eye: Array,
    light: Array,
    skin: Array,
    plain: Array,
    bodies: Array,
    mood: Array,
) -> None:
    """The colour of one pixel, whose ray goes in direction x, z, y (of length 1)."""
    cell, axis, away, box = march(x, z, y, cells, size, eye, bodies, mood)
    if cell == NOTHING:
        for channel in range(3):
            out[row, column, channel] = sky(channel, y, mood)
        return
    block = cells[cell]
    at_x, at_z, at_y = eye[0] + x * away, eye[1] + z * away, eye[2] + y * away
    falling = y if axis == 2 else z if axis == 1 else x
    face = SIDE if axis < 2 else BOTTOM if falling > 0 else TOP
    u = at_z if axis == 0 else at_x
    v = at_z if axis == 2 else at_y
    u, v = u - int(u), v - int(v)
    bright = (0.8, 0.66, 0.5 if falling > 0 else 1.0)[axis]
    warm, fog = 0.0, 1.0 - 1.0 / (1.0 + (away * mood[3]) ** 2)
    if block in (LAVA, LAVA_FLOW):
        bright, fog = 1.0, 0.35 * fog
    else:
        if box == NOTHING:
            shade, warm = surroundings(cell, axis, falling, u, v, cells, size, light)
            bright *= shade * edge(u, v, away)
        bright *= mood[4] * (1.0 - 0.10 * patch(cell)) / (1.0 + (away * mood[6]) ** 2)
    if mood[5] != 0.0 and block == BEDROCK and axis < 2:  # the world's end is a haze rather than a wall
        fog = max(fog, 0.72)
    blur = min(max((away - 5.0) / 9.0, 0.0), 1.0)  # texels far off would only flicker
    line, place = TEXELS - 1 - int(v * TEXELS), int(u * TEXELS)
    for channel in range(3):
        if box != NOTHING:
            base = bodies[block, box, 6 + channel]
        else:
            base = (1.0 - blur) * skin[block, face, line, place, channel] + blur * plain[block, face, channel]
        lit = base * (bright + warm * (0.75, 0.36, 0.10)[channel])
        lit = lit * (1.0 - fog) + mood[channel] * fog
        out[row, column, channel] = min(max(lit, 0.0), 255.0)


def sky(channel: int, y: float, mood: Array) -> float:
    """The colour of what is not met: the fog's at the horizon, a deeper blue above."""
    if mood[5] == 0.0:
        return float(mood[channel])
    high = min(max(y * 1.6, 0.0), 1.0)
    return float(mood[channel] * (1.0 - high) + (84.0, 140.0, 230.0)[channel] * high)


def patch(cell: int) -> float:
    """A number from 0 to 1 that differs from cell to cell."""
    mixed = (cell * 0x45D9F3B) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF
    return (mixed >> 20 & 255) / 255.0


def edge(u: float, v: float, away: float) -> float:
    """A faint line around each block near by, so that cells can be counted."""
    inner = min(min(u, 1.0 - u), min(v, 1.0 - v))
    width = 0.018
    if inner >= width or away > 8.0:
        return 1.0
    return 0.80 + 0.2 * away / 8.0


def surroundings(
    cell: int, axis: int, falling: float, u: float, v: float, cells: Array, size: Array, light: Array
) -> tuple[float, float]:
    """How much the neighbours darken a point u, v of a face, and how much lava lights it; smooth across faces."""
    height, row = size[2], size[1] * size[2]
    strides = (row, height, 1)
    front = cell - strides[axis] if falling > 0 else cell + strides[axis]
    across = strides[1] if axis == 0 else strides[0]
    along = strides[1] if axis == 2 else strides[2]
    side = front + across if u > 0.5 else front - across
    other = front + along if v > 0.5 else front - along
    corner = side + other - front
    if min(min(side, other), min(corner, front)) < 0 or max(max(side, other), max(corner, front)) >= cells.shape[0]:
        return 1.0, 0.0
    du, dv = abs(u - 0.5), abs(v - 0.5)
    near_u, near_v = max(du - 0.15, 0.0) / 0.35, max(dv - 0.15, 0.0) / 0.35
    dark_u, dark_v = near_u * opaque(cells[side]), near_v * opaque(cells[other])
    dark = 1.0 - (1.0 - dark_u) * (1.0 - dark_v) * (1.0 - near_u * near_v * opaque(cells[corner]))
    own = float(light[front])
    lit = (1.0 - du) * (1.0 - dv) * own
    lit += du * (1.0 - dv) * (own if opaque(cells[side]) else light[side])
    lit += (1.0 - du) * dv * (own if opaque(cells[other]) else light[other])
    lit += du * dv * (own if opaque(cells[corner]) else light[corner])
    return 1.0 - 0.42 * dark, (lit / (GLOW + 1)) ** 1.5


def opaque(block: int) -> int:
    """1 for what throws a shadow into a corner."""
    return 0 if block in (AIR, LAVA, LAVA_FLOW) or block >= ANIMAL else 1


def march(
    x: float, z: float, y: float, cells: Array, size: Array, eye: Array, bodies: Array, mood: Array
) -> tuple[int, int, float, int]:
    """What a ray meets first: its cell (or `NOTHING`), the axis of the face, how far, and which box of an animal's."""
    at_x, at_z, at_y = int(eye[0]), int(eye[1]), int(eye[2])
    every_x, every_z, every_y = 1.0 / max(abs(x), 1e-9), 1.0 / max(abs(z), 1e-9), 1.0 / max(abs(y), 1e-9)
    next_x = (at_x + 1 - eye[0] if x > 0 else eye[0] - at_x) * every_x
    next_z = (at_z + 1 - eye[1] if z > 0 else eye[1] - at_z) * every_z
    next_y = (at_y + 1 - eye[2] if y > 0 else eye[2] - at_y) * every_y
    away, axis = 0.0, 0
    while away < FAR:
        if next_x <= next_z and next_x <= next_y:
            away, axis = next_x, 0
            at_x += 1 if x > 0 else -1
            next_x += every_x
        elif next_z <= next_y:
            away, axis = next_z, 1
            at_z += 1 if z > 0 else -1
            next_z += every_z
        else:
            away, axis = next_y, 2
            at_y += 1 if y > 0 else -1
            next_y += every_y
        outside = not (0 <= at_x < size[0] and 0 <= at_z < size[1] and 0 <= at_y < size[2])
        if outside or (mood[5] != 0.0 and at_y == size[2] - 1):  # the lid of an open world is its sky
            return NOTHING, 0, 0.0, NOTHING
        cell = (at_x * size[1] + at_z) * size[2] + at_y
        block = cells[cell]
        if block >= ANIMAL:
            box, axis_met, met = meet(x, z, y, eye[0] - at_x, eye[1] - at_z, eye[2] - at_y, bodies, block)
            if box != NOTHING:
                return cell, axis_met, met, box
        elif block != AIR:
            return cell, axis, away, NOTHING
    return NOTHING, 0, 0.0, NOTHING


def meet(
    x: float, z: float, y: float, from_x: float, from_z: float, from_y: float, bodies: Array, block: int
) -> tuple[int, int, float]:
    """Which box of an animal a ray meets first (or `NOTHING`), on which axis, and how far away."""
    found, axis, best = NOTHING, 0, 1e9
    for box in range(bodies.shape[1]):
        enter, leave, side = 0.0, 1e9, 0
        for way in range(3):
            speed, start = ((x, from_x), (z, from_z), (y, from_y))[way]
            each = 1.0 / (speed if abs(speed) > 1e-9 else 1e-9)
            one, two = (bodies[block, box, way] - start) * each, (bodies[block, box, way + 3] - start) * each
            if min(one, two) > enter:
                enter, side = min(one, two), way
            leave = min(leave, max(one, two))
        if 0.0 < enter < leave and enter < best:
            found, axis, best = box, side, enter
    return found, axis, best
