"""What the world is made of: blocks, items, actions, tools and recipes. The rest is written over these tables."""

from __future__ import annotations

from typing import NamedTuple

BLOCKS = (
    "air",
    "stone",
    "dirt",
    "grass",
    "log",
    "leaves",
    "coal_ore",
    "iron_ore",
    "diamond_ore",
    "lava",
    "bedrock",
    "cobblestone",
    "crafting_table",
    "furnace",
    "water",
    "lava_flow",
)
AIR, STONE, DIRT, GRASS, LOG, LEAVES, COAL_ORE, IRON_ORE, DIAMOND_ORE, LAVA = range(10)
BEDROCK, COBBLESTONE, TABLE, FURNACE, WATER, LAVA_FLOW = range(10, 16)

SPECIES = ("none", "cow", "pig", "sheep", "chicken")
COW, PIG, SHEEP, CHICKEN = range(1, 5)
ANIMAL = 32
"""A cell in which an animal stands holds `ANIMAL + species`; it is solid."""
IDS = 64
"""Ids of what a cell can hold are below this."""
MAX_ANIMALS = 6

ITEMS = (
    "log",
    "planks",
    "stick",
    "cobblestone",
    "coal",
    "iron_ore",
    "iron_ingot",
    "diamond",
    "dirt",
    "sapling",
    "crafting_table",
    "furnace",
    "wood_pickaxe",
    "stone_pickaxe",
    "iron_pickaxe",
    "meat",
)
(
    I_LOG,
    I_PLANKS,
    I_STICK,
    I_COBBLESTONE,
    I_COAL,
    I_IRON_ORE,
    I_IRON_INGOT,
    I_DIAMOND,
    I_DIRT,
    I_SAPLING,
    I_TABLE,
    I_FURNACE,
    I_WOOD_PICKAXE,
    I_STONE_PICKAXE,
    I_IRON_PICKAXE,
    I_MEAT,
) = range(16)

ACTIONS = (
    "do nothing",
    "walk forward",
    "walk back",
    "step left",
    "step right",
    "turn left",
    "turn right",
    "look up",
    "look down",
    "attack or mine what is in front",
    "place cobblestone in front",
    "make planks",
    "make sticks",
    "place a crafting table",
    "make a wooden pickaxe",
    "make a stone pickaxe",
    "place a furnace",
    "smelt iron",
    "make an iron pickaxe",
)
NOOP, FORWARD, BACK, LEFT, RIGHT, TURN_LEFT, TURN_RIGHT, LOOK_UP, LOOK_DOWN, ATTACK, PLACE = range(11)
FIRST_CRAFT = 11

HITS = {
    STONE: (0, 3, 2, 1),
    DIRT: (1, 1, 1, 1),
    GRASS: (1, 1, 1, 1),
    LOG: (3, 3, 3, 3),
    LEAVES: (1, 1, 1, 1),
    COAL_ORE: (0, 3, 2, 1),
    IRON_ORE: (0, 0, 3, 2),
    DIAMOND_ORE: (0, 0, 0, 2),
    COBBLESTONE: (0, 3, 2, 1),
    TABLE: (3, 3, 3, 3),
    FURNACE: (0, 3, 2, 1),
}
"""Hits that break a block with no pickaxe, a wooden, a stone, an iron one; 0, or no entry: it does not break."""

DROPS = {
    STONE: I_COBBLESTONE,
    DIRT: I_DIRT,
    GRASS: I_DIRT,
    LOG: I_LOG,
    COAL_ORE: I_COAL,
    IRON_ORE: I_IRON_ORE,
    DIAMOND_ORE: I_DIAMOND,
    COBBLESTONE: I_COBBLESTONE,
    TABLE: I_TABLE,
    FURNACE: I_FURNACE,
}
"""The item that a broken block gives, one each."""


class Recipe(NamedTuple):
    """What one of the crafting actions takes and gives."""

    first: int
    first_count: int
    second: int
    """Item, or -1."""
    second_count: int
    gives: int
    amount: int
    station: int
    """Block that has to be within `STATION_RANGE` cells, or -1."""
    places: int
    """Block that is put in front instead of an item into the inventory, or -1. A carried one is used first."""


RECIPES = (
    Recipe(I_LOG, 1, -1, 0, I_PLANKS, 4, -1, -1),
    Recipe(I_PLANKS, 2, -1, 0, I_STICK, 4, -1, -1),
    Recipe(I_PLANKS, 4, -1, 0, I_TABLE, 1, -1, TABLE),
    Recipe(I_PLANKS, 3, I_STICK, 2, I_WOOD_PICKAXE, 1, TABLE, -1),
    Recipe(I_COBBLESTONE, 3, I_STICK, 2, I_STONE_PICKAXE, 1, TABLE, -1),
    Recipe(I_COBBLESTONE, 8, -1, 0, I_FURNACE, 1, TABLE, FURNACE),
    Recipe(I_IRON_ORE, 1, I_COAL, 1, I_IRON_INGOT, 1, FURNACE, -1),
    Recipe(I_IRON_INGOT, 3, I_STICK, 2, I_IRON_PICKAXE, 1, TABLE, -1),
)
"""Of the actions from `FIRST_CRAFT` on, in their order."""

MILESTONES = (
    I_LOG,
    I_PLANKS,
    I_STICK,
    I_TABLE,
    I_WOOD_PICKAXE,
    I_COBBLESTONE,
    I_STONE_PICKAXE,
    I_COAL,
    I_IRON_ORE,
    I_FURNACE,
    I_IRON_INGOT,
    I_IRON_PICKAXE,
    I_DIAMOND,
)
"""Items of the way to a diamond, in order: having got one (or placed it) is a milestone."""

FULL_HEALTH = 20
LAVA_DAMAGE = 4
SAFE_FALL = 3
"""Cells that one can fall without harm; each further one costs half a heart."""
FALL_SPEED = 3
"""Cells a step."""
REGENERATION = 16
"""Steps outside lava after which half a heart grows back."""
ATTACK_DAMAGE = 2
STATION_RANGE = 2
FLEE_CHANCE = 32768
"""Of 65536: that an animal which was hurt runs in a step, where animals flee."""
VIEW_RANGE = 16
UNSEEN = 17
"""The distance of what is not seen."""
REACHED = 2
"""Cells within which a target counts as reached."""
