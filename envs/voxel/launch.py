"""The same loops as CUDA kernels, one thread a world. Compiled by `cuda.py` only."""

from __future__ import annotations

from typing import Any

from numba import cuda

from autoreward.envs.voxel.kernel import mask
from autoreward.envs.voxel.steps import step_world
from autoreward.envs.voxel.view import near, nearest_lava, observe_world, see_animals

Array = Any


def step_all(
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
    """Step every world with actions [N], and observe it."""
    i = cuda.grid(1)
    if i < agent.shape[0]:
        step_world(i, actions[i], cells, agent, inventory, before, animals, visited, rules)
        observe_world(i, out, cells, agent, inventory, seen, far, hit, paths, steps, ranges, box, scales, rules)


def observe_some(
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
    """Observe some worlds, rows [K]."""
    number = cuda.grid(1)
    if number < rows.shape[0]:
        observe_world(
            rows[number], out, cells, agent, inventory, seen, far, hit, paths, steps, ranges, box, scales, rules
        )


def near_all(out: Array, cells: Array, agent: Array, box: Array, rules: Array) -> None:
    """The ids of a box around every agent."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        near(i, out, cells, agent, box, rules)


def lava_all(out: Array, cells: Array, agent: Array, box: Array, rules: Array) -> None:
    """How far lava is in a box around every agent."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        nearest_lava(i, out, cells, agent, box, rules)


def mask_all(out: Array, cells: Array, agent: Array, inventory: Array, rules: Array) -> None:
    """Which actions would do anything."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        mask(i, out, cells, agent, inventory, rules)


def animals_all(out: Array, agent: Array, animals: Array, hit: Array, rules: Array) -> None:
    """Animals that are seen."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        see_animals(i, out, agent, animals, hit, rules)
