"""One step of one world, as scalar functions that numba compiles for the CPU and for CUDA alike.

Plain Python restricted to what both targets know: numbers, array indexing, loops; no allocation. The functions call one
another by name; `compiled.py` makes compiled copies of all of them. Every number is int64, and hashes stay below 2**63
before they are masked, so that Python, numba and CUDA agree to the last bit.

Arguments, the same everywhere: `i` the world, `cells` uint8 [N, X * Z * Y] (Y fastest), `agent` int64 [N, COLUMNS],
`inventory` int64 [N, 16], `animals` int64 [N, 6, 5], `rules` int64 [RULES].
"""

from __future__ import annotations

from typing import Any

from autoreward.envs.voxel.columns import *
from autoreward.envs.voxel.tables import *

Array = Any

MASK = 0xFFFFFFFF


def mix(state: int, value: int) -> int:
    """A hash below 2**32 of a hash and a value. Products stay below 2**63."""
    state = (state ^ value) & MASK
    state = (state * 0x45D9F3B) & MASK
    state = state ^ (state >> 16)
    state = (state * 0x2C1B3C6D) & MASK
    return state ^ (state >> 15)


def solid(block: int) -> bool:
    """Whether a cell keeps a body out."""
    return block != AIR and block != LAVA and block != LAVA_FLOW and block != WATER


def molten(block: int) -> bool:
    """Lava, either kind."""
    return bool((block == LAVA) | (block == LAVA_FLOW))


def east(heading: int) -> int:
    """Cells east that a step in this heading takes (0..3: east, south, west, north)."""
    return 1 - heading if heading % 2 == 0 else 0


def south(heading: int) -> int:
    """Cells south that it takes."""
    return 2 - heading if heading % 2 == 1 else 0


def stride(heading: int, rules: Array) -> int:
    """What it adds to a cell's number."""
    return int(east(heading) * rules[R_STRIDE_X] + south(heading) * rules[R_STRIDE_Z])


def feet(i: int, agent: Array, rules: Array) -> int:
    """The number of the cell in which the agent's feet are; the head is one above."""
    return int(agent[i, X] * rules[R_STRIDE_X] + agent[i, Z] * rules[R_STRIDE_Z] + agent[i, Y])


def animal_cell(i: int, k: int, animals: Array, rules: Array) -> int:
    """The number of the cell in which an animal stands."""
    column = animals[i, k, A_X] * rules[R_STRIDE_X] + animals[i, k, A_Z] * rules[R_STRIDE_Z]
    return int(column + animals[i, k, A_Y])


def in_lava(i: int, cells: Array, agent: Array, rules: Array) -> bool:
    """Whether feet or head are in lava."""
    here = feet(i, agent, rules)
    return molten(cells[i, here]) or molten(cells[i, here + 1])


def tool_tier(i: int, inventory: Array) -> int:
    """The best pickaxe carried: 0 none, 1 wood, 2 stone, 3 iron."""
    if inventory[i, I_IRON_PICKAXE] > 0:
        return 3
    if inventory[i, I_STONE_PICKAXE] > 0:
        return 2
    return 1 if inventory[i, I_WOOD_PICKAXE] > 0 else 0


def walk(i: int, heading: int, cells: Array, agent: Array, rules: Array) -> None:
    """One cell in a direction, climbing one where there is room; in lava every other try only."""
    here = feet(i, agent, rules)
    wading = in_lava(i, cells, agent, rules)
    if wading and agent[i, STUCK] == 0:
        agent[i, STUCK] = 1
        return
    agent[i, STUCK] = 0
    there = here + stride(heading, rules)
    up = 0
    if solid(cells[i, there + 1]):
        return
    if solid(cells[i, there]):
        if cells[i, there] >= ANIMAL or not (wading or solid(cells[i, here - 1])):
            return
        if solid(cells[i, here + 2]) or solid(cells[i, there + 2]):
            return
        up = 1
    agent[i, X] += east(heading)
    agent[i, Z] += south(heading)
    agent[i, Y] += up
    agent[i, MOVED] = 1


def aim(i: int, cells: Array, agent: Array, rules: Array) -> int:
    """The number of the first solid cell that an attack meets, or -1."""
    here, ahead = feet(i, agent, rules), stride(agent[i, HEADING], rules)
    for distance in range(1, rules[R_REACH] + 1):
        if agent[i, PITCH] > 0:
            first = here + 1 + distance
            second = first
        else:
            first = here + distance * ahead + 1 + agent[i, PITCH]
            second = first - 1
        if solid(cells[i, first]):
            return first
        if solid(cells[i, second]):
            return second
    return -1


def count_item(i: int, item: int, count: int, agent: Array, inventory: Array, rules: Array) -> None:
    """Take items into the inventory, and note the milestone."""
    inventory[i, item] += count
    if rules[R_MILESTONES + item] >= 0:
        agent[i, MILESTONES_SEEN] |= 1 << rules[R_MILESTONES + item]


def strike(i: int, cell: int, cells: Array, agent: Array, inventory: Array, animals: Array, rules: Array) -> None:
    """Hurt the animal in a cell; a dead one leaves meat."""
    agent[i, HIT_ANIMAL] = cells[i, cell] - ANIMAL
    for k in range(MAX_ANIMALS):
        if animals[i, k, A_SPECIES] > 0 and animal_cell(i, k, animals, rules) == cell:
            animals[i, k, A_HP] -= ATTACK_DAMAGE
            if animals[i, k, A_HP] <= 0:
                agent[i, KILLED] = animals[i, k, A_SPECIES]
                animals[i, k, A_SPECIES] = 0
                cells[i, cell] = AIR
                count_item(i, I_MEAT, 1, agent, inventory, rules)


def floods(i: int, cell: int, cells: Array, rules: Array) -> bool:
    """Whether lava above or beside runs into a cell that was opened."""
    if molten(cells[i, cell + 1]):
        return True
    for heading in range(4):  # noqa: SIM110 - generators are not compiled
        if molten(cells[i, cell + stride(heading, rules)]):
            return True
    return False


def attack(i: int, cells: Array, agent: Array, inventory: Array, animals: Array, rules: Array) -> None:
    """Hit an animal, or go on mining a block; a block that breaks gives its item, and lava may run in."""
    cell = aim(i, cells, agent, rules)
    before = agent[i, MINE_CELL]
    agent[i, MINE_CELL] = -1
    if cell < 0:
        return
    block = cells[i, cell]
    if block >= ANIMAL:
        strike(i, cell, cells, agent, inventory, animals, rules)
        return
    hits = rules[R_HITS + tool_tier(i, inventory) * 16 + block]
    if hits == 0:
        return
    agent[i, MINE_PROG] = agent[i, MINE_PROG] + 1 if before == cell else 1
    if agent[i, MINE_PROG] < hits:
        agent[i, MINE_CELL] = cell
        return
    agent[i, MINED] = block
    if rules[R_DROPS + block] >= 0:
        count_item(i, rules[R_DROPS + block], 1, agent, inventory, rules)
    cells[i, cell] = LAVA_FLOW if floods(i, cell, cells, rules) else AIR


def place(i: int, cells: Array, agent: Array, inventory: Array, rules: Array) -> None:
    """Put cobblestone in front: at the feet, looking up at the head, looking down at the floor. It replaces lava."""
    cell = feet(i, agent, rules) + stride(agent[i, HEADING], rules) + agent[i, PITCH]
    if inventory[i, I_COBBLESTONE] == 0 or solid(cells[i, cell]):
        return
    inventory[i, I_COBBLESTONE] -= 1
    cells[i, cell] = COBBLESTONE
    agent[i, PLACED] = COBBLESTONE


def near_station(i: int, block: int, cells: Array, agent: Array, rules: Array) -> bool:
    """Whether such a block stands within `STATION_RANGE` cells on every axis."""
    for x in range(max(agent[i, X] - STATION_RANGE, 0), min(agent[i, X] + STATION_RANGE + 1, rules[R_SIZE_X])):
        for z in range(max(agent[i, Z] - STATION_RANGE, 0), min(agent[i, Z] + STATION_RANGE + 1, rules[R_SIZE_Z])):
            column = x * rules[R_STRIDE_X] + z * rules[R_STRIDE_Z]
            top = min(agent[i, Y] + STATION_RANGE + 1, rules[R_STRIDE_Z])
            for y in range(max(agent[i, Y] - STATION_RANGE, 0), top):
                if cells[i, column + y] == block:
                    return True
    return False


def can_craft(i: int, number: int, cells: Array, agent: Array, inventory: Array, rules: Array) -> bool:
    """Whether a recipe can be made now: ingredients, station, and room for what is placed."""
    at = R_RECIPES + number * 8
    places = rules[at + 7]
    if places >= 0:
        cell = feet(i, agent, rules) + stride(agent[i, HEADING], rules)
        if cells[i, cell] != AIR:
            return False
        if inventory[i, rules[at + 4]] > 0:
            return True
    if inventory[i, rules[at]] < rules[at + 1]:
        return False
    if rules[at + 2] >= 0 and inventory[i, rules[at + 2]] < rules[at + 3]:
        return False
    return rules[at + 6] < 0 or near_station(i, rules[at + 6], cells, agent, rules)


def craft(i: int, number: int, cells: Array, agent: Array, inventory: Array, rules: Array) -> None:
    """Make a recipe where it can be made."""
    if not can_craft(i, number, cells, agent, inventory, rules):
        return
    at = R_RECIPES + number * 8
    gives, places = rules[at + 4], rules[at + 7]
    if places >= 0 and inventory[i, gives] > 0:
        inventory[i, gives] -= 1
    else:
        inventory[i, rules[at]] -= rules[at + 1]
        if rules[at + 2] >= 0:
            inventory[i, rules[at + 2]] -= rules[at + 3]
        count_item(i, gives, rules[at + 5], agent, inventory, rules)
        agent[i, CRAFTED] = gives + 1
        if places >= 0:
            inventory[i, gives] -= 1
    if places >= 0:
        cells[i, feet(i, agent, rules) + stride(agent[i, HEADING], rules)] = places
        agent[i, PLACED] = places


def allowed(i: int, action: int, cells: Array, agent: Array, inventory: Array, rules: Array) -> bool:
    """Whether an action of placing or crafting would do anything now; every other one always may be tried."""
    if action == PLACE:
        cell = feet(i, agent, rules) + stride(agent[i, HEADING], rules) + agent[i, PITCH]
        return inventory[i, I_COBBLESTONE] > 0 and not solid(cells[i, cell])
    if action >= FIRST_CRAFT:
        return can_craft(i, action - FIRST_CRAFT, cells, agent, inventory, rules)
    return True


def mask(i: int, out: Array, cells: Array, agent: Array, inventory: Array, rules: Array) -> None:
    """Which actions would do anything, into `out[i]`."""
    for action in range(out.shape[1]):
        out[i, action] = allowed(i, action, cells, agent, inventory, rules)


def act(i: int, action: int, cells: Array, agent: Array, inventory: Array, animals: Array, rules: Array) -> None:
    """Do what was chosen."""
    if FORWARD <= action <= RIGHT:
        turn = 0 if action == FORWARD else 2 if action == BACK else 3 if action == LEFT else 1
        walk(i, (agent[i, HEADING] + turn) % 4, cells, agent, rules)
    elif action == TURN_LEFT:
        agent[i, HEADING] = (agent[i, HEADING] + 3) % 4
    elif action == TURN_RIGHT:
        agent[i, HEADING] = (agent[i, HEADING] + 1) % 4
    elif action == LOOK_UP:
        agent[i, PITCH] = min(agent[i, PITCH] + 1, 1)
    elif action == LOOK_DOWN:
        agent[i, PITCH] = max(agent[i, PITCH] - 1, -1)
    elif action == ATTACK:
        attack(i, cells, agent, inventory, animals, rules)
    elif action == PLACE:
        place(i, cells, agent, inventory, rules)
    elif action >= FIRST_CRAFT:
        craft(i, action - FIRST_CRAFT, cells, agent, inventory, rules)
    if action != ATTACK or agent[i, MINE_CELL] < 0:
        agent[i, MINE_CELL] = -1
        agent[i, MINE_PROG] = 0
