"""The rest of a step of one world: falling, damage, animals. See `kernel.py` for the form and the arguments."""

from __future__ import annotations

from typing import Any

from autoreward.envs.voxel.columns import *
from autoreward.envs.voxel.kernel import (
    act,
    animal_cell,
    east,
    feet,
    in_lava,
    mix,
    molten,
    solid,
    south,
    stride,
)
from autoreward.envs.voxel.tables import *

Array = Any


def drop(i: int, cells: Array, agent: Array, rules: Array) -> int:
    """Fall, at most `FALL_SPEED` cells, one a step in lava; the damage of landing."""
    here = feet(i, agent, rules)
    for _ in range(FALL_SPEED):
        if solid(cells[i, here - 1]):
            break
        here -= 1
        agent[i, Y] -= 1
        agent[i, FALL] += 1
        if molten(cells[i, here]):
            break
    if molten(cells[i, here]):
        agent[i, FALL] = 0
    if not solid(cells[i, here - 1]):
        return 0
    damage = int(max(agent[i, FALL] - SAFE_FALL, 0))
    agent[i, FALL] = 0
    return damage


def suffer(i: int, fallen: int, cells: Array, agent: Array, rules: Array) -> None:
    """Damage by lava and falls, and what grows back."""
    damage = fallen
    if fallen > 0:
        agent[i, CAUSE] = BY_FALL
    if in_lava(i, cells, agent, rules):
        damage += LAVA_DAMAGE
        agent[i, CAUSE] = BY_LAVA
        agent[i, REGEN] = 0
    else:
        agent[i, STUCK] = 0
        agent[i, REGEN] += 1
    before = agent[i, HEALTH]
    health = max(before - damage, 0)
    if agent[i, REGEN] == REGENERATION:
        agent[i, REGEN] = 0
        if health > 0:
            health = min(health + 1, FULL_HEALTH)
    agent[i, DAMAGE] = damage
    agent[i, HEALTH] = health
    agent[i, HEALTH_DELTA] = health - before
    agent[i, DIED] = 1 if health == 0 else 0


def away(i: int, k: int, agent: Array, animals: Array) -> int:
    """The heading that takes an animal from the agent, along the axis on which it is farther already."""
    dx, dz = animals[i, k, A_X] - agent[i, X], animals[i, k, A_Z] - agent[i, Z]
    if abs(dx) >= abs(dz):
        return 0 if dx >= 0 else 2
    return 1 if dz >= 0 else 3


def landing(i: int, cell: int, there: int, cells: Array) -> int:
    """How far up or down (-1..1) the floor is one cell on, or 2 where an animal cannot go."""
    if cells[i, there] == AIR:
        if solid(cells[i, there - 1]):
            return 0
        return -1 if cells[i, there - 1] == AIR and solid(cells[i, there - 2]) else 2
    if solid(cells[i, there]) and cells[i, there] < ANIMAL:
        return 1 if cells[i, there + 1] == AIR and cells[i, cell + 1] == AIR else 2
    return 2


def shift(i: int, k: int, dx: int, dz: int, dy: int, cells: Array, agent: Array, animals: Array, rules: Array) -> None:
    """Move an animal, unless the agent is there."""
    cell = animal_cell(i, k, animals, rules)
    there = cell + dx * rules[R_STRIDE_X] + dz * rules[R_STRIDE_Z] + dy
    here = feet(i, agent, rules)
    if there == here or there == here + 1:
        return
    cells[i, there] = cells[i, cell]
    cells[i, cell] = AIR
    animals[i, k, A_X] += dx
    animals[i, k, A_Z] += dz
    animals[i, k, A_Y] += dy


def wander(i: int, k: int, cells: Array, agent: Array, animals: Array, rules: Array) -> None:
    """What an animal does: fall, flee, or take a random step now and then."""
    if animals[i, k, A_SPECIES] == 0:
        return
    cell = animal_cell(i, k, animals, rules)
    if cells[i, cell - 1] == AIR:
        shift(i, k, 0, 0, -1, cells, agent, animals, rules)
        return
    draw = mix(mix(agent[i, KEY], agent[i, T]), k)
    heading, chance = (draw >> 16) % 4, rules[R_MOVE]
    if rules[R_FLEE] > 0 and animals[i, k, A_HP] < rules[R_HP]:
        heading, chance = away(i, k, agent, animals), FLEE_CHANCE
    if draw % 65536 >= chance:
        return
    up = landing(i, cell, cell + stride(heading, rules), cells)
    if up < 2:
        shift(i, k, east(heading), south(heading), up, cells, agent, animals, rules)


def visit(i: int, agent: Array, visited: Array, rules: Array) -> None:
    """Note the column (x, z) in which the agent is, and whether it is back in the one that it left last."""
    column = agent[i, X] * rules[R_SIZE_Z] + agent[i, Z]
    agent[i, CAME_BACK] = 0
    if column != agent[i, HERE]:
        agent[i, CAME_BACK] = 1 if column == agent[i, LEFT_LAST] else 0
        agent[i, LEFT_LAST] = agent[i, HERE]
        agent[i, HERE] = column
    agent[i, NEW_CELL] = 1 - visited[i, column]
    agent[i, CELLS] += agent[i, NEW_CELL]
    visited[i, column] = 1


def step_world(
    i: int,
    action: int,
    cells: Array,
    agent: Array,
    inventory: Array,
    before: Array,
    animals: Array,
    visited: Array,
    rules: Array,
) -> None:
    """One step of 0.4 s: the action, falling, damage, animals. An action that the task has not does nothing.

    Args:
        i: the world.
        action: its number.
        cells: uint8 [N, X * Z * Y].
        agent: int64 [N, COLUMNS].
        inventory: int64 [N, 16].
        before: int64 [N, 16]; becomes the inventory before the step.
        animals: int64 [N, 6, 5].
        visited: uint8 [N, X * Z].
        rules: int64 [RULES].
    """
    for column in range(MOVED, SUCCESS + 1):
        agent[i, column] = 0
    for item in range(16):
        before[i, item] = inventory[i, item]
    agent[i, T] += 1
    if action < rules[R_ACTIONS]:
        act(i, action, cells, agent, inventory, animals, rules)
    suffer(i, drop(i, cells, agent, rules), cells, agent, rules)
    for k in range(MAX_ANIMALS):
        wander(i, k, cells, agent, animals, rules)
    visit(i, agent, visited, rules)
