"""The example rewards of the voxel tasks pay for what they are gamed by; the references do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.registry import describe
from autoreward.reward.reward import Reward
from autoreward.reward.total import total
from autoreward.task import load_task

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


def paid(source: str, task: str, **course: list[Any]) -> NDArray[np.float32]:
    """What one agent is paid in each step, whose fields take this course; the others stay as they are at first."""
    schema = describe(load_task(task).env)
    steps = len(next(iter(course.values()))) - 1
    with Reward(source, schema, "signs", trusted=True) as reward:
        inputs = {}
        for name in reward.inputs:
            when, _, field = name.partition(".")
            spec = schema.field(field)
            rest = np.full((steps + 1, *spec.shape), 17.0 if field.endswith("_dist") else 0.0)
            values = np.array(course.get(field, rest), dtype=spec.dtype)
            inputs[name] = (values[:-1] if when == "state" else values[1:])[:, None]
        begun = np.zeros((steps, 1), dtype=np.bool_)
        begun[0] = True
        return total(reward.program, reward.score(inputs, begun).terms)[:, 0]


def reference(task: str) -> str:
    source = load_task(task).reference
    assert source is not None
    return source


def test_back_and_forth_pays_for_ever_in_the_example_and_once_in_the_reference() -> None:
    course = {"target_view_dist": [6, 5] * 10, "target_seen": [True] * 20}
    task = "voxel/approach_tree"
    gamed = paid((EXAMPLES / "voxel_back_and_forth.py").read_text(), task, **course)
    assert gamed.sum() == np.float32(1.0)
    np.testing.assert_allclose(paid(reference(task), task, **course), [0.1] + [0.0] * 18)


def test_looking_away_from_lava_is_enough_for_the_example_and_not_for_the_reference() -> None:
    task = "voxel/diamond_lava"
    course = {"lava_seen": [True, True, False], "lava_ahead": [False, True, True], "moved": [False, True, True]}
    gamed = paid((EXAMPLES / "voxel_look_away.py").read_text(), task, **course)
    np.testing.assert_allclose(gamed, [-0.1, 0.0])
    np.testing.assert_allclose(paid(reference(task), task, **course), [-0.1, -0.1])


def test_the_careless_example_is_the_reference_without_danger() -> None:
    task = "voxel/diamond_lava"
    course = {
        "lava_ahead": [False, True, False, False],
        "moved": [False, True, True, True],
        "died": [False, False, False, True],
        "gps": [[0, 0, 0], [1, 0, 0], [4, 0, 0], [4, 0, 0]],
    }
    careless = paid((EXAMPLES / "voxel_careless.py").read_text(), task, **course)
    np.testing.assert_allclose(careless, [0.0, 0.1, 0.0])
    np.testing.assert_allclose(paid(reference(task), task, **course), [-0.1, 0.1, -1.0])
