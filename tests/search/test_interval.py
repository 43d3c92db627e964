import numpy as np
import pytest

from autoreward.search.statistics import interval, iqm


def test_one_freak_seed_at_each_end_does_not_move_the_interquartile_mean() -> None:
    assert iqm([0.0, 0.5, 0.6, 1.0]) == pytest.approx(0.55)
    assert iqm([-1e9, 0.5, 0.6, 1e9]) == pytest.approx(0.55)


def test_few_values_have_their_mean() -> None:
    assert iqm([0.2]) == pytest.approx(0.2)
    assert iqm([0.0, 0.3, 0.9]) == pytest.approx(0.4)


def test_no_value_has_no_interquartile_mean() -> None:
    with pytest.raises(ValueError, match="no value"):
        iqm([])


def test_no_interval_is_claimed_below_five_seeds() -> None:
    assert interval([0.1, 0.5, 0.9, 0.9]) is None
    assert interval([]) is None


def test_the_interval_holds_the_interquartile_mean_and_is_the_same_each_time() -> None:
    values = (0.1, 0.4, 0.5, 0.55, 0.9)
    low, high = interval(values)
    assert min(values) <= low < iqm(values) < high <= max(values)
    assert interval(values) == (low, high)


def test_equal_values_have_an_interval_of_no_width() -> None:
    assert interval([1.0] * 5) == (1.0, 1.0)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = [low <= 0.0 <= high for low, high in (interval(rng.normal(size=20)) for _ in range(60))]
    assert np.mean(covered) > 0.8
