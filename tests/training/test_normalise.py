from __future__ import annotations

import numpy as np
import pytest

from autoreward.training.normalise import RewardScale, RunningStatistics


def test_statistics_are_those_of_all_rows_however_they_came() -> None:
    rows = np.random.default_rng(0).normal([10.0, -3.0, 0.0], [2.0, 0.01, 5.0], (1_000, 3))
    statistics = RunningStatistics((3,))
    for part in np.split(rows, [1, 2, 40, 700]):
        statistics.update(part)
    np.testing.assert_allclose(statistics.mean, rows.mean(axis=0), rtol=1e-6, atol=1e-5)
    # The first guess (mean 0, variance 1) counts for a ten-thousandth of a row.
    np.testing.assert_allclose(statistics.variance, rows.var(axis=0), rtol=2e-2)
    normalised = statistics.normalised(rows)
    assert normalised.dtype == np.float32
    np.testing.assert_allclose(normalised.mean(axis=0), 0.0, atol=1e-3)
    np.testing.assert_allclose(normalised.std(axis=0), 1.0, rtol=1e-2)


def test_statistics_are_stable_baselines3s() -> None:
    from stable_baselines3.common.running_mean_std import RunningMeanStd

    ours, theirs = RunningStatistics((2,)), RunningMeanStd(shape=(2,))
    generator = np.random.default_rng(1)
    for size in (1, 5, 16, 3):
        rows = generator.normal(3.0, 4.0, (size, 2)).astype(np.float32)
        ours.update(rows)
        theirs.update(rows)
    np.testing.assert_allclose(ours.mean, theirs.mean, rtol=1e-6)
    np.testing.assert_allclose(ours.variance, theirs.var, rtol=1e-6)


def test_far_observations_are_clipped() -> None:
    statistics = RunningStatistics((1,))
    statistics.update(np.array([[0.0], [1.0]]))
    assert statistics.normalised(np.array([[1e9], [-1e9]])).tolist() == [[10.0], [-10.0]]


def test_rewards_are_divided_by_the_spread_of_the_discounted_return() -> None:
    gamma = 0.9
    generator = np.random.default_rng(0)
    reward = generator.normal(3.0, 20.0, (40, 2)).astype(np.float32)
    done = generator.random((40, 2)) < 0.1
    returns, running = [], np.zeros(2)
    for row, ended in zip(reward, done, strict=True):
        running = running * gamma + row
        returns.append(running)
        running = np.where(ended, 0.0, running)
    scale = RewardScale(2, gamma)
    first = scale.scaled(reward[:15], done[:15])
    np.testing.assert_allclose(first, reward[:15] / np.std(returns[:15]), rtol=1e-3)
    second = scale.scaled(reward[15:], done[15:])
    np.testing.assert_allclose(second, reward[15:] / np.std(returns), rtol=1e-3)
    assert second.dtype == np.float32


def test_a_reward_far_beyond_all_others_is_clipped() -> None:
    scale = RewardScale(1, 0.9)
    never = np.zeros((2_000, 1), np.bool_)
    scale.scaled(np.tile(np.array([[1.0], [-1.0]], np.float32), (1_000, 1)), never)
    assert scale.scaled(np.full((1, 1), 1e3, np.float32), never[:1]).item() == pytest.approx(10.0)


def test_what_is_put_back_goes_on_the_same() -> None:
    generator = np.random.default_rng(2)
    reward, done = generator.normal(size=(12, 3)).astype(np.float32), generator.random((12, 3)) < 0.2
    whole, before, after = (RewardScale(3, 0.95) for _ in range(3))
    whole.scaled(reward[:5], done[:5])
    before.scaled(reward[:5], done[:5])
    after.restore(before.arrays())
    np.testing.assert_array_equal(after.scaled(reward[5:], done[5:]), whole.scaled(reward[5:], done[5:]))
