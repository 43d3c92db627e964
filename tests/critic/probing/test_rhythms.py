"""Rhythms of continuous and discrete actions, and the actions that drives become."""

import numpy as np

from autoreward.critic.probing.policies import actions, rhythms, scripted, sequences, there_and_back, width
from autoreward.envs.registry import describe, make_env
from autoreward.task import load_task


def test_discrete_rhythms_are_named_as_the_schema_names_them() -> None:
    task = load_task("voxel/hunt_cow")
    spec = describe(task.env).action
    found = {rhythm.words: rhythm.drive for rhythm in rhythms(spec, np.random.default_rng(0))}
    assert "`turn left` for ever" in found
    to_and_fro = found["`turn left` and `turn right` in turn, every 2 steps"]
    assert np.argmax(to_and_fro, axis=1).tolist() == [5, 5, 6, 6]
    assert all(drive.shape[1] == width(spec) == 11 for drive in found.values())


def test_continuous_rhythms_reach_both_ends_and_the_middle() -> None:
    env = make_env(load_task("inverted_pendulum").env, 3)
    try:
        kinds = {rhythm.words: rhythm for rhythm in rhythms(env.schema.action, np.random.default_rng(0))}
        chosen = [kinds[f"the action {what}"] for what in ("at its highest for ever", "to and fro, every step")]
        drive = scripted([kinds["idle (no action)"], *chosen])
        assert [actions(env, drive(step, np.zeros((3, 4))))[:, 0].tolist() for step in (0, 1)] == [
            [0.0, 3.0, 3.0],
            [0.0, 3.0, -3.0],
        ]
    finally:
        env.close()


def test_what_is_opposite_follows_from_the_names() -> None:
    spec = describe(load_task("acrobot").env).action
    found = {rhythm.words for rhythm in rhythms(spec, np.random.default_rng(0))}
    pumping = "`apply -1 torque to the actuated joint` and `apply 1 torque to the actuated joint` in turn"
    assert f"{pumping}, every 8 steps" in found
    spec = describe(load_task("voxel/hunt_cow").env).action
    drive = there_and_back(spec, np.eye(11)[[1, 5, 7, 0]], 1, [4])
    assert [int(np.argmax(drive(step, np.zeros((1, 1))))) for step in range(9)] == [1, 5, 7, 0, 0, 8, 6, 2, 1]


def test_there_and_back_comes_back() -> None:
    env = make_env(load_task("mountain_car_continuous").env, 2)
    try:
        drive = there_and_back(env.schema.action, np.arange(1.0, 7.0)[:, None], 1, [3, 2])
        driven = np.stack([drive(step, np.zeros((2, 2)))[:, 0] for step in range(8)])
    finally:
        env.close()
    assert driven[:, 0].tolist() == [1, 2, 3, -3, -2, -1, 1, 2]
    assert driven[:, 1].tolist() == [1, 2, -2, -1, 1, 2, -2, -1]


def test_sequences_repeat_and_hold() -> None:
    drive = sequences(np.arange(3.0).reshape(1, 3, 1), hold=2)
    assert [drive(step, np.zeros((1, 1)))[0, 0] for step in range(8)] == [0, 0, 1, 1, 2, 2, 0, 0]
