import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from autoreward.search.statistics import improvement, improvement_interval


def test_the_share_of_pairs_in_which_the_second_is_better() -> None:
    assert improvement([0.1, 0.2], [0.3, 0.4]) == 1.0
    assert improvement([0.3, 0.4], [0.1, 0.2]) == 0.0
    assert improvement([0.1, 0.5], [0.5]) == pytest.approx((1 + 0.5) / 2)
    assert improvement([1.0] * 5, [1.0] * 3) == 0.5


def test_it_is_the_mann_whitney_statistic() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 6, 9) / 5, rng.integers(0, 6, 7) / 5
    statistic = mannwhitneyu(second, first).statistic
    assert improvement(first, second) == pytest.approx(statistic / (9 * 7))
    assert improvement(first, second) + improvement(second, first) == pytest.approx(1.0)


def test_no_value_has_no_probability() -> None:
    with pytest.raises(ValueError, match="no value"):
        improvement([], [1.0])


def test_no_interval_is_claimed_below_five_seeds() -> None:
    assert improvement_interval([0.1] * 4, [0.2] * 9) is None
    assert improvement_interval([0.1] * 9, [0.2] * 4) is None


def test_the_interval_holds_the_probability_and_is_the_same_each_time() -> None:
    first, second = (0.1, 0.4, 0.5, 0.55, 0.9), (0.3, 0.5, 0.6, 0.7, 0.95, 0.2)
    low, high = improvement_interval(first, second) or (1.0, 0.0)
    assert 0.0 <= low < improvement(first, second) < high <= 1.0
    assert improvement_interval(first, second) == (low, high)
    assert improvement_interval([0.0] * 5, [1.0] * 5) == (1.0, 1.0)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    found = [improvement_interval(rng.normal(size=20), rng.normal(size=20)) or (1.0, 0.0) for _ in range(25)]
    assert np.mean([low <= 0.5 <= high for low, high in found]) > 0.8
