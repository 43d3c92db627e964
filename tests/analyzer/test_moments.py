"""The moments that an episode is told by."""

import numpy as np

from autoreward.analyzer.moments import key_moments, switches


def test_the_bends_of_a_course_are_its_moments() -> None:
    up_down = np.concatenate([np.linspace(0, 1, 31), np.linspace(1, 0.2, 70)[1:]])[:, None]
    assert key_moments(up_down, [], 8).tolist() == [0, 30, 99]


def test_a_straight_course_needs_its_ends_alone() -> None:
    assert key_moments(np.linspace(0, 1, 50)[:, None], [], 8).tolist() == [0, 49]
    assert key_moments(np.zeros((1, 1)), [], 8).tolist() == [0]


def test_events_come_first_and_take_half_of_the_places() -> None:
    rough = np.random.default_rng(0).normal(size=(101, 2))
    found = key_moments(rough, [97, 90, 33, 34, 35, 36, 37], 8).tolist()
    assert {0, 97, 90, 33, 100} <= set(found) and 36 not in found
    assert len(found) == 8


def test_jumps_alike_are_spread_over_the_episode() -> None:
    flicker = (np.arange(401) % 2)[:, None].astype(float)
    gaps = np.diff(key_moments(flicker, [], 8))
    assert gaps.max() <= 120


def test_a_flag_that_flickers_has_no_events() -> None:
    assert switches(np.array([0, 0, 1, 1, 0])) == [2, 4]
    assert switches(np.arange(20) % 2) == []
