"""The tasks: what is to be done, in which world, and how hard each tier makes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.voxel.columns import *
from autoreward.envs.voxel.tables import *
from autoreward.errors import UnknownName, UserError

TIERS = ("easy", "standard", "hard")
SPLITS = {"train": 0, "validation": 10**6, "test": 2 * 10**6}
"""The number of each split's first world."""
WORLDS = 1024
"""Worlds of a split."""

Goal = Literal["item", "ahead", "view", "kill"]


@dataclass(frozen=True)
class Knobs:
    """What makes a task easy or hard."""

    limit: int = 400
    """Steps after which an episode is cut off."""
    reach: int = 1
    """Cells that an attack reaches."""
    terrain: Literal["underground", "plains", "surface"] = "plains"
    size: tuple[int, int, int] = (64, 64, 16)
    """Cells east, south and up, the shell of bedrock included; the height is a power of two."""
    clusters: int = 0
    """Of diamond ore."""
    guarded: float = 0.0
    """Share of the clusters with lava two cells off."""
    pools: int = 0
    """Of lava."""
    tunnels: int = 0
    coal: int = 0
    """Clusters of coal ore; `iron` of iron ore."""
    iron: int = 0
    trees: int = 0
    min_distance: int = 0
    """Cells between the start and the nearest target."""
    herds: int = 0
    """Groups of the target's species."""
    herd_size: int = 2
    distractors: int = 0
    """Animals of other species."""
    move: float = 0.25
    """Probability that an animal takes a step."""
    flee: bool = False
    """Whether animals that were hurt run away."""
    animal_health: int = 10
    start: tuple[tuple[int, int], ...] = ()
    """Items carried at the start: (item, count)."""

    def __post_init__(self) -> None:
        if self.size[2] & (self.size[2] - 1) or min(self.size) < 16:
            raise UserError(
                f"size {self.size}: at least 16 cells each way, and a power of two high, such as 64, 64, 16"
            )
        if self.limit < 1 or self.reach < 1 or self.herds * self.herd_size + self.distractors > MAX_ANIMALS:
            raise UserError(f"limit and reach are at least 1, and there are at most {MAX_ANIMALS} animals")


@dataclass(frozen=True)
class VoxelTask:
    """A task in three tiers."""

    name: str
    gym_id: str
    target: int
    """Block, or `ANIMAL` + species: what `target_` fields are about and rays show as a group of its own."""
    goal: Goal
    actions: int
    """How many of the 19 actions it has: the first so many."""
    success: str
    """The success rule over the fields, as the task's pack states it; the kernel decides by the same rule."""
    tiers: Mapping[str, Knobs]
    description: str = field(default="", repr=False)


def _tiers(base: Knobs, easy: dict[str, Any], standard: dict[str, Any], hard: dict[str, Any]) -> dict[str, Knobs]:
    return {
        tier: dataclasses.replace(base, **changes) for tier, changes in zip(TIERS, (easy, standard, hard), strict=True)
    }


def _approach(species: int) -> VoxelTask:
    return VoxelTask(
        name=f"approach_{SPECIES[species]}",
        gym_id=f"autoreward/Voxel-Approach{SPECIES[species].capitalize()}-v0",
        target=ANIMAL + species,
        goal="view",
        actions=9,
        success=f"target_view_dist <= {REACHED}",
        tiers=_tiers(
            Knobs(limit=300),
            {"herds": 2, "distractors": 1, "move": 0.1, "min_distance": 12},
            {"herds": 1, "herd_size": 3, "distractors": 3, "min_distance": 22, "limit": 200},
            {"herds": 1, "herd_size": 1, "distractors": 3, "move": 0.4, "min_distance": 26, "limit": 200},
        ),
    )


_UNDERGROUND = Knobs(terrain="underground", min_distance=8, start=((I_IRON_PICKAXE, 1),))
_SURFACE = Knobs(
    terrain="surface", size=(64, 64, 32), limit=3000, clusters=12, pools=40, tunnels=16, coal=60, iron=40, trees=12
)

_ALL = (
    VoxelTask(
        name="diamond_lava",
        gym_id="autoreward/Voxel-DiamondLava-v0",
        target=DIAMOND_ORE,
        goal="item",
        actions=11,
        success=f"inventory[{I_DIAMOND}] >= 1",
        tiers=_tiers(
            _UNDERGROUND,
            {"clusters": 80, "pools": 150, "tunnels": 60},
            {"clusters": 48, "pools": 500, "guarded": 0.6, "tunnels": 30},
            {"clusters": 24, "pools": 600, "guarded": 0.8, "tunnels": 12, "min_distance": 14},
        ),
    ),
    VoxelTask(
        name="approach_tree",
        gym_id="autoreward/Voxel-ApproachTree-v0",
        target=LOG,
        goal="ahead",
        actions=9,
        success=f"target_ahead_dist <= {REACHED}",
        tiers=_tiers(
            Knobs(),
            {"trees": 3, "min_distance": 16},
            {"trees": 1, "min_distance": 30, "limit": 200},
            {"trees": 1, "min_distance": 34, "limit": 150},
        ),
    ),
    *(_approach(species) for species in (COW, PIG, SHEEP, CHICKEN)),
    VoxelTask(
        name="hunt_cow",
        gym_id="autoreward/Voxel-HuntCow-v0",
        target=ANIMAL + COW,
        goal="kill",
        actions=11,
        success=f"killed == {COW}",
        tiers=_tiers(
            Knobs(limit=400),
            {"herds": 2, "distractors": 1, "move": 0.1, "min_distance": 12, "animal_health": 4},
            {"herds": 1, "herd_size": 3, "distractors": 3, "min_distance": 16},
            {"herds": 1, "herd_size": 2, "distractors": 3, "move": 0.4, "min_distance": 16, "flee": True},
        ),
    ),
    VoxelTask(
        name="obtain_diamond",
        gym_id="autoreward/Voxel-ObtainDiamond-v0",
        target=DIAMOND_ORE,
        goal="item",
        actions=19,
        success=f"inventory[{I_DIAMOND}] >= 1",
        tiers=_tiers(_SURFACE, {"start": ((I_IRON_PICKAXE, 1),)}, {"start": ((I_STONE_PICKAXE, 1),)}, {}),
    ),
)
TASKS = {task.name: task for task in _ALL}


def find(task: str, tier: str, knobs: Mapping[str, Any] | None = None) -> tuple[VoxelTask, Knobs]:
    """A task and its tier's knobs, some of them replaced.

    Raises:
        UnknownName: no task, tier or knob has that name.
        UserError: a knob has an impossible value.
    """
    if task not in TASKS:
        raise UnknownName("voxel task", task, TASKS, f"There are: {', '.join(TASKS)}.")
    if tier not in TIERS:
        raise UnknownName("tier", tier, TIERS, f"There are: {', '.join(TIERS)}.")
    chosen = TASKS[task].tiers[tier]
    names = [part.name for part in dataclasses.fields(Knobs)]
    for name in knobs or {}:
        if name not in names:
            raise UnknownName("knob", name, names, f"There are: {', '.join(names)}.")
    given = {name: _tuples(value) for name, value in (knobs or {}).items()}
    return TASKS[task], dataclasses.replace(chosen, **given)


def _tuples(value: Any) -> Any:  # noqa: ANN401 - whatever YAML holds
    """Lists, as YAML and JSON have them, as tuples."""
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value


def rules(task: VoxelTask, knobs: Knobs) -> NDArray[np.int64]:
    """The rules as the kernels read them, int64 [RULES]."""
    table = np.full(RULES, -1, dtype=np.int64)
    size_x, size_z, size_y = knobs.size
    table[:12] = [
        task.actions,
        knobs.limit,
        knobs.reach,
        task.target,
        round(knobs.move * 65536),
        knobs.flee,
        knobs.animal_health,
        GOALS.index(task.goal),
        size_z * size_y,
        size_y,
        size_x,
        size_z,
    ]
    table[R_HITS:R_DROPS] = 0
    for block, hits in HITS.items():
        table[R_HITS + block : R_DROPS : 16] = hits
    for block, item in DROPS.items():
        table[R_DROPS + block] = item
    table[R_GROUPS:R_RECIPES] = groups(task.target)
    table[R_RECIPES:R_MILESTONES] = np.array(RECIPES).ravel()
    for number, item in enumerate(MILESTONES):
        table[R_MILESTONES + item] = number
    return table


def groups(target: int) -> list[int]:
    """The group as which a policy sees each id, [64]; -1 for air, and for the bedrock that nobody can break."""
    table = [-1] + [G_TERRAIN] * (ANIMAL - 1) + [G_ANIMAL] * (IDS - ANIMAL)
    table[BEDROCK] = -1
    table[LOG] = G_LOG
    table[LAVA] = table[LAVA_FLOW] = G_LAVA
    table[COAL_ORE] = table[IRON_ORE] = table[DIAMOND_ORE] = G_ORE
    table[target] = G_TARGET
    return table
