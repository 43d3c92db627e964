from __future__ import annotations

import numpy as np
import pytest

from autoreward.training.rollout import Rollout, advantages


def test_advantages_are_the_weighted_sums_of_the_errors_that_follow() -> None:
    """Equation 16 of Schulman et al. (2016), written forwards and row by row."""
    generator = np.random.default_rng(0)
    steps, rows, gamma, gae_lambda = 30, 4, 0.97, 0.9
    reward = generator.normal(size=(steps, rows)).astype(np.float32)
    value = generator.normal(size=(steps + 1, rows)).astype(np.float32)
    done = generator.random((steps, rows)) < 0.15
    assert done[-1].any() and not done[-1].all()
    expected = np.zeros((steps, rows))
    for row in range(rows):
        for step in range(steps):
            weight = 1.0
            for later in range(step, steps):
                after = 0.0 if done[later, row] else value[later + 1, row]
                expected[step, row] += weight * (reward[later, row] + gamma * after - value[later, row])
                weight *= gamma * gae_lambda
                if done[later, row]:
                    break
    found = advantages(reward, value, done, gamma, gae_lambda)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_case_computed_by_hand() -> None:
    """Two steps that end an episode, then one of the next; discount 0.5, lambda 0.5."""
    reward = np.array([[1.0], [2.0], [4.0]], np.float32)
    value = np.array([[1.0], [3.0], [2.0], [8.0]], np.float32)
    done = np.array([[False], [True], [False]])
    found = advantages(reward, value, done, gamma=0.5, gae_lambda=0.5)[:, 0]
    # Errors: 1 + 1.5 - 1 = 1.5; 2 - 3 = -1 (nothing follows an end); 4 + 4 - 2 = 6.
    assert found.tolist() == pytest.approx([1.5 + 0.25 * -1.0, -1.0, 6.0])


def test_with_lambda_one_the_return_is_what_was_paid_and_the_value_of_what_comes() -> None:
    reward, done = np.ones((3, 1), np.float32), np.zeros((3, 1), np.bool_)
    value = np.array([[5.0], [6.0], [7.0], [8.0]], np.float32)
    found = advantages(reward, value, done, gamma=0.9, gae_lambda=1.0) + value[:-1]
    assert found[0, 0] == pytest.approx(1 + 0.9 + 0.81 + 0.729 * 8.0)


def test_room_is_made_for_choices_and_for_their_masks() -> None:
    obs, mask = np.zeros((3, 5), np.float32), np.ones((3, 4), np.bool_)
    room = Rollout.empty(7, obs, np.zeros(3, np.int64), mask)
    assert room.mask is not None
    assert [array.shape for array in (room.obs, room.action, room.log_prob, room.mask)] == [
        (7, 3, 5),
        (7, 3),
        (7, 3),
        (7, 3, 4),
    ]
    assert (room.action.dtype, room.mask.dtype) == (np.int64, np.bool_)
    assert Rollout.empty(7, obs, np.zeros((3, 2), np.float32), None).action.shape == (7, 3, 2)
