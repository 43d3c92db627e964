"""Rhythms of continuous and discrete actions, and the actions that drives become."""

import numpy as np

from autoreward.critic.probing.policies import actions, rhythms, scripted, sequences, width
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


def test_sequences_repeat_and_hold() -> None:
    drive = sequences(np.arange(3.0).reshape(1, 3, 1), hold=2)
    assert [drive(step, np.zeros((1, 1)))[0, 0] for step in range(8)] == [0, 0, 1, 1, 2, 2, 0, 0]
