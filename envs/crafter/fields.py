"""The fields of Crafter: one table for the schema, for people and for models."""

from __future__ import annotations

from typing import Any

from autoreward.envs.crafter.gym import GYM_ID
from autoreward.envs.crafter.view import ACHIEVEMENTS, ACTIONS, COLUMNS, IDS, ITEMS, MOST, ROWS, UNSEEN
from autoreward.schema import ActionSpec, EnvSchema, Field


def _field(name: str, meaning: str, **given: Any) -> Field:  # noqa: ANN401 - whatever a field has
    return Field(name=name, meaning=meaning, source=f"info.{name}", **given)


def _numbered(names: tuple[str, ...]) -> str:
    return ", ".join(f"{number} {name.replace('_', ' ')}" for number, name in enumerate(names))


_THINGS = IDS[1:]
_COUNT: dict[str, Any] = {"low": 0, "high": MOST}
_FLAG: dict[str, Any] = {"dtype": "bool"}
_HIDDEN: dict[str, Any] = {"policy_sees": False}

FIELDS = (
    _field("health", "health; dead at 0", **_COUNT),
    _field("food", "how well fed; at 0 health is lost", **_COUNT),
    _field("drink", "how little thirsty; at 0 health is lost", **_COUNT),
    _field("energy", "how rested; at 0 health is lost; sleeping restores it", **_COUNT),
    _field("inventory", f"counts of what is carried: {_numbered(ITEMS)}", shape=(len(ITEMS),), **_COUNT),
    _field(
        "achievements",
        f"how often each has been achieved in this episode: {_numbered(ACHIEVEMENTS)}",
        shape=(len(ACHIEVEMENTS),),
        low=0,
        **_HIDDEN,
    ),
    _field("unlocked", "how many of the 22 achievements were achieved in this episode", low=0, high=22, **_HIDDEN),
    _field(
        "view",
        f"ids of the cells around, [row down -3..3, column right -4..4], its own in the middle: {_numbered(IDS)}",
        shape=(ROWS, COLUMNS),
        dtype="int64",
        low=0,
        high=len(IDS) - 1,
    ),
    _field(
        "ahead", "id of the cell that the agent faces, on which `do` and placing act", dtype="int64", low=0, high=17
    ),
    _field("facing", "where the agent faces: right, down; one of them is 1 or -1", shape=(2,), low=-1, high=1),
    _field(
        "distance",
        f"steps to the nearest in view of {_numbered(_THINGS)}; {UNSEEN} for what is not in view",
        shape=(len(_THINGS),),
        unit="steps",
        low=0,
        high=UNSEEN,
    ),
    _field("seen", "whether it is in view, numbered alike", shape=(len(_THINGS),), **_FLAG),
    _field("table_near", "whether a table is right beside the agent, so that tools can be made", **_FLAG),
    _field("furnace_near", "whether a furnace is right beside the agent; iron tools need table and furnace", **_FLAG),
    _field("sleeping", "whether the agent sleeps, and acts only when it wakes up", **_FLAG),
    _field("daylight", "1 by day, near 0 at night, when zombies come", low=0, high=1),
    _field("position", "displacement from the start: right, down", shape=(2,), unit="cells", **_HIDDEN),
    _field("moved", "whether the agent changed its cell in the last step", **_FLAG, **_HIDDEN),
    _field("damage", "health that the last step cost", low=0, high=MOST, **_HIDDEN),
    _field("died", "whether the last step killed the agent, which ends the episode", **_FLAG, **_HIDDEN),
    _field("t", "steps since the episode's start", unit="steps", low=0, **_HIDDEN),
    _field("t_limit", "steps after which it is cut off", unit="steps", low=1, **_HIDDEN),
)


def schema(limit: int) -> EnvSchema:
    """What rewards may read."""
    meaning = ", ".join(f"{number} {name.replace('_', ' ')}" for number, name in enumerate(ACTIONS))
    return EnvSchema(
        env_id=GYM_ID,
        fields=FIELDS,
        action=ActionSpec(kind="discrete", choices=len(ACTIONS), meaning=meaning),
        step_limit=limit,
        description=_DESCRIPTION,
    )


_DESCRIPTION = (
    "Crafter: a map of 64 x 64 cells seen from above, with grass, trees, water, caves, ores and creatures. Moving "
    "turns the agent, and takes it on by a cell where that is free; `do` collects, hits or drinks what it faces. Wood "
    "is taken by hand, stone and coal with a wooden pickaxe, iron with one of stone, diamond with one of iron. A table "
    "takes wood, a furnace stone, and tools are made beside them. Food, drink and energy run low over time: cows and "
    "ripe plants feed, water quenches, sleep rests. Zombies come at night, skeletons live in caves, lava kills at once."
)
