"""The environment: the same start, fields and policies as in the voxel world; replays; the usual ways to evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from autoreward.cli import main
from autoreward.envs.episodes import EpisodeJudge
from autoreward.envs.minetest.env import MinetestEnv
from autoreward.envs.minetest.fields import gym_id
from autoreward.envs.registry import describe, make_env
from autoreward.envs.voxel.env import VoxelEnv
from autoreward.envs.voxel.tables import ATTACK, FORWARD, TURN_LEFT
from autoreward.envs.voxel.tasks import TASKS
from autoreward.errors import UnknownName, UserError
from autoreward.language.static import check
from autoreward.task import load_task, task_names
from autoreward.training.evaluation import evaluate

PACK = [name for name in task_names() if name.startswith("minetest/")]


def scripted(count: int, actions: int, seed: int = 0) -> list[int]:
    """Digging straight ahead, with a random action now and then."""
    random = np.random.default_rng(seed)
    plan = np.array([ATTACK, ATTACK, FORWARD, ATTACK, ATTACK, FORWARD, TURN_LEFT])
    return [int(random.integers(actions)) if random.random() < 0.3 else int(plan[at % 7]) for at in range(count)]


@pytest.mark.parametrize("name", PACK)
def test_the_pack_is_that_of_the_voxel_world(name: str) -> None:
    """Without any server: fields, texts, rules and references."""
    task, own = load_task(name), load_task(name.replace("minetest/", "voxel/"))
    schema, ours = describe(task.env), describe(own.env)
    EpisodeJudge(task, schema, 1, measures=True)
    assert (task.text, task.success, task.outcomes) == (own.text, own.success, own.outcomes)
    assert (task.score, task.reference, task.grammar) == (own.score, own.reference, own.grammar)
    assert task.measures == own.measures
    assert schema.names == ours.names
    for field in ours.fields:
        other = schema.field(field.name)
        assert (other.shape, other.dtype, other.unit) == (field.shape, field.dtype, field.unit)
        assert other.policy_sees == field.policy_sees
    assert schema.step_limit == ours.step_limit
    assert schema.action == ours.action
    assert task.reference is not None
    check(task.reference, schema.names, task.grammar)


def test_wrong_names_and_actions() -> None:
    assert gymnasium.spec(gym_id(TASKS["hunt_cow"])).id == "autoreward/Minetest-HuntCow-v0"
    with pytest.raises(UnknownName, match="voxel task"):
        MinetestEnv("diamonds")
    with pytest.raises(UnknownName, match="split"):
        MinetestEnv("diamond_lava", split="tests")
    env = MinetestEnv("diamond_lava")
    with pytest.raises(UserError, match=r"0\.\.10"):
        env.step(np.int64(11))
    with pytest.raises(RuntimeError, match="reset first"):
        env.step(np.int64(0))


@pytest.mark.slow
@pytest.mark.parametrize("task", ["diamond_lava", "approach_tree", "hunt_cow", "obtain_diamond"])
def test_an_episode_begins_as_in_the_voxel_world(installed: str, task: str) -> None:
    env = MinetestEnv(task, split="validation", server=installed)
    ours = VoxelEnv(task, split="validation")
    for seed in (3, 4):
        obs, info = env.reset(seed=seed)
        expected, _ = ours.reset(seed=seed)
        np.testing.assert_array_equal(obs, expected[0])
        for name, value in ours.read(ours.schema.names).items():
            np.testing.assert_array_equal(info[name], value[0], err_msg=name)
            assert np.asarray(info[name]).dtype == value.dtype
    env.close()


def rollout(env: MinetestEnv, seed: int, actions: list[int]) -> list[Any]:
    obs, info = env.reset(seed=seed)
    rows: list[Any] = [obs, *info.values()]
    for action in actions:
        obs, reward, terminated, truncated, info = env.step(np.int64(action))
        rows += [obs, reward, *info.values()]
        if terminated or truncated:
            break
    return rows


@pytest.mark.slow
@pytest.mark.parametrize(("task", "actions"), [("diamond_lava", 11), ("hunt_cow", 11)])
def test_the_same_seed_and_actions_give_the_same_episode(installed: str, task: str, actions: int) -> None:
    """After other episodes on the same server, and on a server of its own."""
    env, other = MinetestEnv(task, tier="easy", server=installed), MinetestEnv(task, tier="easy", server=installed)
    plan = scripted(60, actions)
    first = rollout(env, 5, plan)
    rollout(env, 6, plan)
    for again in (rollout(env, 5, plan), rollout(other, 5, plan)):
        assert len(again) == len(first)
        for one, two in zip(first, again, strict=True):
            np.testing.assert_array_equal(one, two)
    env.close()
    other.close()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*A Box observation space.*infinity")
def test_gymnasiums_own_checker_finds_no_fault(installed: str) -> None:
    env = MinetestEnv("diamond_lava", tier="easy", server=installed)
    check_env(env, skip_render_check=True)
    assert env.render().shape == (180, 504, 3)
    env.close()


@pytest.mark.slow
def test_the_usual_evaluation_runs_on_it(installed: str) -> None:
    """A pack's task, the batch's view of it, the judge, outcomes and measures; the limit cuts off."""
    task = load_task("minetest/diamond_lava/easy")
    task = task.model_copy(
        update={"env": task.env.model_copy(update={"kwargs": {**task.env.kwargs, "knobs": {"limit": 25}}})}
    )
    env = make_env(task.env.used_for("report"), 1)
    plan = iter(scripted(10_000, 11))
    episodes = evaluate(env, task, lambda obs, mask: np.array([next(plan)]), [11, 12], record=True)
    env.close()
    assert episodes.length.tolist() == [25, 25]
    assert episodes.outcomes["timeout"].all()
    assert (episodes.measures["blocks_mined"] > 0).all()
    assert episodes.score is not None
    assert len(episodes.traces[0].rows) == 26


@pytest.mark.slow
def test_play_films_an_episode_and_shows_a_rewards_terms(installed: str, tmp_path: Path) -> None:
    reward = tmp_path / "reward.py"
    reference = load_task("minetest/approach_tree").reference
    assert reference is not None
    reward.write_text(reference)
    film = tmp_path / "film.png"
    words = ["play", "minetest/approach_tree", "--tier", "hard", "--random", "--reward", str(reward), "--seed", "1"]
    assert main([*words, "--isolation", "C", "--out", str(film)]) == 0
    assert film.stat().st_size > 5000
