"""What an episode is worth, and that a search moves."""

from collections.abc import Callable

import numpy as np
import pytest

from autoreward.critic.checks.trial import Trial
from autoreward.critic.probing.playing import Steps, paid, play
from autoreward.critic.probing.policies import Rhythm, scripted
from autoreward.critic.probing.search import Search
from autoreward.envs.registry import make_env


def test_what_a_limit_cuts_off_goes_on_paying(valley: Callable[..., Trial]) -> None:
    trial = valley(one="np.ones(len(position))")
    assert trial.task is not None
    env = make_env(trial.task.env, 2)
    try:
        drive = scripted([Rhythm("idle", np.zeros((1, 1)))] * 2)
        played = play(env, trial.task, drive, [3, 3], ["position"], 500, float("inf"))
    finally:
        env.close()
    assert played.lengths.tolist() == [200, 200]
    assert played.failed.all()
    assert not played.ended.any()
    assert np.array_equal(played.inputs["state.position"][:, 0], played.inputs["state.position"][:, 1])
    pay = paid(trial, played, gamma=0.9)
    assert pay.worth == pytest.approx([10.0, 10.0])
    assert pay.pace == pytest.approx([1.0, 1.0])


def test_a_success_that_ends_the_episode_may_come_earlier(valley: Callable[..., Trial]) -> None:
    trial = valley(goal="np.where(position >= 0.45, 8.0, 0.0)", time="-np.ones(len(position))")
    ended, fails = np.array([True, False, True]), np.zeros(3, np.bool_)
    places = np.array([[0.0] * 3, [0.0] * 3, [0.5] * 3], np.float32)
    inputs = {f"{when}.position": places for when in ("state", "next_state")} | {"action": np.zeros((3, 3, 1))}
    begun = np.array([[True] * 3, [False] * 3, [False] * 3])
    played = Steps(
        inputs,
        begun,
        np.ones((3, 3), np.bool_),
        np.array([True, True, False]),
        fails,
        ended,
        np.zeros(3),
        np.zeros((3, 2)),
    )
    assert paid(trial, played, gamma=0.5).early == pytest.approx([7 * 0.75, 0.0, 0.0])


def test_an_episode_that_is_not_over_has_neither_failed_nor_succeeded(valley: Callable[..., Trial]) -> None:
    trial = valley(one="np.ones(len(position))")
    assert trial.task is not None
    env = make_env(trial.task.env, 1)
    try:
        drive = scripted([Rhythm("idle", np.zeros((1, 1)))])
        played = play(env, trial.task, drive, [3], ["position"], 50, float("inf"))
    finally:
        env.close()
    assert (played.failed[0], played.success[0], played.lengths[0]) == (False, False, 50)


def test_a_search_finds_what_is_worth_most_and_leaves_out_what_is_not_counted() -> None:
    search, wanted = Search((2,), np.random.default_rng(0)), np.array([1.5, -2.0])
    for _ in range(40):
        drawn = search.ask(8)
        values = -np.abs(drawn - wanted).sum(axis=1)
        search.tell(drawn, np.where(drawn[:, 0] > 1.6, -np.inf, values))
    best = search.ask(1)[0]
    assert np.abs(best - wanted).max() < 0.4
    assert best[0] <= 1.6
