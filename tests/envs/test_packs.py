"""The built-in packs load, describe themselves and hold what they promise."""

from __future__ import annotations

import pytest

from autoreward.envs.episodes import EpisodeJudge
from autoreward.envs.registry import describe
from autoreward.language.static import check
from autoreward.task import load_task, task_names

NAMES = task_names()


def test_the_tasks() -> None:
    assert {"reacher", "half_cheetah", "hopper", "hopper_front_flip", "mountain_car_continuous"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_pack_is_whole(name: str) -> None:
    task = load_task(name)
    schema = describe(task.env)
    EpisodeJudge(task, schema, 1)
    assert task.score is not None
    assert len(schema.description) > 100
    assert schema.fields == task.env.fields
    for field in schema.fields:
        assert field.meaning
    if task.reference is not None:
        program = check(task.reference, schema.names, "terms")
        assert set(program.weights)


def test_the_front_flip_has_a_reference_with_memory() -> None:
    task = load_task("hopper_front_flip")
    assert task.reference is not None
    assert check(task.reference, describe(task.env).names, "terms").uses_memory
    assert describe(task.env).step_limit == 250
