"""`VoxelEnv` as a batch: the same episode whatever N, threads or process; masked resets; snapshots; clear errors."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from autoreward.envs.episodes import EpisodeJudge
from autoreward.envs.voxel import columns
from autoreward.envs.voxel.env import VoxelEnv
from autoreward.envs.voxel.tasks import TASKS, TIERS
from autoreward.errors import UnknownName, UserError
from autoreward.task import EnvSpec, SuccessRule, Task


def actions_of(env: VoxelEnv, steps: int, rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, env.task.actions, (steps, rows))


def roll(env: VoxelEnv, actions: np.ndarray) -> list[np.ndarray]:
    """Observations, rewards and all fields along actions [T, N], with new episodes where one ends."""
    names = env.schema.names
    kept = []
    for row in actions:
        obs, reward, terminated, truncated, _ = env.step(row)
        kept += [obs, reward, terminated, truncated, *env.read(names).values()]
        done = terminated | truncated
        if done.any():
            kept.append(env.reset(options={"reset_mask": done})[0])
    return kept


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("task", ["diamond_lava", "hunt_cow"])
def test_an_episode_depends_neither_on_n_nor_on_threads_nor_on_the_run(task: str) -> None:
    knobs = {"limit": 30}
    envs = [VoxelEnv(task, count, threads=threads, knobs=knobs) for count, threads in ((5, 1), (5, 3), (2, 1))]
    actions = actions_of(envs[0], 80, 5)
    starts = [env.reset(seed=11)[0] for env in envs]
    np.testing.assert_array_equal(starts[0], starts[1])
    np.testing.assert_array_equal(starts[0][:2], starts[2])
    rolls = [roll(envs[0], actions), roll(envs[1], actions), roll(envs[2], actions[:, :2])]
    assert same(rolls[0], rolls[1])
    assert same([values[:2] for values in rolls[0]], rolls[2])
    envs[0].reset(seed=11)
    assert same(roll(envs[0], actions), rolls[0])
    envs[1].close()


def test_rows_take_seeds_of_their_own_and_episodes_differ() -> None:
    env, other = VoxelEnv("approach_cow", 3), VoxelEnv("approach_cow", 1)
    first, _ = env.reset(seed=[5, 9, 5])
    np.testing.assert_array_equal(first[0], first[2])
    assert not np.array_equal(first[0], first[1])
    np.testing.assert_array_equal(first[1:2], other.reset(seed=9)[0])
    worlds = set()
    for _ in range(3):
        worlds.add(int(env._state.agent[1, columns.WORLD]))
        env.reset()
    assert len(worlds) == 3, "each episode has its world"


def test_a_masked_reset_leaves_the_other_rows_alone() -> None:
    env = VoxelEnv("diamond_lava", 4)
    env.reset(seed=0)
    for row in actions_of(env, 20, 4):
        obs, *_ = env.step(row)
    kept, before = obs.copy(), env.read(env.schema.names)
    after, _ = env.reset(options={"reset_mask": np.array([False, True, False, False])})
    np.testing.assert_array_equal(obs, kept)  # what `step` gave stays as it was
    np.testing.assert_array_equal(after[[0, 2, 3]], kept[[0, 2, 3]])
    now = env.read(env.schema.names)
    for name, values in now.items():
        np.testing.assert_array_equal(values[[0, 2, 3]], before[name][[0, 2, 3]], err_msg=name)
    assert now["t"].tolist() == [20, 0, 20, 20] and now["gps"][1].tolist() == [0, 0, 0]


def test_the_step_limit_cuts_off_and_a_finished_row_must_be_reset() -> None:
    env = VoxelEnv("approach_tree", 2, knobs={"limit": 3})
    env.reset(seed=0)
    ends = [env.step(np.zeros(2, dtype=np.int64))[3].tolist() for _ in range(3)]
    assert ends == [[False] * 2, [False] * 2, [True] * 2]
    with pytest.raises(RuntimeError, match="reset them"):
        env.step(np.zeros(2, dtype=np.int64))
    assert env.metadata["autoreset_mode"] == AutoresetMode.DISABLED


@pytest.mark.parametrize("task", ["hunt_cow", "obtain_diamond"])
def test_a_snapshot_goes_on_bit_for_bit(task: str) -> None:
    env, other = (VoxelEnv(task, 4, tier="easy", knobs={"limit": 60}) for _ in range(2))
    actions = actions_of(env, 140, 4)
    env.reset(seed=2)
    roll(env, actions[:70])
    snapshot = env.snapshot()
    expected = roll(env, actions[70:])
    other.restore(snapshot)
    assert same(roll(other, actions[70:]), expected)
    assert sum(values.nbytes for values in snapshot.values()) < 200_000


def test_a_snapshot_of_something_else_is_refused() -> None:
    env = VoxelEnv("diamond_lava", 2)
    env.reset(seed=0)
    snapshot = env.snapshot()
    for other in (VoxelEnv("diamond_lava", 3), VoxelEnv("diamond_lava", 2, tier="easy"), VoxelEnv("hunt_cow", 2)):
        with pytest.raises(UserError, match="another task, tier, split or N"):
            other.restore(snapshot)
    with pytest.raises(UserError, match="format 1"):
        env.restore({**snapshot, "format": np.array(0)})
    with pytest.raises(UserError, match="format 1"):
        env.restore({"obs": np.zeros(3)})


def test_splits_share_no_world_and_worlds_can_be_chosen() -> None:
    seen = set()
    for split in ("train", "validation", "test"):
        env = VoxelEnv("approach_tree", 8, split=split)
        env.reset(options={"worlds": np.arange(8)})
        digests = {hashlib.sha256(cells.tobytes()).hexdigest() for cells in env._state.cells}
        assert len(digests) == 8 and not digests & seen
        seen |= digests
    again, _ = env.reset(options={"worlds": [3] * 8})
    assert (again == again[0]).all()
    for wrong in ([1024] * 8, [-1] * 8, [0] * 7):
        with pytest.raises(UserError, match="8 numbers from 0 to 1023"):
            env.reset(options={"worlds": wrong})


WRONG: list[tuple[dict[str, Any], type[UserError], str]] = [
    ({"task": "diamond"}, UnknownName, "Closest: diamond_lava"),
    ({"tier": "esay"}, UnknownName, "Closest: easy"),
    ({"split": "tests"}, UnknownName, "Closest: test"),
    ({"device": "gpu"}, UnknownName, "cpu, cuda"),
    ({"knobs": {"cluster": 3}}, UnknownName, "Closest: clusters"),
    ({"knobs": {"size": [64, 64, 20]}}, UserError, "power of two"),
    ({"knobs": {"herds": 4, "herd_size": 2}}, UserError, "at most 6 animals"),
    ({"num_envs": 0}, UserError, "at least 1"),
    ({"num_envs": 10**9}, UserError, "at most [0-9]+ fit"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), WRONG)
def test_wrong_arguments_are_told(arguments: dict[str, Any], error: type[UserError], message: str) -> None:
    with pytest.raises(error, match=message):
        VoxelEnv(**{"task": "diamond_lava", **arguments})


def test_wrong_actions_are_told() -> None:
    env = VoxelEnv("approach_tree", 2)
    env.reset(seed=0)
    for actions in ([0, 9], [-1, 0]):
        with pytest.raises(UserError, match=r"approach_tree has 0\.\.8"):
            env.step(np.array(actions))
    for strange in (np.zeros(3, dtype=np.int64), np.zeros(2)):
        with pytest.raises(UserError, match="give 2 integers"):
            env.step(strange)


@pytest.mark.parametrize("task", TASKS)
def test_fields_are_as_the_schema_says(task: str) -> None:
    env = VoxelEnv(task, 6, knobs={"limit": 25})
    env.reset(seed=0)
    for row in actions_of(env, 60, 6):
        _, _, terminated, truncated, _ = env.step(row)
        values = env.read(env.schema.names)
        for field in env.schema.fields:
            found = values[field.name]
            assert found.shape == (6, *field.shape) and found.dtype == field.dtype, field.name
            if field.dtype != "bool":
                assert field.low is None or found.min() >= field.low, field.name
                assert field.high is None or found.max() <= field.high, field.name
        env.reset(options={"reset_mask": terminated | truncated})
    assert env.schema.action.choices == env.task.actions and env.schema.step_limit == 25
    with pytest.raises(UnknownName, match="target_view_dist"):
        env.read(["target_view_distance"])
    hidden = {"blocks", "lava_box_dist", "died", "damage_cause", "cells_visited"}
    assert not any(env.schema.field(name).policy_sees for name in hidden)
    assert not {name for name in env.schema.names if "success" in name}


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("task", TASKS)
def test_the_success_expression_is_the_environments_own(task: str, tier: str) -> None:
    env = VoxelEnv(task, 32, tier=tier, knobs={"min_distance": 3, "limit": 60})
    rule = SuccessRule(expression=f"{env.task.success} and not died", rule="ever", ends_episode=True)
    judge = EpisodeJudge(Task(name="t", text="t", env=EnvSpec(id="x"), success=rule), env.schema, 32)
    env.reset(seed=3)
    for row in actions_of(env, 60, 32):
        _, reward, terminated, truncated, _ = env.step(row)
        verdict = judge.step(env.read(judge.fields))
        np.testing.assert_array_equal(verdict.success_now, reward > 0)
        done = terminated | truncated
        judge.finish(done)
        env.reset(options={"reset_mask": done})


GOLDEN = {
    "diamond_lava": "9a67cf7fffe64a18 a91a03e468521715",
    "approach_tree": "3cf721a73307c020 9b0ca4907c2849ed",
    "approach_cow": "63e9ab2682ad4b34 840889756d77e542",
    "approach_pig": "18e9a855a1646aa7 28892b44c22353e3",
    "approach_sheep": "fddd3492e1008b7b 46ff4d0729af0f6d",
    "approach_chicken": "fc315a2a78cf7ecb dd90837c5ce6699b",
    "hunt_cow": "a04f2a3b96fcd894 58cb3a9f1c92c65c",
    "obtain_diamond": "25f744bef526cc3c cb5fc16c7d5aea76",
}
"""Of 8 worlds, and of 200 steps in them."""


@pytest.mark.parametrize("task", TASKS)
def test_worlds_and_a_rollout_are_what_they_always_were(task: str) -> None:
    """Where a change alters these, earlier results cannot be had again: then the task's gym id needs a new version."""
    env = VoxelEnv(task, 8)
    env.reset(options={"worlds": np.arange(8)}, seed=0)
    digest = hashlib.sha256(env._state.cells.tobytes())
    worlds = digest.hexdigest()[:16]
    for actions in np.random.Generator(np.random.Philox(7)).integers(0, env.task.actions, (200, 8)):
        obs, reward, terminated, truncated, _ = env.step(actions)
        env.reset(options={"reset_mask": terminated | truncated})
        state = env._state
        for part in (obs, reward, terminated, state.agent[:, : columns.MOVED], state.animals, state.inventory):
            digest.update(np.ascontiguousarray(part).tobytes())
    assert f"{worlds} {digest.hexdigest()[:16]}" == GOLDEN[task]
