"""Loops over worlds, and what they call: compiled for the CPU as they stand. Rows are numbers of worlds, [K]."""

from __future__ import annotations

from typing import Any

from autoreward.envs.voxel.kernel import mask
from autoreward.envs.voxel.steps import step_world
from autoreward.envs.voxel.view import near, nearest_lava, observe_world, see_animals

Array = Any


def step_rows(
    rows: Array,
    actions: Array,
    out: Array,
    cells: Array,
    agent: Array,
    inventory: Array,
    before: Array,
    animals: Array,
    visited: Array,
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
    """Step worlds with actions [N], and observe them."""
    for number in range(rows.shape[0]):
        i = rows[number]
        step_world(i, actions[i], cells, agent, inventory, before, animals, visited, rules)
        observe_world(i, out, cells, agent, inventory, seen, far, hit, paths, steps, ranges, box, scales, rules)


def observe_rows(
    rows: Array,
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
    """Observe worlds that have begun anew."""
    for number in range(rows.shape[0]):
        observe_world(
            rows[number], out, cells, agent, inventory, seen, far, hit, paths, steps, ranges, box, scales, rules
        )


def near_rows(out: Array, cells: Array, agent: Array, box: Array, rules: Array) -> None:
    """The ids of a box around every agent, out uint8 [N, cells of the box]."""
    for i in range(out.shape[0]):
        near(i, out, cells, agent, box, rules)


def lava_rows(out: Array, cells: Array, agent: Array, box: Array, rules: Array) -> None:
    """How far lava is in a box around every agent, out int64 [N]."""
    for i in range(out.shape[0]):
        nearest_lava(i, out, cells, agent, box, rules)


def mask_rows(out: Array, cells: Array, agent: Array, inventory: Array, rules: Array) -> None:
    """Which actions would do anything, out bool [N, actions]."""
    for i in range(out.shape[0]):
        mask(i, out, cells, agent, inventory, rules)


def animals_rows(out: Array, agent: Array, animals: Array, hit: Array, rules: Array) -> None:
    """Animals that are seen, out float32 [N, 6, 4]."""
    for i in range(out.shape[0]):
        see_animals(i, out, agent, animals, hit, rules)
