"""What a step brings on a real Minetest server: motion, digging, liquids, falls, damage, animals, crafting."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from minetest_scene import Scene

from autoreward.envs.voxel.tables import (
    AIR,
    ANIMAL,
    ATTACK,
    BACK,
    BEDROCK,
    COBBLESTONE,
    COW,
    DIAMOND_ORE,
    DIRT,
    FIRST_CRAFT,
    FORWARD,
    FULL_HEALTH,
    I_COBBLESTONE,
    I_DIAMOND,
    I_DIRT,
    I_LOG,
    I_MEAT,
    I_PLANKS,
    I_STICK,
    I_WOOD_PICKAXE,
    ITEMS,
    LAVA,
    LAVA_FLOW,
    LEFT,
    LOOK_DOWN,
    NOOP,
    PIG,
    PLACE,
    RIGHT,
    STONE,
    TABLE,
    TURN_LEFT,
    TURN_RIGHT,
)
from autoreward.envs.voxel.tasks import Knobs

pytestmark = pytest.mark.slow
Scenes = Callable[..., Scene]


def carrying(**items: int) -> tuple[tuple[int, int], ...]:
    return tuple((ITEMS.index(name), count) for name, count in items.items())


def world(**knobs: object) -> Knobs:
    return Knobs(**{"size": (16, 16, 16), "limit": 100, **knobs})  # type: ignore[arg-type]


IRON = world(start=carrying(iron_pickaxe=1))


def test_walking_goes_by_cells_in_all_directions(scene: Scenes) -> None:
    here = scene().begin()
    assert here.do(FORWARD).place == (9, 8, 4)
    assert here["moved"]
    assert here.do(RIGHT).place == (9, 9, 4)  # facing east, right is south
    assert here.do(BACK, LEFT).place == (8, 8, 4)
    assert here.do(TURN_RIGHT, FORWARD).place == (8, 9, 4)
    assert here["heading_deg"] == 90
    assert here.do(TURN_LEFT, TURN_LEFT, FORWARD).place == (8, 8, 4)
    assert here["on_ground"]
    assert here["cells_visited"] == 4


def test_one_block_is_climbed_and_two_are_not(scene: Scenes) -> None:
    low = scene()
    low.cells[9, 8, 4] = STONE
    assert low.begin().do(FORWARD).place == (9, 8, 5)
    high = scene()
    high.cells[9, 8, 4:6] = STONE
    assert high.begin().do(FORWARD).place == (8, 8, 4)
    assert not high["moved"]
    assert high["front_solid"]
    under = scene()
    under.cells[9, 8, 4] = under.cells[9, 8, 6] = STONE  # no room up there
    assert under.begin().do(FORWARD).place == (8, 8, 4)


def test_digging_takes_the_tools_time(scene: Scenes) -> None:
    """Of Minetest Game: an iron pickaxe breaks stone in 0.4 s, diamond in 2 s; a hand breaks earth in 0.7 s."""
    for block, steps, item in ((STONE, 1, I_COBBLESTONE), (DIAMOND_ORE, 5, I_DIAMOND), (DIRT, 2, I_DIRT)):
        here = scene(knobs=IRON)
        here.cells[9, 8, 5] = block
        here.begin().do(*[ATTACK] * (steps - 1))
        assert here["inventory"][item] == 0
        assert (here["mining_progress"] > 0) == (block == DIAMOND_ORE)
        here.do(ATTACK)
        assert here["inventory"][item] == 1
        assert here["mined"] == block
        assert here.block(9, 8, 5) == AIR


def test_digging_begins_anew_after_another_action(scene: Scenes) -> None:
    here = scene(knobs=IRON)
    here.cells[9, 8, 5] = DIAMOND_ORE
    here.begin().do(ATTACK, ATTACK, ATTACK, NOOP, ATTACK, ATTACK, ATTACK, ATTACK)
    assert here["inventory"][I_DIAMOND] == 0
    assert here.do(ATTACK)["inventory"][I_DIAMOND] == 1


def test_what_the_tool_cannot_break_stays(scene: Scenes) -> None:
    here = scene(knobs=world(start=carrying(stone_pickaxe=1)))
    here.cells[9, 8, 5] = DIAMOND_ORE
    here.begin().do(*[ATTACK] * 12)
    assert here.block(9, 8, 5) == DIAMOND_ORE
    bare = scene()
    bare.cells[9, 8, 5] = STONE
    bare.begin().do(*[ATTACK] * 6)
    assert bare.block(9, 8, 5) == STONE
    shell = scene(knobs=IRON)
    shell.start = (14, 8, 4, 0)
    shell.begin().do(*[ATTACK] * 6)
    assert shell.block(15, 8, 5) == BEDROCK


def test_tools_wear_out(scene: Scenes) -> None:
    """By Minetest Game a wooden pickaxe breaks cobblestone in 1.6 s, some 30 times."""
    here = scene(knobs=world(start=carrying(wood_pickaxe=1, cobblestone=1))).begin()
    broken = 0
    while here["tool_tier"] == 1 and broken < 40:
        here.do(PLACE, ATTACK, ATTACK, ATTACK, ATTACK)
        broken += int(here["mined"] == COBBLESTONE)
    assert here["tool_tier"] == 0
    assert broken == 31  # wear is rounded down


@pytest.mark.parametrize("depth", [3, 9, 25])
def test_a_fall_hurts_by_the_speed_of_landing(scene: Scenes, depth: int) -> None:
    here = scene(knobs=world(size=(16, 16, 64)))
    here.cells[8, 8, 3 : 3 + depth + 1] = STONE
    here.start = (8, 8, 4 + depth, 0)
    here.begin().do(FORWARD)
    steps, most = 0, 0
    while not (here["on_ground"] and here.place[2] == 4) and steps < 20:
        most = max(most, int(here["fall"]))
        here.do(NOOP)
        steps += 1
    speed = math.sqrt(2 * 9.81 * depth)
    expected = math.floor(speed - 14 + 0.5) if speed > 14 else 0
    assert here["health"] == FULL_HEALTH - expected
    assert here["damage_cause"] == (2 if expected else 0)
    assert 0 < most < depth + 1
    assert here["fall"] == 0
    assert steps <= math.sqrt(2 * depth / 9.81) / 0.4 + 2  # as long as a fall takes


def test_lava_kills_in_three_bites(scene: Scenes) -> None:
    here = scene()
    here.cells[9, 8, 3] = LAVA
    here.begin().do(FORWARD)
    bites = []
    while not here["died"] and here["t"] < 20:
        here.do(NOOP)
        if here["damage"] > 0:
            bites.append((int(here["damage"]), int(here["damage_cause"])))
    assert bites == [(8, 1)] * 3
    assert here["in_lava"]
    assert here["health"] == 0
    assert here["t"] <= 10


def test_lava_flows_on_where_it_is_let_out(scene: Scenes) -> None:
    """In the voxel world it fills one cell; here it runs on over the floor."""
    here = scene(knobs=IRON)
    here.cells[9:, 8, 4:6] = STONE
    here.cells[10, 8, 5] = LAVA
    here.begin().do(NOOP, NOOP, NOOP)
    assert here.block(10, 8, 5) == LAVA  # it stood still
    here.do(ATTACK)
    assert here["mined"] == STONE
    here.do(*[NOOP] * 12)
    assert here.block(10, 8, 5) == LAVA
    assert here.block(9, 8, 5) == LAVA_FLOW
    assert here.block(8, 8, 4) == LAVA_FLOW
    assert here["in_lava"]
    assert int((here.mirror.state.cells[0] == LAVA_FLOW).sum()) > 5


def test_cobblestone_stops_lava_and_is_used_up(scene: Scenes) -> None:
    here = scene(knobs=world(start=carrying(cobblestone=1)))
    here.cells[9, 8, 3] = LAVA
    here.begin().do(LOOK_DOWN, PLACE)
    assert here.block(9, 8, 3) == COBBLESTONE
    assert here["inventory"][I_COBBLESTONE] == 0
    assert here["placed"] == COBBLESTONE
    here.do(PLACE)
    assert here["placed"] == 0


def test_animals_stand_in_the_way_wander_and_die(scene: Scenes) -> None:
    here = scene(task="hunt_cow", animals=[(9, 8, 4, COW)], knobs=world(move=0.0, animal_health=2))
    assert here.begin()["target_aimed"]
    assert here["target_view_dist"] == 1
    assert here.do(FORWARD).place == (8, 8, 4)
    hits = 0
    while here["killed"] == 0 and here["t"] < 30:
        hits += int(here.do(ATTACK)["hit_animal"] == COW)
    assert here["killed"] == COW
    assert hits == 2  # a hand does one point a punch, and a punch takes 0.9 s
    assert here["t"] > 3
    assert here["inventory"][I_MEAT] == 1
    assert not here["target_seen"]
    herd = scene(task="hunt_cow", animals=[(12, 8, 4, COW), (4, 4, 4, PIG)], knobs=world(move=0.5)).begin()
    before = herd.mirror.state.animals[0, :2, :3].copy()
    herd.do(*[NOOP] * 20)
    after = herd.mirror.state.animals[0, :2, :3]
    assert (before != after).any(axis=1).all()
    assert (after[:, 2] == 4).all()
    assert {herd.block(*place) for place in after.tolist()} == {ANIMAL + COW, ANIMAL + PIG}


def test_crafting_up_to_a_pickaxe(scene: Scenes) -> None:
    here = scene(knobs=world(start=carrying(log=3))).begin()
    here.do(FIRST_CRAFT, FIRST_CRAFT, FIRST_CRAFT, FIRST_CRAFT + 1)
    assert here["inventory"][[I_LOG, I_PLANKS, I_STICK]].tolist() == [0, 10, 4]
    here.do(FIRST_CRAFT + 3)
    assert here["crafted"] == 0  # no table is near
    here.do(FIRST_CRAFT + 2)
    assert here.block(9, 8, 4) == TABLE
    here.do(FIRST_CRAFT + 3)
    assert here["crafted"] == I_WOOD_PICKAXE + 1
    assert here["tool_tier"] == 1
    assert here["milestones"] == 4  # planks, sticks, table, pickaxe; the logs were there
