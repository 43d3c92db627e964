"""What holds in every world: nobody stands in a wall, nothing comes from nothing, and each task can be done."""

from __future__ import annotations

import numpy as np
import pytest

from autoreward.envs.voxel import columns as c
from autoreward.envs.voxel import tables as t
from autoreward.envs.voxel.env import VoxelEnv
from autoreward.envs.voxel.tasks import TASKS

SOFT = (t.AIR, t.WATER, t.LAVA, t.LAVA_FLOW)


def without_animals(cells: np.ndarray) -> np.ndarray:
    return np.where(cells >= t.ANIMAL, t.AIR, cells)


def feet(env: VoxelEnv) -> np.ndarray:
    _, size_z, size_y = env.knobs.size
    agent = env._state.agent
    return agent[:, c.X] * size_z * size_y + agent[:, c.Z] * size_y + agent[:, c.Y]


@pytest.mark.parametrize("task", TASKS)
def test_what_holds_in_every_step(task: str) -> None:
    count, rows = 8, np.arange(8)
    env = VoxelEnv(task, count, mask_impossible=True)
    env.action_space.seed(0)
    env.reset(seed=5)
    size = np.array(env.knobs.size)
    for _ in range(150):
        before, health = without_animals(env._state.cells), env._state.agent[:, c.HEALTH].copy()
        actions, legal = env.random_actions(), env.action_mask()
        assert legal is not None and legal[rows, actions].all()
        where = feet(env)
        _, _, terminated, truncated, _ = env.step(actions)
        seen = env.read(["inventory_delta", "mined", "placed", "crafted", "killed", "damage", "health", "in_lava"])
        for cell in (feet(env), feet(env) + 1):
            assert np.isin(env._state.cells[rows, cell], SOFT).all(), "the agent is in a wall"
        row, cell = np.nonzero(without_animals(env._state.cells) != before)
        changed = np.bincount(row, minlength=count)
        assert ((changed == 1) == (seen["mined"] > 0) | (seen["placed"] > 0)).all() and changed.max() <= 1
        spots = [np.stack(np.unravel_index(each, size), axis=-1) for each in (cell, where[row])]
        assert np.abs(spots[0] - spots[1]).max(initial=0) <= 2, "a block changed out of reach"
        gained = seen["inventory_delta"].sum(axis=1)
        taken = np.isin(seen["mined"], list(t.DROPS)).astype(float) + (seen["killed"] > 0)
        assert (gained == taken - (seen["placed"] == t.COBBLESTONE))[seen["crafted"] == 0].all()
        lost = seen["damage"]
        assert (lost[~seen["in_lava"]] == 0).all() or (lost <= 20).all()
        assert (lost[seen["in_lava"]] >= t.LAVA_DAMAGE).all()
        assert (seen["health"] <= health - lost + 1).all() and (seen["health"] >= np.maximum(health - lost, 0)).all()
        done = terminated | truncated
        env.reset(options={"reset_mask": done})


def test_a_masked_action_would_have_done_nothing() -> None:
    pair = [VoxelEnv("obtain_diamond", 6, tier="hard", knobs={"start": [[t.I_LOG, 9]]}, mask_impossible=masks)
            for masks in (True, False)]  # fmt: skip
    for env in pair:
        env.reset(seed=1)
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        actions = random.choice([1, 5, 9, *range(10, 19)], 6)
        legal = pair[0].action_mask()
        assert legal is not None
        legal = legal[np.arange(6), actions]
        refused += int((~legal).sum())
        pair[0].step(np.where(legal, actions, t.NOOP))
        pair[1].step(actions)
        np.testing.assert_array_equal(pair[0]._state.agent, pair[1]._state.agent)
        np.testing.assert_array_equal(pair[0]._state.inventory, pair[1]._state.inventory)
        np.testing.assert_array_equal(pair[0]._state.cells, pair[1]._state.cells)
    assert refused > 100


class Scene:
    """One agent in a hall of stone that a test furnishes, standing at x = 8, z = 8, y = 4 and facing east."""

    def __init__(self, task: str = "diamond_lava", **knobs: object) -> None:
        # `coal` has no meaning underground: it makes these knobs, and so this pool of worlds, the tests' own.
        self.env = VoxelEnv(task, 1, knobs={"coal": 99, **knobs})
        self.env.reset(seed=0)
        size_x, size_z, size_y = self.env.knobs.size
        self.blocks = self.env._state.cells[0].reshape(size_x, size_z, size_y)
        self.blocks[1:-1, 1:-1, 1:4], self.blocks[1:-1, 1:-1, 4:-1] = t.STONE, t.AIR
        self.agent, self.animals = self.env._state.agent[0], self.env._state.animals[0]
        self.agent[[c.X, c.Z, c.Y, c.HEADING, c.PITCH]] = 8, 8, 4, 0, 0
        self.animals[:] = 0

    def do(self, *actions: int) -> dict[str, np.ndarray]:
        """Step, and read every field after the last step."""
        for action in actions:
            _, _, self.terminated, _, _ = self.env.step(np.array([action]))
        return {name: values[0] for name, values in self.env.read(self.env.schema.names).items()}

    @property
    def spot(self) -> tuple[int, ...]:
        return tuple(self.agent[[c.X, c.Z, c.Y]].tolist())


def test_walking_turning_climbing() -> None:
    scene = Scene()
    assert scene.do(t.FORWARD)["gps"][0] - scene.do(t.NOOP)["gps"][0] == 0
    assert scene.spot == (9, 8, 4)
    scene.do(t.RIGHT)
    assert scene.spot == (9, 9, 4)  # facing east, right is south
    scene.do(t.TURN_RIGHT, t.FORWARD, t.LEFT)
    assert scene.spot == (10, 10, 4)
    scene.blocks[10, 11, 4] = t.STONE
    assert scene.do(t.FORWARD)["moved"]
    assert scene.spot == (10, 11, 5)
    scene.blocks[10, 12, 4:7] = t.STONE
    assert not scene.do(t.FORWARD)["moved"]


def test_a_fall_of_five_blocks_costs_two_half_hearts() -> None:
    scene = Scene()
    scene.agent[c.Y] = 9
    assert scene.do(t.NOOP)["fall"] == 3
    after = scene.do(t.NOOP)
    assert (after["damage"], after["damage_cause"], after["health"], after["fall"]) == (2, c.BY_FALL, 18, 0)
    assert scene.spot == (8, 8, 4)


def test_lava_kills_in_five_steps_and_can_be_left() -> None:
    scene = Scene()
    scene.blocks[9:11, 8, 3] = t.LAVA
    assert scene.do(t.NOOP)["lava_ahead"]
    after = scene.do(t.FORWARD)
    assert after["in_lava"] and after["health"] == 16 and scene.spot == (9, 8, 3)
    assert scene.do(t.BACK)["moved"] == 0  # wading is slow
    assert scene.do(t.BACK)["health"] == 12
    assert scene.spot == (8, 8, 4)
    scene.do(t.FORWARD, t.NOOP, t.NOOP)
    assert scene.terminated.all()
    died = {name: values[0] for name, values in scene.env.read(["died", "damage_cause"]).items()}
    assert died == {"died": True, "damage_cause": c.BY_LAVA}


def test_lava_runs_into_what_is_opened_beside_it() -> None:
    scene = Scene()
    scene.blocks[9, 8, 4:6] = t.STONE
    scene.blocks[9, 8, 6] = t.LAVA
    after = scene.do(t.ATTACK)
    assert after["mined"] == t.STONE and scene.blocks[9, 8, 5] == t.LAVA_FLOW
    scene.do(t.LOOK_UP)
    assert scene.do(t.PLACE)["placed"] == t.COBBLESTONE and scene.blocks[9, 8, 5] == t.COBBLESTONE


def test_hits_that_a_block_needs() -> None:
    for item, hits in ((t.I_WOOD_PICKAXE, 0), (t.I_STONE_PICKAXE, 3), (t.I_IRON_PICKAXE, 2)):
        scene = Scene(start=[[item, 1]])
        scene.blocks[9, 8, 5] = t.IRON_ORE
        mined = [int(scene.do(t.ATTACK)["mined"]) for _ in range(max(hits, 4))]
        assert mined == [t.IRON_ORE if number == hits else 0 for number in range(1, 5)]
    scene = Scene(start=[[t.I_STONE_PICKAXE, 1]])
    scene.blocks[9, 8, 5] = t.IRON_ORE
    assert scene.do(t.ATTACK, t.ATTACK, t.NOOP, t.ATTACK, t.ATTACK)["mined"] == 0  # letting go begins anew


def test_a_diamond_is_success_and_ends_the_episode() -> None:
    scene = Scene()
    scene.blocks[9, 8, 5] = t.DIAMOND_ORE
    before = scene.do(t.ATTACK)
    assert before["target_seen"] and before["target_aimed"] and before["target_view_dist"] == 1
    _, reward, terminated, _, _ = scene.env.step(np.array([t.ATTACK]))
    assert reward.tolist() == [1.0] and terminated.all()


def test_looking_away_hides_lava_from_the_view_but_not_from_the_box() -> None:
    scene = Scene()
    scene.blocks[11, 8, 4] = t.LAVA
    facing = scene.do(t.NOOP)
    assert facing["lava_seen"] and facing["lava_view_dist"] == 3 == facing["lava_box_dist"]
    away = scene.do(t.TURN_LEFT)
    assert not away["lava_seen"] and away["lava_view_dist"] == t.UNSEEN and away["lava_box_dist"] == 3


def test_the_hunt_and_where_animals_are_seen() -> None:
    scene = Scene("hunt_cow", herds=0, distractors=0, move=0.0, animal_health=4)
    scene.animals[0] = 9, 8, 4, t.COW, 4
    scene.blocks[9, 8, 4] = t.ANIMAL + t.COW
    seen = scene.do(t.ATTACK)
    assert seen["hit_animal"] == t.COW and not scene.terminated.any()
    np.testing.assert_array_equal(seen["animals_rel"], [[1, 0, 0, t.COW], *[[0] * 4] * 5])
    assert scene.do(t.ATTACK)["killed"] == t.COW
    assert scene.terminated.all() and scene.blocks[9, 8, 4] == t.AIR


def test_the_whole_chain_of_tools() -> None:
    """From logs to an iron pickaxe, with nothing at the start but what trees and rock give."""
    start = [[t.I_LOG, 9], [t.I_COBBLESTONE, 11], [t.I_IRON_ORE, 3], [t.I_COAL, 3]]
    scene = Scene("obtain_diamond", start=start)
    first = t.FIRST_CRAFT
    scene.do(*[first] * 5, *[first + 1] * 3, first + 2, first + 3, first + 4, t.TURN_LEFT, first + 5)
    assert scene.do(*[first + 6] * 3)["inventory"][t.I_IRON_INGOT] == 3
    after = scene.do(first + 7)
    assert after["crafted"] == t.I_IRON_PICKAXE + 1 and after["tool_tier"] == 3 and after["milestones"] == 8


def test_the_ceiling_is_not_seen_and_the_box_is_bedrock_outside() -> None:
    scene = Scene()
    scene.agent[[c.X, c.Z]] = 1, 1
    scene.agent[c.HEADING] = 2
    seen = scene.do(t.NOOP)
    assert seen["front_head"] == t.BEDROCK and (seen["blocks"][3:] == t.BEDROCK).all()
    looking_up = scene.do(t.TURN_LEFT, t.TURN_LEFT, t.LOOK_UP)
    assert (looking_up["view_block"] == 0).any() and looking_up["near"].shape == (4, 3, 4)
