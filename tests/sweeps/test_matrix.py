"""From a file to its runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from autoreward.errors import UserError
from autoreward.sweeps.matrix import Planned, read_sweep

LLM = {"base_url": "http://127.0.0.1:9/v1"}


def plan(folder: Path, **changes: Any) -> list[Planned]:
    path = folder / "sweep.yaml"
    path.write_text(json.dumps({"tasks": ["reacher", "inverted_pendulum"], "seeds": [0, 1], **changes}))
    return read_sweep(path)[1]


def named(planned: list[Planned]) -> list[str]:
    return [each.run.name for each in planned]


def test_every_task_has_its_first_seed_before_one_has_its_second_and_arms_follow_each_other(tmp_path: Path) -> None:
    planned = plan(tmp_path, overrides=[{"name": "a"}, {"name": "b", "rounds": 7}])
    assert [(each.run.seed, each.run.task, each.run.arm) for each in planned] == [
        (seed, task, arm) for seed in (0, 1) for task in ("reacher", "inverted_pendulum") for arm in ("a", "b")
    ]
    assert {(each.run.arm, each.config.rounds, each.config.seed) for each in planned} == {
        (arm, rounds, seed) for arm, rounds in (("a", 3), ("b", 7)) for seed in (0, 1)
    }
    assert planned[0].run.name == "reacher_seed0_a"


def test_without_axes_a_run_is_named_as_ever(tmp_path: Path) -> None:
    assert named(plan(tmp_path, seeds=[3], tasks=["reacher"])) == ["reacher_seed3_base"]


def test_models_make_a_difference_only_to_who_asks_one(tmp_path: Path) -> None:
    planned = plan(
        tmp_path,
        tasks=["reacher"],
        seeds=[0],
        designers=["composer", "llm"],
        models=["small-1.5", "large"],
        config={"llm": LLM},
    )
    assert [(each.run.arm, each.config.designer, each.config.llm.model) for each in planned] == [
        ("composer", "composer", planned[0].config.llm.model),
        ("llm-small-1_5", "llm", "small-1.5"),
        ("llm-large", "llm", "large"),
    ]
    assert all(each.config.llm.base_url == LLM["base_url"] for each in planned)


def test_what_is_excluded_is_left_out_and_what_is_included_comes_back(tmp_path: Path) -> None:
    planned = plan(
        tmp_path,
        overrides=[{"name": "a"}, {"name": "b", "rounds": 7}],
        exclude=[{"task": "reacher", "seed": 1}, {"override": "b", "task": ["inverted_pendulum"]}],
        include=[{"task": "hopper", "override": "a", "seed": 5}, {"task": "reacher", "override": "a", "seed": [0, 1]}],
    )
    assert named(planned) == [
        "reacher_seed0_a",
        "reacher_seed0_b",
        "inverted_pendulum_seed0_a",
        "reacher_seed1_a",
        "inverted_pendulum_seed1_a",
        "hopper_seed5_a",
    ]


def test_two_tasks_of_one_environment_have_folders_of_their_own(tmp_path: Path) -> None:
    own = {"env": "CartPole-v1", "text": "Balance.", "success": "abs(pole_angle) < 0.1"}
    planned = plan(tmp_path, tasks=[own, {**own, "success": "abs(pole_angle) < 0.05"}, own], seeds=[0])
    assert named(planned) == ["CartPole-v1_seed0_base", "CartPole-v1_2_seed0_base"]


def test_runs_of_a_sweep_are_judged_by_their_own_episodes_unless_the_file_says_so(tmp_path: Path) -> None:
    assert {each.config.episodes for each in plan(tmp_path)} == {"own"}
    assert {each.config.episodes for each in plan(tmp_path, config={"rounds": 2})} == {"own"}
    assert {each.config.episodes for each in plan(tmp_path, config={"episodes": "all"})} == {"all"}


def test_an_override_and_an_axis_must_not_say_different_things(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="sets what `models` sets"):
        plan(tmp_path, models=["a"], overrides=[{"name": "x", "llm": {"model": "b"}}])
