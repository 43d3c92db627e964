"""Batches of Gymnasium environments keep the contract."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from autoreward.envs.registry import make_env
from autoreward.errors import UserError
from autoreward.task import EnvSpec, load_task
from autoreward.testing.env import check_batch_env

PACKED = ["reacher", "half_cheetah", "hopper", "hopper_front_flip", "mountain_car_continuous"]


@pytest.mark.parametrize("name", PACKED)
def test_packs_keep_the_contract(name: str) -> None:
    check_batch_env(lambda n: make_env(load_task(name).env, n))


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1", "FrozenLake-v1", "Blackjack-v1", "Ant-v5"])
def test_environments_without_a_pack_keep_the_contract(env_id: str) -> None:
    check_batch_env(lambda n: make_env(EnvSpec(id=env_id), n))


def test_an_environment_of_ones_own_keeps_the_contract(own_envs: str) -> None:
    check_batch_env(lambda n: make_env(EnvSpec(id=f"{own_envs}:Line", kwargs={"length": 2.0}, step_limit=20), n))


def test_it_steps_as_gymnasium_does() -> None:
    batch = make_env(EnvSpec(id="Hopper-v5"), 2)
    single = gymnasium.make("Hopper-v5")
    obs, _ = batch.reset(seed=[3, 4])  # type: ignore[arg-type]
    alone, _ = single.reset(seed=4)
    batch.action_space.seed(0)
    for _ in range(10):
        np.testing.assert_array_equal(obs[1], alone.astype(np.float32))
        actions = batch.action_space.sample()
        obs, rewards, terminated, *_ = batch.step(actions)
        alone, reward, ended, *_ = single.step(actions[1])
        assert rewards[1] == reward
        assert terminated[1] == ended


def test_a_finished_episode_must_be_reset() -> None:
    env = make_env(EnvSpec(id="CartPole-v1", step_limit=3), 2)
    env.reset(seed=0)
    for _ in range(3):
        *_, truncated, _ = env.step(np.array([0, 1]))
    assert truncated.all()
    with pytest.raises(RuntimeError, match="reset them"):
        env.step(np.array([0, 1]))
    env.reset(options={"reset_mask": np.array([True, True])})
    env.step(np.array([0, 1]))


def test_actions_of_a_shifted_discrete_space_count_from_zero(own_envs: str) -> None:
    env = make_env(EnvSpec(id=f"{own_envs}:Line"), 3)
    env.reset(seed=0)
    before = env.read(["point"])["point"]
    env.step(np.array([0, 1, 2]))
    np.testing.assert_allclose(env.read(["point"])["point"] - before, [-0.5, 0, 0.5], atol=1e-6)


def test_unsupported_spaces_are_said_clearly() -> None:
    from autoreward.envs.gym import flat_action_space, flat_observation_space

    with pytest.raises(UserError, match="Sequence"):
        flat_observation_space(gymnasium.spaces.Sequence(gymnasium.spaces.Discrete(2)))
    with pytest.raises(UserError, match="MultiDiscrete"):
        flat_action_space(gymnasium.spaces.MultiDiscrete([2, 2]))


def test_an_environment_that_cannot_draw_says_so(own_envs: str) -> None:
    env = make_env(EnvSpec(id=f"{own_envs}:Line"), 1)
    env.reset(seed=0)
    with pytest.raises(UserError, match="cannot draw"):
        env.render_frame()


def test_a_picture_of_cartpole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = make_env(EnvSpec(id="CartPole-v1"), 1)
    env.reset(seed=0)
    frame = env.render_frame()
    assert frame.dtype == np.uint8
    assert frame.shape[2] == 3
    assert frame.std() > 0
