"""What an agent did all along, in words."""

import numpy as np
import pytest

from autoreward.analyzer.patterns import back_and_forth, circles, last_actions, same_action, standstill
from autoreward.schema import ActionSpec

WALK = ActionSpec(kind="discrete", choices=3, meaning="0 wait, 1 walk, 2 look up")
TORQUE = ActionSpec(kind="continuous", shape=(2,), low=-1, high=1)
TIME = np.linspace(0, 1, 200)


def test_a_swing_between_two_places_is_counted() -> None:
    found = back_and_forth(1.0 + 0.5 * np.sin(2 * np.pi * 5 * TIME), extent=1.0)
    assert found is not None
    turns, low, high = found
    assert turns == 10
    assert (low, high) == (pytest.approx(0.5, abs=0.01), pytest.approx(1.5, abs=0.01))


@pytest.mark.parametrize(
    "course",
    [TIME, np.ones(200), 0.04 * np.sin(60 * TIME), np.sin(4 * TIME), TIME * 4 * np.sin(2 * np.pi * 6 * TIME)],
    ids=["straight", "still", "jitter", "one turn", "ever wider"],
)
def test_other_courses_do_not_go_back_and_forth(course: np.ndarray) -> None:
    assert back_and_forth(course, extent=1.0) is None


def test_the_longest_standstill_is_found() -> None:
    course = np.concatenate([np.linspace(0, 1, 50), np.full(40, 1.0), np.linspace(1, 2, 30)])[:, None]
    start, end = standstill(course) or (0, 0)
    assert 48 <= start <= 50 and 88 <= end <= 91
    assert standstill(np.linspace(0, 1, 100)[:, None]) is None


def test_a_ring_is_a_circle_and_a_walk_is_none() -> None:
    angle = 2 * np.pi * 4 * TIME
    turns, middle, radius = circles(np.stack([2 + np.cos(angle), np.sin(angle)], axis=1), 2.0) or (0, np.zeros(2), 0)
    assert turns == pytest.approx(4, abs=0.01)
    assert middle == pytest.approx([2, 0], abs=0.01) and radius == pytest.approx(1, abs=0.02)
    walks = np.random.default_rng(1).normal(size=(20, 200, 2)).cumsum(axis=1)
    assert all(circles(walk, 20.0) is None for walk in walks)


def test_one_action_all_along_has_its_name() -> None:
    assert same_action(WALK, np.array([2] * 19 + [1])) == "look up in 95% of the steps"
    assert same_action(WALK, np.array([2, 1] * 10)) == ""
    held = np.stack([np.ones(20), TIME[:20]], axis=1)
    assert same_action(TORQUE, held) == "component 0 at its highest in 100% of the steps"
    assert same_action(TORQUE, held * 0.5) == ""


def test_the_last_actions_are_counted_off() -> None:
    assert last_actions(WALK, np.array([0] * 30 + [1, 1, 1, 2, 1])) == "wait x5, walk x3, look up, walk"
    assert last_actions(TORQUE, np.ones((20, 2))) == ""
