"""Recorded transitions are whole, and the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from autoreward.envs.record import record_transitions
from autoreward.schema import Field
from autoreward.task import EnvSpec, SuccessRule, Task, load_task


@pytest.mark.parametrize("name", ["reacher", "hopper", "mountain_car_continuous"])
def test_transitions_of_a_pack(name: str) -> None:
    task = load_task(name)
    recorded = record_transitions(task, seed=4, steps=60, num_envs=3)
    again = record_transitions(task, seed=4, steps=60, num_envs=3)
    for field in task.env.fields:
        before, after = recorded.inputs[f"state.{field.name}"], recorded.inputs[f"next_state.{field.name}"]
        assert before.shape == after.shape == (60, 3, *field.shape)
        goes_on = ~recorded.begun[1:]
        np.testing.assert_array_equal(before[1:][goes_on], after[:-1][goes_on])
        np.testing.assert_array_equal(after, again.inputs[f"next_state.{field.name}"])
    assert recorded.inputs["action"].dtype == np.float32
    assert recorded.begun[0].all()
    assert recorded.success.shape == (60, 3)


def test_new_episodes_begin_from_their_reset_state() -> None:
    recorded = record_transitions(load_task("hopper"), seed=0, steps=80, num_envs=2)
    started = recorded.inputs["state.height"][recorded.begun]
    assert len(started) > 2
    np.testing.assert_allclose(started, 1.25, atol=0.01)


def test_discrete_actions_and_a_task_that_ends_episodes() -> None:
    task = Task(
        name="t",
        text="t",
        env=EnvSpec(id="CartPole-v1"),
        success=SuccessRule(expression="pole_angle > 0.01", rule="ever", ends_episode=True),
    )
    recorded = record_transitions(task, seed=0, steps=40, num_envs=4)
    assert recorded.inputs["action"].dtype == np.int64
    assert recorded.inputs["action"].shape == (40, 4)
    np.testing.assert_array_equal(recorded.success, recorded.inputs["next_state.pole_angle"] > 0.01)
    assert recorded.begun[1:][recorded.success[:-1]].all()


def test_forbidden_actions_are_never_taken() -> None:
    spec = EnvSpec(id="tests.training.tiny:Gate", step_limit=5, fields=(Field(name="shown", shape=(3,), source="obs"),))
    task = Task(name="t", text="t", env=spec, success=SuccessRule(expression="False"))
    recorded = record_transitions(task, seed=0, steps=60, num_envs=3)
    forbidden = (recorded.inputs["state.shown"].argmax(axis=-1) + 2) % 3
    assert (recorded.inputs["action"] != forbidden).all()
    assert set(recorded.inputs["action"].ravel()) == {0, 1, 2}
