"""The sweep's statistics against computations of their own: by definition, by enumeration, and by other code."""

import itertools
import random

import numpy as np
import pytest

from autoreward.search.statistics import improvement_interval, interval
from autoreward.sweeps.statistics import better, overall, profile

TASKS = ((0.0, 0.2, 0.9), (1.0, 0.8, 0.85, 0.7), (0.1, 0.0))
OTHER = ((0.3, 0.2, 1.0), (1.0, 1.0, 0.6), (0.1, 0.05, 0.0))


def middle_half(values: list[float]) -> float:
    """The interquartile mean by its definition: a quarter of the values, in whole values, goes at each end."""
    ordered, cut = sorted(values), len(values) // 4
    kept = ordered[cut : len(values) - cut]
    return sum(kept) / len(kept)


def drawn(rng: random.Random, tasks: tuple[tuple[float, ...], ...]) -> list[list[float]]:
    """As many runs of each task as there are, with replacement."""
    return [rng.choices(values, k=len(values)) for values in tasks]


def test_the_interquartile_mean_is_of_all_runs_of_all_tasks() -> None:
    found = overall(TASKS)
    assert found is not None
    assert found.value == pytest.approx(middle_half([value for values in TASKS for value in values]))
    assert found.runs == 9


def test_the_interval_is_that_of_a_stratified_bootstrap_written_from_its_definition() -> None:
    rng = random.Random(7)
    means = [middle_half([value for values in drawn(rng, TASKS) for value in values]) for _ in range(20_000)]
    found = overall(TASKS)
    assert found is not None and found.interval is not None
    assert found.interval == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.012)


def test_a_bootstrap_that_ignores_tasks_would_be_wider() -> None:
    """Two tasks that differ, runs that do not: nothing but the share of each task could vary, and strata keep it."""
    tasks = ([0.1] * 5, [0.9] * 5)
    found = overall(tasks)
    assert found is not None
    assert found.interval == (pytest.approx(0.5), pytest.approx(0.5))
    low, high = interval([*tasks[0], *tasks[1]]) or (0.5, 0.5)
    assert high - low > 0.3


def test_one_task_has_the_interval_that_a_report_gives_it() -> None:
    values = (0.1, 0.4, 0.5, 0.55, 0.9, 0.3)
    found = overall([values])
    assert found is not None and found.interval is not None
    assert found.interval == pytest.approx(interval(values), abs=0.012)


@pytest.mark.parametrize("tasks", [((0.1, 0.2), (0.3, 0.4)), ((0.1, 0.2, 0.3, 0.4, 0.5), (0.7,))])
def test_no_interval_is_claimed_of_four_runs_or_of_a_task_with_one(tasks: tuple[tuple[float, ...], ...]) -> None:
    found = overall(tasks)
    assert found is not None
    assert found.interval is None


def test_no_run_has_no_mean() -> None:
    assert overall([]) is None
    assert overall([(), ()]) is None
    assert better([()], [(1.0,)]) is None


def test_the_profile_counts_runs_above_each_threshold() -> None:
    thresholds = (0.0, 0.2, 0.85, 1.0)
    values = np.concatenate([np.asarray(task) for task in TASKS])
    shares = [point.value for point in profile(TASKS, thresholds)]
    assert shares == pytest.approx([float(np.mean(values > threshold)) for threshold in thresholds])
    rng = random.Random(3)
    above = [np.mean([value > 0.2 for values in drawn(rng, TASKS) for value in values]) for _ in range(20_000)]
    point = profile(TASKS, (0.2,))[0]
    assert point.interval == pytest.approx(np.quantile(above, [0.025, 0.975]), abs=0.03)


def test_the_probability_of_improvement_is_the_mean_over_tasks_of_all_pairs() -> None:
    shares = []
    for one, two in zip(TASKS, OTHER, strict=True):
        pairs = [(b > a) + 0.5 * (b == a) for a, b in itertools.product(one, two)]
        shares.append(sum(pairs) / len(pairs))
    found = better(TASKS, OTHER)
    assert found is not None
    assert found.value == pytest.approx(sum(shares) / len(shares))
    back = better(OTHER, TASKS)
    assert back is not None
    assert found.value + back.value == pytest.approx(1.0)


def test_its_interval_is_that_of_drawing_runs_of_both_again_within_each_task() -> None:
    rng, means = random.Random(11), []
    for _ in range(6_000):
        first, second = drawn(rng, TASKS), drawn(rng, OTHER)
        tasks = [
            np.mean([(b > a) + 0.5 * (b == a) for a, b in itertools.product(one, two)])
            for one, two in zip(first, second, strict=True)
        ]
        means.append(np.mean(tasks))
    found = better(TASKS, OTHER)
    assert found is not None
    assert found.interval == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.02)


def test_one_task_is_compared_as_runs_are() -> None:
    first, second = (0.1, 0.4, 0.5, 0.55, 0.9), (0.3, 0.5, 0.6, 0.7, 0.95, 0.2)
    found = better([first], [second])
    assert found is not None
    assert found.interval == pytest.approx(improvement_interval(first, second), abs=0.04)  # a grid of 1/30


def test_tasks_that_one_side_never_ran_are_left_out() -> None:
    found = better([*TASKS, (0.5, 0.5)], [*OTHER, ()])
    assert found == better(TASKS, OTHER)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    covered = []
    for _ in range(15):
        found = overall([rng.normal(level, 1.0, 12) for level in (-1.0, 0.0, 1.0)])
        assert found is not None and found.interval is not None
        covered.append(found.interval[0] <= 0.0 <= found.interval[1])
    assert np.mean(covered) > 0.8


def test_the_numbers_are_those_of_rliable() -> None:
    """Computed with rliable 1.2.0 (pandas 2.3.3, 20,000 resamples) on the same runs x tasks.

    There are few runs, so the ends of intervals lie on a grid of some 0.01 apart.
    """
    one = (
        (0.0, 0.2, 0.9, 0.4, 0.1),
        (0.9, 1.0, 0.8, 0.85, 0.7),
        (0.1, 0.0, 0.3, 0.2, 0.0),
        (0.55, 0.6, 0.5, 0.45, 0.65),
    )
    two = (
        (0.3, 0.2, 1.0, 0.5, 0.3),
        (1.0, 1.0, 0.6, 0.9, 0.95),
        (0.1, 0.05, 0.0, 0.4, 0.3),
        (0.7, 0.75, 0.5, 0.8, 0.6),
    )
    for tasks, value, ends in ((one, 0.455, (0.35, 0.58)), (two, 0.545, (0.45, 0.68))):
        found = overall(tasks)
        assert found is not None
        assert found.value == pytest.approx(value)
        assert found.interval == pytest.approx(ends, abs=0.012)
    improved = better(one, two)
    assert improved is not None
    assert improved.value == pytest.approx(0.69)
    assert improved.interval == pytest.approx((0.505, 0.845), abs=0.02)
    points = profile(one, (0.0, 0.25, 0.5, 0.75))
    assert [point.value for point in points] == pytest.approx([0.85, 0.65, 0.45, 0.25])
    assert points[1].interval == pytest.approx((0.5, 0.8), abs=0.02)
