"""The built-in packs load, describe themselves and hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from single import Single

from autoreward.envs.episodes import EpisodeJudge
from autoreward.envs.registry import describe, make_env
from autoreward.envs.withheld import tells_reward
from autoreward.language.static import check
from autoreward.task import load_task, task_names
from autoreward.testing.env import check_batch_env

OPTIONAL = ("minetest/", "crafter/", "metaworld/")
"""Packs of environments that are installed apart; they have tests of their own."""
NAMES = [name for name in task_names() if not name.startswith(OPTIONAL)]
V5 = [
    "ant",
    "half_cheetah",
    "hopper",
    "humanoid",
    "humanoid_standup",
    "inverted_double_pendulum",
    "inverted_pendulum",
    "pusher",
    "reacher",
    "swimmer",
    "walker2d",
]
DESCRIBED_BY_CODE = [name for name in NAMES if name.startswith("voxel/")]
OTHERS = ["acrobot", "hopper_front_flip", "lunar_lander", "mountain_car_continuous"]


def test_the_tasks() -> None:
    assert set(V5 + OTHERS) <= set(NAMES)
    assert {load_task(name).env.id.endswith("-v5") for name in V5} == {True}


@pytest.mark.parametrize("name", NAMES)
def test_a_pack_is_whole(name: str) -> None:
    task = load_task(name)
    schema = describe(task.env)
    EpisodeJudge(task, schema, 1, measures=True)
    assert task.score is not None
    assert len(schema.description) > 100
    if name not in DESCRIBED_BY_CODE:
        assert schema.fields == task.env.fields
    for field in schema.fields:
        assert field.meaning
        assert not field.source or field.policy_sees == field.source.lstrip("-").startswith("obs"), field.name
    if task.reference is not None:
        program = check(task.reference, schema.names, task.grammar)
        assert task.grammar == "signs" or program.weights


@pytest.mark.parametrize("name", sorted({*V5, *OTHERS} - {"reacher", "half_cheetah", "hopper", "hopper_front_flip"}))
def test_packs_keep_the_contract(name: str) -> None:
    check_batch_env(lambda n: make_env(load_task(name).env, n))


@pytest.mark.parametrize("name", NAMES)
def test_values_stay_within_what_a_pack_says(name: str) -> None:
    """Random actions leave no declared range, and random actions do not solve the task."""
    task = load_task(name)
    schema = describe(task.env)
    env = make_env(task.env, 4)
    judge = EpisodeJudge(task, schema, 4, measures=True)
    env.action_space.seed(3)
    env.reset(seed=3)
    solved = 0
    for _ in range(150):
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        values = env.read(schema.names)
        for field in schema.fields:
            assert values[field.name].shape == (4, *field.shape)
            assert np.isfinite(values[field.name]).all(), field.name
            low, high = (-np.inf if field.low is None else field.low, np.inf if field.high is None else field.high)
            assert values[field.name].min() >= low - 0.1 * abs(low) - 1e-3, field.name
            assert values[field.name].max() <= high + 0.1 * abs(high) + 1e-3, field.name
        ends = terminated | truncated | judge.step(values).ends
        if ends.any():
            solved += judge.finish(ends).success.sum()
            env.reset(options={"reset_mask": ends})
    env.close()
    assert solved <= 1


@pytest.mark.parametrize("name", [name for name in NAMES if name not in DESCRIBED_BY_CODE])
def test_no_field_tells_the_human_reward(name: str) -> None:
    """Observations are the policy's own; what packs add must be neither the reward nor one of its terms."""
    world = Single(name)
    hidden = [field.name for field in describe(load_task(name).env).fields if not field.policy_sees]
    world.env.action_space.seed(5)
    rows, rewards, infos, episodes, episode = [], [], [], [], 0
    for _ in range(200):
        world.obs, reward, terminated, _, world.info = world.env.step(world.env.action_space.sample())
        rows.append(world.reader.read(hidden, world.obs, world.info))
        rewards.append(float(reward))
        infos.append(world.info)
        episodes.append(episode)
        if terminated:
            world.env.reset()
            episode += 1
    keys = [key for key in infos[0] if "reward" in key or "penalty" in key]
    terms = [np.array([float(info[key]) for info in infos]) for key in keys]
    for field in hidden:
        values = np.stack([row[field] for row in rows])
        assert not tells_reward(values, np.array(rewards), terms, np.array(episodes)), field


def test_the_front_flip_has_a_reference_with_memory() -> None:
    task = load_task("hopper_front_flip")
    assert task.reference is not None
    assert check(task.reference, describe(task.env).names, "terms").uses_memory
    assert describe(task.env).step_limit == 250
