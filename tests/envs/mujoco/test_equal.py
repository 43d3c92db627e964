"""Simulations that are stepped together are Gymnasium's v5 environments, to the last bit."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from v5 import TASKS, Array, actions, assert_same, play, together

from autoreward.envs.registry import make_env, make_single
from autoreward.schema import Field
from autoreward.task import EnvSpec

COUNT, STEPS, EPISODE = 8, 260, 60
"""2,080 steps of an environment, in at least five episodes each."""

NO_POSITIONS = "exclude_current_positions_from_observation"
OTHERWISE: list[tuple[str, dict[str, Any]]] = [
    ("Ant", {"include_cfrc_ext_in_observation": False, "main_body": "front_left_leg", "frame_skip": 2}),
    ("Ant", {"terminate_when_unhealthy": False, "contact_force_range": (-0.5, 0.2), "contact_cost_weight": 0.3}),
    ("HalfCheetah", {NO_POSITIONS: False, "reset_noise_scale": 0.5}),
    ("HalfCheetah", {"forward_reward_weight": 2.5, "ctrl_cost_weight": 1, "frame_skip": 3}),
    (
        "Hopper",
        {"terminate_when_unhealthy": False, "healthy_reward": 3, NO_POSITIONS: False},
    ),
    ("Hopper", {"healthy_state_range": (-2.0, 2.0), "healthy_z_range": (0.9, 1.3), "healthy_angle_range": (-0.5, 0.5)}),
    ("Humanoid", {"include_cinert_in_observation": False, "include_cfrc_ext_in_observation": False, "frame_skip": 2}),
    ("Humanoid", {NO_POSITIONS: False, "contact_cost_range": (0.01, 0.02)}),
    ("HumanoidStandup", {"include_cvel_in_observation": False, "include_qfrc_actuator_in_observation": False}),
    ("InvertedDoublePendulum", {"healthy_reward": 2.0, "reset_noise_scale": 0.3}),
    ("InvertedPendulum", {"reset_noise_scale": 0.1, "frame_skip": 1}),
    ("Pusher", {"reward_near_weight": 2, "reward_dist_weight": 0.1, "reward_control_weight": 3}),
    ("Reacher", {"reward_dist_weight": 3.0, "reward_control_weight": 0.25}),
    ("Swimmer", {NO_POSITIONS: False, "ctrl_cost_weight": 1.0}),
    ("Walker2d", {"xml_file": "walker2d.xml", "terminate_when_unhealthy": False, "reset_noise_scale": 0.2}),
    ("Walker2d", {"healthy_z_range": (1.1, 1.3), "healthy_angle_range": (-0.1, 0.3), "healthy_reward": 0.5}),
]


@pytest.mark.parametrize("name", TASKS)
def test_steps_and_episodes_are_gymnasiums(name: str) -> None:
    """Observations, rewards and terminations, from the same seeds and actions."""
    env = together(EnvSpec(id=f"{name}-v5", step_limit=EPISODE), COUNT)
    singles = [gymnasium.make(f"{name}-v5", max_episode_steps=EPISODE) for _ in range(COUNT)]
    obs, _ = env.reset(seed=11)
    expected = np.array([single.reset(seed=11 + row)[0] for row, single in enumerate(singles)])
    resets = 0
    for step in range(STEPS):
        np.testing.assert_array_equal(obs, expected.astype(np.float32))
        acts = actions(env, step)
        obs, rewards, terminated, truncated, _ = env.step(acts)
        for row, single in enumerate(singles):
            expected[row], reward, ended, cut, _ = single.step(acts[row])
            assert rewards[row] == reward
            assert (terminated[row], truncated[row]) == (ended, cut)
        np.testing.assert_array_equal(obs, expected.astype(np.float32))
        done = terminated | truncated
        if done.any():
            obs, _ = env.reset(options={"reset_mask": done})
            for row in np.flatnonzero(done):
                expected[row], _ = singles[row].reset()
                resets += 1
    assert resets >= 4 * COUNT
    assert env.faults == 0


@pytest.mark.parametrize("name", TASKS)
def test_every_field_reads_as_from_gymnasium(name: str) -> None:
    spec = EnvSpec(id=f"{name}-v5", step_limit=20)
    both = [make_env(spec, 4, worlds) for worlds in ("batch", "gym")]
    starts: list[list[Array]] = []
    for env in both:
        env.reset(seed=2)
        starts.append([*env.read(env.schema.names).values(), *play(env, 50)])
    assert_same(*starts)


@pytest.mark.parametrize(("name", "kwargs"), OTHERWISE)
def test_arguments_of_the_constructor_are_honoured(name: str, kwargs: dict[str, Any]) -> None:
    spec = EnvSpec(id=f"{name}-v5", kwargs=kwargs, step_limit=25)
    plain = EnvSpec(id=f"{name}-v5", step_limit=25)
    batch, gym, usual = (make_env(chosen, 4, way) for chosen, way in ((spec, "batch"), (spec, "gym"), (plain, "gym")))
    shown = []
    for env in (batch, gym, usual):
        start, _ = env.reset(seed=2)
        shown.append([start, *play(env, 40)])
    assert_same(shown[0], shown[1])
    with pytest.raises(AssertionError):  # the arguments do change something
        assert_same(shown[1], shown[2])


@pytest.mark.parametrize("name", TASKS)
def test_info_is_gymnasiums(name: str) -> None:
    """Every key of `info`, in steps and after resets, and the attributes that an episode's beginning sets."""
    single = make_single(EnvSpec(id=f"{name}-v5"))
    single.reset(seed=0)
    *_, info = single.step(np.zeros(single.action_space.shape or (), dtype=np.float32))
    shapes = {f"info.{key}": np.shape(value) for key, value in info.items()}
    shapes |= {"Reacher": {"attr.goal": (2,)}, "Pusher": {"attr.cylinder_pos": (2,)}}.get(name, {})
    fields = tuple(
        Field(name=f"field_{number}", source=source, shape=shape)
        for number, (source, shape) in enumerate(shapes.items())
    )
    spec = EnvSpec(id=f"{name}-v5", step_limit=15, fields=fields)
    shown = []
    for env in (make_env(spec, 3, "batch"), make_env(spec, 3, "gym")):
        env.reset(seed=4)
        shown.append([*env.read(env.schema.names).values(), *play(env, 40)])
    assert_same(*shown)


def test_rows_are_many_or_few() -> None:
    """A row does not depend on how many are simulated with it."""
    spec = EnvSpec(id="Walker2d-v5", kwargs={"terminate_when_unhealthy": False})
    wide, narrow = (together(spec, count) for count in (256, 16))
    left, _ = wide.reset(seed=0)
    right, _ = narrow.reset(seed=0)
    for step in range(10):
        np.testing.assert_array_equal(left[:16], right)
        acts = actions(wide, step)
        left, *_ = wide.step(acts)
        right, *_ = narrow.step(acts[:16])
