"""What one world's agent sees: rays, what is around it, and the policy's input. See `kernel.py` for the form.

Further arguments: `seen`, `far` uint8 [N, 45] and `hit` int32 [N, 45], written: what each ray meets, how many cells
away, and in which cell (-1: nothing). `paths` int32 [12, 45, L], `steps` int64 [3, 45], `ranges` uint8 [3, 45, L],
`box` int64 [5] (back, ahead, side, down, up), `scales` float32: see `geometry.py`.

Where time goes, indices are unsigned: numba then leaves out the check whether they count from the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autoreward.envs.voxel.columns import *
from autoreward.envs.voxel.kernel import aim, animal_cell, east, feet, in_lava, molten, solid, south, stride, tool_tier
from autoreward.envs.voxel.tables import *

Array = Any

RAYS = 45
YAWS = 9
CENTRE = 4
"""The column of rays that points straight ahead."""
PER_RAY = 7
"""Floats of a ray: one for each group, and 1 / distance."""
PER_CELL = 2
"""Floats of a cell near by: solid; +1 for the target, -1 for lava."""
SELF = 33
"""Floats of the agent itself: 3 gps, 4 compass, 10 self, 16 inventory."""
MOST_ITEMS = 64
"""Counts above it look alike to the policy."""
S_INVERSE, S_LOG, S_SOLID, S_MARK, S_STEP, SCALES = 0, 18, 83, 83 + IDS, 83 + 2 * IDS, 84 + 2 * IDS
"""Where in `scales` 1 / distance, log(1 + count), the two numbers of a cell by its id, and 1 / limit are."""


def look(
    i: int,
    cells: Array,
    agent: Array,
    seen: Array,
    far: Array,
    hit: Array,
    paths: Array,
    steps: Array,
    ranges: Array,
    rules: Array,
) -> None:
    """Follow the rays from the head to what they meet first; the ceiling counts as nothing. Y is a power of two."""
    eye, pitch = feet(i, agent, rules) + 1, agent[i, PITCH] + 1
    way, height, target_id = agent[i, HEADING] * 3 + pitch, rules[R_STRIDE_Z], rules[R_TARGET]
    target, ahead, lava = UNSEEN, UNSEEN, UNSEEN
    for ray in range(RAYS):
        block, distance, where = 0, UNSEEN, -1
        for step in range(steps[pitch, ray]):
            cell = eye + paths[way, ray, np.uint64(step)]
            if cells[i, np.uint64(cell)] != AIR:
                if cell & (height - 1) != height - 1:
                    block, distance, where = cells[i, cell], ranges[pitch, ray, step], cell
                break
        seen[i, ray], far[i, ray], hit[i, ray] = block, distance, where
        if block == target_id:
            target = min(target, distance)
            if ray % YAWS == CENTRE:
                ahead = min(ahead, distance)
        elif molten(block):
            lava = min(lava, distance)
    agent[i, TARGET_DIST], agent[i, TARGET_AHEAD], agent[i, LAVA_DIST] = target, ahead, lava


def touch(i: int, cells: Array, agent: Array, inventory: Array, rules: Array) -> None:
    """What is right around the agent."""
    here = feet(i, agent, rules)
    ahead = here + stride(agent[i, HEADING], rules)
    agent[i, FRONT_HEAD], agent[i, FRONT_FOOT] = cells[i, ahead + 1], cells[i, ahead]
    agent[i, FRONT_FLOOR] = cells[i, ahead - 1]
    agent[i, BELOW], agent[i, ABOVE] = cells[i, here - 1], cells[i, here + 2]
    agent[i, ON_GROUND] = 1 if solid(cells[i, here - 1]) else 0
    agent[i, IN_LAVA] = 1 if in_lava(i, cells, agent, rules) else 0
    agent[i, TIER] = tool_tier(i, inventory)
    meets = aim(i, cells, agent, rules)
    agent[i, AIMED] = cells[i, meets] if meets >= 0 else AIR


def judge(i: int, agent: Array, inventory: Array, rules: Array) -> None:
    """Whether the task is done. A dead agent has done nothing."""
    goal = rules[R_GOAL]
    if goal == GOAL_ITEM:
        done = inventory[i, I_DIAMOND] > 0
    elif goal == GOAL_AHEAD:
        done = agent[i, TARGET_AHEAD] <= REACHED
    elif goal == GOAL_VIEW:
        done = agent[i, TARGET_DIST] <= REACHED
    else:
        done = agent[i, KILLED] > 0 and agent[i, KILLED] == rules[R_TARGET] - ANIMAL
    agent[i, SUCCESS] = 1 if done and agent[i, HEALTH] > 0 else 0


def inside(x: int, z: int, rules: Array) -> bool:
    """Whether a column is in the world."""
    return bool(0 <= x < rules[R_SIZE_X] and 0 <= z < rules[R_SIZE_Z])


def near(i: int, out: Array, cells: Array, agent: Array, box: Array, rules: Array) -> None:
    """The ids of the cells of a box, up fastest, then right, then forward, into `out[i]`; bedrock outside the world."""
    heading, height, at = agent[i, HEADING], rules[R_STRIDE_Z], 0
    side = (heading + 1) % 4
    for forward in range(-box[0], box[1] + 1):
        for right in range(-box[2], box[2] + 1):
            x = agent[i, X] + forward * east(heading) + right * east(side)
            z = agent[i, Z] + forward * south(heading) + right * south(side)
            column = x * rules[R_STRIDE_X] + z * height
            within = inside(x, z, rules)
            for y in range(agent[i, Y] - box[3], agent[i, Y] + box[4] + 1):
                out[i, at] = cells[i, column + y] if within and 0 <= y < height else BEDROCK
                at += 1


def nearest_lava(i: int, out: Array, cells: Array, agent: Array, box: Array, rules: Array) -> None:
    """Cells (on the axis where it is farthest) to the nearest lava of a box, or `UNSEEN`, into `out[i]`."""
    heading, height, best = agent[i, HEADING], rules[R_STRIDE_Z], UNSEEN
    side = (heading + 1) % 4
    low, high = max(agent[i, Y] - box[3], 0), min(agent[i, Y] + box[4], height - 1)
    for forward in range(-box[0], box[1] + 1):
        for right in range(-box[2], box[2] + 1):
            x = agent[i, X] + forward * east(heading) + right * east(side)
            z = agent[i, Z] + forward * south(heading) + right * south(side)
            if inside(x, z, rules):
                column = x * rules[R_STRIDE_X] + z * height
                for y in range(low, high + 1):
                    if molten(cells[i, column + y]):
                        best = min(best, max(max(abs(forward), abs(right)), abs(y - agent[i, Y])))
    out[i] = best


def see_animals(i: int, out: Array, agent: Array, animals: Array, hit: Array, rules: Array) -> None:
    """Animals that a ray meets: forward, right, up, species; zeros for the others. Into `out[i]`, float32 [6, 4]."""
    heading = agent[i, HEADING]
    side = (heading + 1) % 4
    for k in range(MAX_ANIMALS):
        visible = False
        cell = animal_cell(i, k, animals, rules)
        for ray in range(RAYS):
            if animals[i, k, A_SPECIES] > 0 and hit[i, ray] == cell:
                visible = True
        for part in range(4):
            out[i, k, part] = 0
        if visible:
            dx, dz = animals[i, k, A_X] - agent[i, X], animals[i, k, A_Z] - agent[i, Z]
            out[i, k, 0] = dx * east(heading) + dz * south(heading)
            out[i, k, 1] = dx * east(side) + dz * south(side)
            out[i, k, 2] = animals[i, k, A_Y] - agent[i, Y]
            out[i, k, 3] = animals[i, k, A_SPECIES]


def encode_self(i: int, out: Array, at: int, agent: Array, inventory: Array, scales: Array) -> None:
    """Position, compass, body and inventory. Every number is one product or one entry of a table: exact everywhere."""
    out[i, at] = scales[S_INVERSE + 16] * (agent[i, X] - agent[i, START_X])
    out[i, at + 1] = scales[S_INVERSE + 16] * (agent[i, Z] - agent[i, START_Z])
    out[i, at + 2] = scales[S_INVERSE + 16] * (agent[i, Y] - agent[i, START_Y])
    out[i, at + 3 + agent[i, HEADING]] = 1
    out[i, at + 7] = scales[S_INVERSE + 16] * agent[i, HEALTH]
    out[i, at + 8 + agent[i, PITCH] + 1] = 1
    out[i, at + 11] = scales[S_INVERSE + 4] * agent[i, MINE_PROG]
    out[i, at + 12] = agent[i, ON_GROUND]
    out[i, at + 13] = agent[i, IN_LAVA]
    out[i, at + 14] = scales[S_INVERSE + 4] * agent[i, TIER]
    out[i, at + 15] = scales[S_STEP] * agent[i, T]
    out[i, at + 16] = scales[S_INVERSE + 4] * agent[i, FALL]
    for item in range(16):
        out[i, at + 17 + item] = scales[S_LOG + min(inventory[i, item], MOST_ITEMS)]


def encode_near(i: int, out: Array, cells: Array, agent: Array, box: Array, scales: Array, rules: Array) -> int:
    """The cells of a box, each as solid or not, and +1 for the target, -1 for lava; where in `out` it ends."""
    heading, height, at = agent[i, HEADING], rules[R_STRIDE_Z], RAYS * PER_RAY
    side = (heading + 1) % 4
    low, high = agent[i, Y] - box[3], agent[i, Y] + box[4] + 1
    for forward in range(-box[0], box[1] + 1):
        for right in range(-box[2], box[2] + 1):
            x = agent[i, X] + forward * east(heading) + right * east(side)
            z = agent[i, Z] + forward * south(heading) + right * south(side)
            column = x * rules[R_STRIDE_X] + z * height
            within = inside(x, z, rules)
            for y in range(low, high):
                block = int(cells[i, np.uint64(column + y)]) if within and 0 <= y < height else BEDROCK
                out[i, at] = scales[np.uint64(S_SOLID + block)]
                out[i, at + 1] = scales[np.uint64(S_MARK + block)]
                at += PER_CELL
    return at


def encode(
    i: int,
    out: Array,
    cells: Array,
    agent: Array,
    inventory: Array,
    seen: Array,
    far: Array,
    box: Array,
    scales: Array,
    rules: Array,
) -> None:
    """The policy's input, `out[i]`: rays, cells near by, the agent itself."""
    for column in range(out.shape[1]):
        out[i, column] = 0
    for ray in range(RAYS):
        group = rules[R_GROUPS + seen[i, ray]]
        if group >= 0:
            out[i, ray * PER_RAY + group] = 1
            out[i, ray * PER_RAY + 6] = scales[S_INVERSE + far[i, ray]]
    encode_self(i, out, encode_near(i, out, cells, agent, box, scales, rules), agent, inventory, scales)


def observe_world(
    i: int,
    out: Array,
    cells: Array,
    agent: Array,
    inventory: Array,
    seen: Array,
    far: Array,
    hit: Array,
    paths: Array,
    steps: Array,
    ranges: Array,
    box: Array,
    scales: Array,
    rules: Array,
) -> None:
    """Everything that is seen after a step, and whether it has done the task; the policy's input into `out[i]`."""
    look(i, cells, agent, seen, far, hit, paths, steps, ranges, rules)
    touch(i, cells, agent, inventory, rules)
    judge(i, agent, inventory, rules)
    encode(i, out, cells, agent, inventory, seen, far, box, scales, rules)
