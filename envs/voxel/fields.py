"""The one table of fields: what each is, and where it is read. Schema, documentation and `read` come from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.voxel.columns import *
from autoreward.envs.voxel.geometry import NEAR, WIDE, Box
from autoreward.envs.voxel.state import State
from autoreward.envs.voxel.tables import *
from autoreward.envs.voxel.tasks import Knobs, VoxelTask
from autoreward.envs.voxel.view import RAYS
from autoreward.schema import ActionSpec, EnvSchema, Field

Array = NDArray[Any]
Kind = Literal["float32", "int64", "bool"]


class Looks(Protocol):
    """What is computed only when it is read: see `CpuKernels`."""

    def near(self, box: Box) -> Array:
        """Ids of the cells of a box, uint8 [N, forward, right, up]."""
        ...

    def lava(self) -> Array:
        """Cells to the nearest lava in the wide box, int64 [N]."""
        ...

    def animals(self) -> Array:
        """Animals that are seen, float32 [N, 6, 4]."""
        ...


@dataclass(frozen=True)
class Source:
    """From what a field is read."""

    state: State
    looks: Looks
    knobs: Knobs
    target: int


Reader = Callable[[Source], Array]
_NUMBERS = {"float32": np.float32, "int64": np.int64, "bool": np.bool_}


@dataclass(frozen=True)
class Entry:
    """A field and how it is read."""

    name: str
    read: Reader
    meaning: str
    dtype: Kind = "float32"
    shape: tuple[int, ...] = ()
    unit: str = ""
    low: float | None = None
    high: float | None = None
    policy_sees: bool = True

    def values(self, source: Source) -> Array:
        """The field now, [N, ...], a copy."""
        return np.array(self.read(source), dtype=_NUMBERS[self.dtype])

    def field(self, words: dict[str, str]) -> Field:
        """For the schema; `{target}` in the meaning is what the task is about."""
        return Field(
            name=self.name,
            shape=self.shape,
            dtype=self.dtype,
            unit=self.unit,
            low=self.low,
            high=self.high,
            meaning=self.meaning.format(**words),
            policy_sees=self.policy_sees,
        )


def _column(number: int) -> Reader:
    return lambda source: source.state.agent[:, number]


def _is(number: int, *values: int) -> Reader:
    return lambda source: np.isin(source.state.agent[:, number], values)


def _gps(source: Source) -> Array:
    agent = source.state.agent
    return agent[:, [X, Z, Y]] - agent[:, [START_X, START_Z, START_Y]]


def _blocked(source: Source) -> Array:
    blocked = np.isin(source.state.agent[:, [FRONT_HEAD, FRONT_FOOT]], _PASSABLE, invert=True)
    return blocked[:, 0] | blocked[:, 1]


def _lava_ahead(source: Source) -> Array:
    lava = np.isin(source.state.agent[:, [FRONT_HEAD, FRONT_FOOT, FRONT_FLOOR]], (LAVA, LAVA_FLOW))
    return lava[:, 0] | lava[:, 1] | lava[:, 2]


def _milestones(source: Source) -> Array:
    bits = source.state.agent[:, MILESTONES_SEEN]
    count: Array = np.sum([bits >> number & 1 for number in range(len(MILESTONES))], axis=0)
    return count


_PASSABLE = (AIR, LAVA, LAVA_FLOW, WATER)
_ID = f"ids: {', '.join(f'{number} {name}' for number, name in enumerate(BLOCKS))}, {ANIMAL} + species for an animal"
_SPECIES = ", ".join(f"{number} {name}" for number, name in enumerate(SPECIES))
_ITEM = ", ".join(f"{number} {name}" for number, name in enumerate(ITEMS))
_RAY = "ray 9 * row + column; rows from +30 to -30 degrees by 15, columns from 45 left to 45 right by 11.25"
_UNSEEN = f"{UNSEEN} when none is seen"
_BLOCK: dict[str, Any] = {"dtype": "int64", "low": 0, "high": IDS - 1}
_FLAG: dict[str, Any] = {"dtype": "bool"}
_DISTANCE: dict[str, Any] = {"unit": "blocks", "low": 1, "high": UNSEEN}
_HIDDEN: dict[str, Any] = {"policy_sees": False}

ENTRIES = (
    Entry("target_seen", lambda s: s.state.agent[:, TARGET_DIST] < UNSEEN,
          "whether the {target} is in view: some ray meets it first, within 16 blocks", **_FLAG),
    Entry("target_view_dist", _column(TARGET_DIST),
          f"distance to the nearest {{target}} in view; {_UNSEEN}", **_DISTANCE),
    Entry("target_ahead_dist", _column(TARGET_AHEAD),
          f"the same for the middle column of rays only: straight ahead, at any height; {_UNSEEN}", **_DISTANCE),
    Entry("target_aimed", lambda s: s.state.agent[:, AIMED] == s.target,
          "whether an attack now would hit the {target}", **_FLAG),
    Entry("lava_seen", lambda s: s.state.agent[:, LAVA_DIST] < UNSEEN,
          "whether lava is in view; looking elsewhere hides it, and does not remove it", **_FLAG),
    Entry("lava_view_dist", _column(LAVA_DIST), f"distance to the nearest lava in view; {_UNSEEN}", **_DISTANCE),
    Entry("lava_near", lambda s: s.looks.lava() < UNSEEN,
          "whether there is lava around (in `blocks`), seen or not, also behind stone", **_FLAG, **_HIDDEN),
    Entry("lava_box_dist", lambda s: s.looks.lava(),
          f"distance to the nearest lava around (in `blocks`), seen or not, on the axis where it is farthest; "
          f"{UNSEEN} when there is none", unit="blocks", low=0, high=UNSEEN, **_HIDDEN),
    Entry("lava_ahead", _lava_ahead,
          "whether lava is in the next cell ahead, at head, feet or floor: walking on leads into it", **_FLAG),
    Entry("in_lava", _column(IN_LAVA), "whether the agent stands in lava: 4 half-hearts lost in each step", **_FLAG),
    Entry("health", _column(HEALTH), "half-hearts left; dead at 0", low=0, high=FULL_HEALTH),
    Entry("health_delta", _column(HEALTH_DELTA), "change of health in the last step; negative is hurt",
          low=-FULL_HEALTH, high=1, **_HIDDEN),
    Entry("damage", _column(DAMAGE), "half-hearts that the last step cost", low=0, **_HIDDEN),
    Entry("damage_cause", _column(CAUSE), "cause of the last step's damage: 0 none, 1 lava, 2 a fall",
          dtype="int64", low=0, high=2, **_HIDDEN),
    Entry("died", _column(DIED), "whether the last step killed the agent, which ends the episode", **_FLAG, **_HIDDEN),
    Entry("gps", _gps, "displacement from the start: east, south, up", shape=(3,), unit="blocks"),
    Entry("height", _column(Y), "height of the feet above the world's floor", unit="blocks", low=1, **_HIDDEN),
    Entry("heading_deg", lambda s: s.state.agent[:, HEADING] * 90,
          "where the agent faces: 0 east, 90 south, 180 west, 270 north", unit="deg", low=0, high=270),
    Entry("compass", lambda s: s.state.agent[:, HEADING, None] == np.arange(4),
          "the same as four numbers, 1 for where it faces: east, south, west, north", shape=(4,), low=0, high=1),
    Entry("pitch_deg", lambda s: s.state.agent[:, PITCH] * 45,
          "where the agent looks: -45 down, 0 level, 45 up", unit="deg", low=-45, high=45),
    Entry("moved", _column(MOVED), "whether the agent walked in the last step", **_FLAG, **_HIDDEN),
    Entry("new_cell", _column(NEW_CELL),
          "whether the agent is for the first time in this episode in this column of the world", **_FLAG, **_HIDDEN),
    Entry("came_back", _column(CAME_BACK),
          "whether the last step led back into the column of the world that was left last", **_FLAG, **_HIDDEN),
    Entry("cells_visited", _column(CELLS), "columns of the world visited in this episode", low=1, **_HIDDEN),
    Entry("on_ground", _column(ON_GROUND), "whether the agent stands on something", **_FLAG),
    Entry("fall", _column(FALL), "blocks fallen so far; more than 3 will hurt", unit="blocks", low=0),
    Entry("front_solid", _blocked, "whether a solid block or an animal is ahead, at head or feet", **_FLAG),
    Entry("front_head", _column(FRONT_HEAD), f"what is ahead at the head; {_ID}", **_BLOCK, **_HIDDEN),
    Entry("front_foot", _column(FRONT_FOOT), "id of what is ahead at the feet", **_BLOCK, **_HIDDEN),
    Entry("front_floor", _column(FRONT_FLOOR), "id of what is ahead below the feet", **_BLOCK, **_HIDDEN),
    Entry("below", _column(BELOW), "id of what the agent stands on", **_BLOCK, **_HIDDEN),
    Entry("above", _column(ABOVE), "id of what is above the head", **_BLOCK, **_HIDDEN),
    Entry("aimed_at", _column(AIMED), "id of what an attack now would hit; 0 nothing", **_BLOCK, **_HIDDEN),
    Entry("mining_progress", _column(MINE_PROG), "hits so far on the block that is being mined", low=0, high=2),
    Entry("mined", _column(MINED), "id of the block that the last step broke; 0 none", **_BLOCK, **_HIDDEN),
    Entry("placed", _column(PLACED), "id of the block that the last step placed; 0 none", **_BLOCK, **_HIDDEN),
    Entry("crafted", _column(CRAFTED), "1 + number of the item that the last step made; 0 none",
          dtype="int64", low=0, high=16, **_HIDDEN),
    Entry("hit_animal", _column(HIT_ANIMAL), f"species that the last step hit: {_SPECIES}",
          dtype="int64", low=0, high=4, **_HIDDEN),
    Entry("killed", _column(KILLED), f"species that the last step killed: {_SPECIES}",
          dtype="int64", low=0, high=4, **_HIDDEN),
    Entry("inventory", lambda s: s.state.inventory, f"counts of what is carried: {_ITEM}", shape=(16,), low=0),
    Entry("inventory_delta", lambda s: s.state.inventory - s.state.before, "their changes in the last step",
          shape=(16,), **_HIDDEN),
    Entry("tool_tier", _column(TIER), "the best pickaxe carried: 0 none, 1 wood, 2 stone, 3 iron", low=0, high=3),
    Entry("milestones", _milestones, "how many of the 13 items on the way to a diamond were had in this episode",
          low=0, high=13, **_HIDDEN),
    Entry("t", _column(T), "steps since the episode's start", unit="steps", low=0),
    Entry("t_limit", lambda s: np.full(len(s.state.agent), s.knobs.limit), "steps after which it is cut off",
          unit="steps", low=1),
    Entry("view_block", lambda s: s.state.seen, f"id of what each ray meets first, 0 nothing; {_RAY}; {_ID}",
          shape=(RAYS,), **_BLOCK),
    Entry("view_dist", lambda s: s.state.far, f"how far away that is; {UNSEEN} for nothing; {_RAY}",
          shape=(RAYS,), **_DISTANCE),
    Entry("near", lambda s: s.looks.near(NEAR),
          "ids of the cells around, those behind stone too: [forward -1..2, right -1..1, up -1..2] from the feet",
          shape=NEAR.shape, **_BLOCK),
    Entry("blocks", lambda s: s.looks.near(WIDE),
          "ids of the cells around, hidden ones too: [forward -2..6, right -4..4, up -3..3] from the feet",
          shape=WIDE.shape, **_BLOCK, **_HIDDEN),
    Entry("animals_rel", lambda s: s.looks.animals(),
          "animals in view: each forward, right, up (blocks) and species; zeros for others", shape=(6, 4), **_HIDDEN),
)  # fmt: skip
"""In the order in which people and models read them."""

BY_NAME = {entry.name: entry for entry in ENTRIES}


def name_of(target: int) -> str:
    """A block or species in words."""
    return SPECIES[target - ANIMAL] if target >= ANIMAL else BLOCKS[target].replace("_", " ")


def schema(task: VoxelTask, knobs: Knobs) -> EnvSchema:
    """What rewards may read in a task."""
    words = {"target": f"target ({name_of(task.target)})"}
    return EnvSchema(
        env_id=task.gym_id,
        fields=tuple(entry.field(words) for entry in ENTRIES),
        action=ActionSpec(kind="discrete", choices=task.actions, meaning=action_meaning(task.actions)),
        step_limit=knobs.limit,
        description=_DESCRIPTION.format(size=" x ".join(map(str, knobs.size)), hits=_hits()),
    )


def _hits() -> str:
    """How many attacks the blocks take that are most in the way."""
    return ", ".join(f"{name} {'/'.join(map(str, HITS[block]))}" for name, block in _MINED).replace("0", "-")


_MINED = (("stone", STONE), ("dirt", DIRT), ("log", LOG), ("iron ore", IRON_ORE), ("diamond ore", DIAMOND_ORE))


def action_meaning(count: int) -> str:
    """The first so many actions in words."""
    return ", ".join(f"{number} {name}" for number, name in enumerate(ACTIONS[:count]))


_DESCRIPTION = (
    "A world of blocks, 1 m each. The agent is two blocks tall, walks one block a step (0.4 s) and climbs one by "
    "itself; it turns by 90 degrees and looks down, level or up. Attacks reach one block: level, the one at the head "
    "ahead, then the one at the feet; looking down, at the feet, then the floor ahead; looking up, the ceiling. Broken "
    "blocks go into the inventory. Attacks that a block takes with no/wooden/stone/iron pickaxe (-: does not break): "
    "{hits}. Lava costs 4 of 20 half-hearts a step, slows, and runs into a cell that is dug open below or beside it. "
    "Falls of more than 3 blocks hurt. The agent sees 45 rays, 90 degrees wide, up to 16 blocks far. The world has "
    "{size} blocks (east, south, up), and nobody leaves it."
)
