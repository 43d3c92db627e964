"""Which episodes are looked at: the best, the median, the worst, and a failure of each outcome."""

from __future__ import annotations

import pytest

from autoreward.report.choosing import choose, ranking
from autoreward.report.films import for_page
from autoreward.report.playing import Episode


def episode(success: bool, score: float | None = None, outcomes: tuple[str, ...] = (), at: int = 5) -> Episode:
    marks = {"success": (at,)} if success else {}
    return Episode(
        seed=0,
        actions=((0.0,),) * 9,
        success=success,
        score=score,
        outcomes=outcomes,
        marks=dict[str, tuple[int, ...]](marks),
    )


def labels(episodes: list[Episode], outcomes: tuple[str, ...] = ()) -> dict[int, tuple[str, ...]]:
    return {choice.index: choice.labels for choice in choose(episodes, outcomes)}


def test_success_counts_more_than_score_and_score_more_than_time() -> None:
    played = [episode(False, 9.0), episode(True, 1.0), episode(True, 2.0, at=9), episode(True, 2.0, at=3)]
    assert ranking(played) == [0, 1, 2, 3]


def test_of_equal_episodes_the_first_is_the_best() -> None:
    assert ranking([episode(True)] * 3)[-1] == 0


def test_best_median_worst_and_a_failure_of_each_outcome() -> None:
    played = [episode(True, float(score), ("upright",)) for score in range(4)]
    played += [episode(False, -float(score), ("fell",)) for score in range(3)] + [
        episode(False, -9.0, ("left", "late"))
    ]
    found = labels(played, ("fell", "late", "left", "upright"))
    assert found == {3: ("best",), 0: ("median",), 7: ("worst", "failed: late", "failed: left"), 5: ("failed: fell",)}
    assert not any("upright" in label for each in found.values() for label in each), "an outcome of successes alone"


def test_a_failure_without_an_outcome_is_shown_too() -> None:
    played = [episode(True), episode(False, 1.0), episode(False, 0.0, ("fell",)), episode(True)]
    assert labels(played, ("fell",)) == {0: ("best",), 3: ("median",), 2: ("worst", "failed: fell"), 1: ("failed",)}


def test_one_episode_is_there_once() -> None:
    assert labels([episode(True)]) == {0: ("best", "median", "worst")}
    assert labels([episode(False)]) == {0: ("best", "median", "worst", "failed")}


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ([("best",), ("median",), ("worst",)], [0, 1, 2]),
        ([("best",), ("median",), ("worst", "failed: fell"), ("failed: left",)], [0, 2, 1]),
        ([("best",), ("median", "failed: fell"), ("worst",)], [0, 1, 2]),
        ([("best", "median", "worst", "failed")], [0]),
        ([()], []),
    ],
)
def test_a_page_shows_the_best_a_failure_and_the_median(given: list[tuple[str, ...]], places: list[int]) -> None:
    assert for_page(given) == places
