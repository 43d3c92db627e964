"""Actions as a reader of an episode gets them."""

import numpy as np
import pytest

from autoreward.analyzer.actions import LONGEST_NAME, choice_names, told_actions
from autoreward.envs.registry import describe
from autoreward.schema import ActionSpec
from autoreward.task import load_task

STEPS = np.array([0, 2, 4])


def discrete(meaning: str, choices: int = 2) -> ActionSpec:
    return ActionSpec(kind="discrete", choices=choices, meaning=meaning)


def continuous(width: int) -> ActionSpec:
    return ActionSpec(kind="continuous", shape=(width,), low=-1, high=1)


@pytest.mark.parametrize("meaning", ["0 wait, 1 walk on", "0: wait; 1: walk on"])
def test_choices_have_the_names_that_the_environment_gives(meaning: str) -> None:
    assert told_actions(discrete(meaning), np.array([0, 0, 1, 0]), STEPS) == "  action: wait, walk on, wait"


@pytest.mark.parametrize(
    "meaning", ["", "sit or stand", "0 wait, 2 walk", "0 wait", "0 wait, 1 walk, 2 run", "0 a, 1 a"]
)
def test_choices_without_a_clear_name_are_numbers(meaning: str) -> None:
    assert told_actions(discrete(meaning), np.array([0, 0, 1, 0]), STEPS) == "  action: 0, 1, 0"


def test_long_names_end_after_a_word() -> None:
    assert choice_names(discrete("0 attack or mine what is in front, 1 wait")) == ("attack or mine", "wait")
    assert choice_names(discrete("0 stand very still and do not move, 1 stand very still and wave")) == ()


@pytest.mark.parametrize("task", ["voxel/obtain_diamond", "lunar_lander", "acrobot"])
def test_the_packs_choices_all_have_names(task: str) -> None:
    action = describe(load_task(task).env).action
    names = choice_names(action)
    assert len(names) == action.choices
    assert max(map(len, names)) <= LONGEST_NAME


def test_numbers_have_two_digits_and_many_are_a_norm_and_the_largest() -> None:
    few = np.array([[0.123, -1.0], [0.0, 0.0], [-0.004, 55.55], [1.0, 0.5]])
    assert told_actions(continuous(2), few, STEPS) == "  action: (0.12,-1) (0,56) (1,0.5)"
    assert told_actions(continuous(1), few[:, :1], STEPS) == "  action: 0.12 0 1"
    many = np.zeros((4, 7))
    many[0, 3], many[2, :2], many[3] = -0.5, (0.3, 0.4), 0.1
    told = "  action, norm(largest component: its value): 0.5(3: -0.5) 0.5(1: 0.4) 0.26(0: 0.1)"
    assert told_actions(continuous(7), many, STEPS) == told
    assert "norm" not in told_actions(continuous(6), many[:, :6], STEPS)
    assert "norm" in told_actions(continuous(6), many[:, :6], STEPS, short=True)
