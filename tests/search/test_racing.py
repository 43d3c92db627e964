"""Who goes on from a rung, and what it costs."""

from __future__ import annotations

from fractions import Fraction

import pytest

from autoreward.errors import UserError
from autoreward.search.racing import Standing, most_steps, places, rungs, survivors
from autoreward.task import Task
from autoreward.testing.trainer import line_task


def task(steps: int, rollout: int = 10, **settings: object) -> Task:
    base = line_task(steps=steps)
    return base.model_copy(
        update={"trainer": base.trainer.model_copy(update={"num_envs": 10, "rollout": rollout} | settings)}
    )


def field(*results: tuple[float, float | None], episodes: int = 40) -> list[Standing]:
    return [Standing(index, success, score, episodes) for index, (success, score) in enumerate(results)]


def kept(standings: list[Standing], count: int) -> list[int]:
    return [one.index for one in survivors(standings, count)]


def test_rungs_are_whole_rollouts_and_end_with_the_task() -> None:
    assert rungs(task(4_000), 0) == (4_000,)
    assert rungs(task(4_000), 2) == (1_000, 2_000, 4_000)
    assert rungs(task(4_050), 3) == (500, 1_000, 2_000, 4_050), "the nearest whole rollouts; the end is not rounded"


def test_rungs_that_fall_together_are_refused_and_so_is_a_trainer_that_begins_anew() -> None:
    with pytest.raises(UserError, match=r"--halvings 2 is too much for trainings of 250 steps.*rollouts of 100 steps"):
        rungs(task(250), 2)
    with pytest.raises(UserError, match="too much"):
        rungs(task(100), 1)
    with pytest.raises(UserError, match=r"--halvings .*sb3 begin anew"):
        rungs(task(4_000, name="sb3"), 1)
    assert rungs(task(4_000, name="sb3"), 0) == (4_000,)


def test_half_of_half_is_rounded_up_and_at_least_one() -> None:
    assert [[places(count, rung) for rung in range(3)] for count in (1, 2, 4, 5, 9)] == [
        [1, 1, 1],
        [1, 1, 1],
        [2, 1, 1],
        [3, 2, 1],
        [5, 3, 2],
    ]


def test_four_candidates_halved_twice_cost_two_trainings_of_four() -> None:
    steps = rungs(task(4_000), 2)
    assert Fraction(most_steps(4, steps, extra=0), 4_000) == 2
    assert Fraction(most_steps(4, steps), 4_000) == Fraction(11, 4), "one more at each rung"
    assert most_steps(4, (4_000,)) == 4 * 4_000
    assert [most_steps(count, steps) for count in (0, 1)] == [0, 4_000]


def test_the_better_half_goes_on_by_success_and_then_by_score() -> None:
    assert kept(field((0.2, None), (0.9, None), (0.1, None), (0.8, None)), 2) == [1, 3]
    assert kept(field((0.5, 1.0), (0.5, 9.0), (0.5, 5.0)), 1) == [1]
    assert kept(field((0.5, 1.0), (0.5, 1.0)), 2) == [0, 1], "of equals the earlier comes first"
    assert kept(field((0.5, 1.0)), 1) == [0]
    assert survivors([], 1) == []


@pytest.mark.parametrize(("lower", "extra"), [(0.29, True), (0.275, False)])
def test_a_success_that_cannot_be_told_from_the_last_kept_stays(lower: float, extra: bool) -> None:
    """By hand, 40 episodes each: 2 sqrt(p (1 - p) / 20) is 0.218 for 0.5 and 0.29, and 0.218 for 0.5 and 0.275."""
    assert kept(field((0.5, None), (lower, None)), 1) == ([0, 1] if extra else [0])


def test_more_episodes_tell_more() -> None:
    assert kept(field((0.5, None), (0.4, None), episodes=40), 1) == [0, 1]
    assert kept(field((0.5, None), (0.4, None), episodes=400), 1) == [0]


def test_a_score_tells_beyond_a_twentieth_of_its_range() -> None:
    assert kept(field((0.0, -10.0), (0.0, -10.9), (0.0, -30.0)), 1) == [0, 1]
    assert kept(field((0.0, -10.0), (0.0, -11.1), (0.0, -30.0)), 1) == [0]
    assert kept(field((0.6, -10.0), (0.5, -3.0), (0.0, -30.0)), 1) == [0, 1], "better in score, alike in success"
    assert kept(field((0.6, -10.0), (0.5, None)), 1) == [0], "one whose training failed on a seed has no score"


def test_one_more_at_most_also_where_nobody_has_shown_anything() -> None:
    assert kept(field(*[(0.0, None)] * 8), 4) == [0, 1, 2, 3, 4]
    assert kept(field(*[(1.0, 2.0)] * 8), 2) == [0, 1, 2]
