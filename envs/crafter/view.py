"""What an agent sees and has in Crafter, as arrays: names, ids, the view around it, distances.

The lists are Crafter's own, of version 1.8; `check_lists` compares them with the installed one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.errors import UserError

Array = NDArray[Any]

MATERIALS = ("water", "grass", "stone", "path", "sand", "tree", "lava", "coal", "iron", "diamond", "table", "furnace")
CREATURES = ("Cow", "Zombie", "Skeleton", "Arrow", "Plant")
IDS = ("outside", *MATERIALS, *(name.lower() for name in CREATURES))
"""What a cell of the view can be: a creature hides the ground below it."""
LIFE = ("health", "food", "drink", "energy")
ITEMS = (
    "sapling",
    "wood",
    "stone",
    "coal",
    "iron",
    "diamond",
    "wood_pickaxe",
    "stone_pickaxe",
    "iron_pickaxe",
    "wood_sword",
    "stone_sword",
    "iron_sword",
)
ACHIEVEMENTS = (
    "collect_coal",
    "collect_diamond",
    "collect_drink",
    "collect_iron",
    "collect_sapling",
    "collect_stone",
    "collect_wood",
    "defeat_skeleton",
    "defeat_zombie",
    "eat_cow",
    "eat_plant",
    "make_iron_pickaxe",
    "make_iron_sword",
    "make_stone_pickaxe",
    "make_stone_sword",
    "make_wood_pickaxe",
    "make_wood_sword",
    "place_furnace",
    "place_plant",
    "place_stone",
    "place_table",
    "wake_up",
)
ACTIONS = (
    "noop",
    "move_left",
    "move_right",
    "move_up",
    "move_down",
    "do",
    "sleep",
    "place_stone",
    "place_table",
    "place_furnace",
    "place_plant",
    "make_wood_pickaxe",
    "make_stone_pickaxe",
    "make_iron_pickaxe",
    "make_wood_sword",
    "make_stone_sword",
    "make_iron_sword",
)
COLUMNS, ROWS = 9, 7
"""Of the view; the agent is in its middle."""
UNSEEN = 12
"""The distance of what is not in view; the farthest corner is 7 steps away."""
MOST = 9
"""Of each item and each part of life."""


def check_lists(constants: Any) -> None:  # noqa: ANN401 - a module without types
    """Raise `UserError` where the installed Crafter has other things than version 1.8."""
    own = {
        "actions": list(ACTIONS),
        "materials": list(MATERIALS),
        "achievements": sorted(ACHIEVEMENTS),
        "items": [*LIFE, *ITEMS],
    }
    for name, expected in own.items():
        found = list(getattr(constants, name))
        if (sorted(found) if name == "achievements" else found) != expected:
            raise UserError(f"the installed crafter has other {name}; type pip install 'crafter>=1.8,<2'")


def around(grounds: Array, objects: Array, kinds: list[int], position: Array) -> Array:
    """The view as ids, int64 [7, 9]: rows down, columns to the right, the agent in its middle (as what it stands on).

    Args:
        grounds: materials' numbers from 1, [X, Y].
        objects: numbers of objects, 0 none, [X, Y].
        kinds: the id of each object by its number; 0 where it hides nothing.
        position: x, y of the agent.
    """
    across, down = COLUMNS // 2, ROWS // 2
    padded = [np.pad(each, ((across, across), (down, down))) for each in (grounds, objects)]
    x, y = (int(part) for part in position)
    ground, thing = (each[x : x + COLUMNS, y : y + ROWS].T.astype(np.int64) for each in padded)
    hiding = np.array(kinds, dtype=np.int64)[thing]
    return np.where(hiding > 0, hiding, ground)


def _walks() -> Array:
    rows, columns = np.indices((ROWS, COLUMNS))
    return np.abs(rows - ROWS // 2) + np.abs(columns - COLUMNS // 2)


WALKS = _walks()
"""Steps from the middle to each cell of the view, [7, 9]."""


def nearest(view: Array) -> Array:
    """Steps to the nearest cell of each id but `outside`, float32 [17]; `UNSEEN` for what is not in view."""
    distances = np.full(len(IDS), UNSEEN, dtype=np.float32)
    np.minimum.at(distances, view.reshape(-1), WALKS.reshape(-1).astype(np.float32))
    found: Array = distances[1:]
    return found
