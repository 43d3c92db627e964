"""Distances of two finished rewards, in real cells."""

from __future__ import annotations

import functools

import pytest

from autoreward.critic.distances import Distances, distances
from autoreward.envs.record import record_transitions
from autoreward.envs.registry import describe
from autoreward.errors import CellFailed, RewardRefused
from autoreward.sandbox.process import ProcessCell
from autoreward.testing.trainer import line_task

PLACE = """IDEA = "Up."
WEIGHTS = {"up": 1.0}

def compute_reward(state, action, next_state, memory):
    return {"up": next_state["position"] - state["position"]}
"""
ACTION = PLACE.replace('next_state["position"] - state["position"]', "action[:, 0]")
MEMORY = PLACE.replace("    return", '    memory["last"] = next_state["position"]\n    return')
RARE = PLACE.replace('next_state["position"] - state["position"]', 'np.where(next_state["position"] > 1e6, 1.0, 0.0)')


@functools.cache
def measured(first: str, second: str) -> Distances:
    task = line_task()
    given = (describe(task.env), task, record_transitions(task, 0), functools.partial(ProcessCell, least="C"))
    return distances(first, second, *given)


def test_the_same_reward_and_one_of_three_times_the_size_are_at_no_distance() -> None:
    for other in (PLACE, PLACE.replace("1.0}", "3.0}")):
        found = measured(ACTION, other.replace(PLACE.split("return")[1], ACTION.split("return")[1]))
        assert found.starc == pytest.approx(0.0, abs=1e-3)
        assert found.epic == pytest.approx(0.0, abs=1e-3)
        assert found.seen


def test_the_opposite_reward_is_at_distance_one() -> None:
    found = measured(ACTION, ACTION.replace("1.0}", "-1.0}"))
    assert (found.starc, found.epic) == (pytest.approx(1.0, abs=1e-3), pytest.approx(1.0, abs=1e-3))


def test_epic_is_not_defined_where_a_program_keeps_something() -> None:
    assert measured(ACTION, MEMORY).epic is None


def test_a_term_that_never_pays_is_told() -> None:
    assert not measured(ACTION, RARE).seen


def test_what_is_no_program_or_raises_is_an_error_and_nothing_else() -> None:
    with pytest.raises(RewardRefused):
        measured("import os\n" + ACTION, ACTION)
    with pytest.raises(RewardRefused):
        measured(ACTION, "import os\n" + ACTION)
    with pytest.raises(CellFailed):
        measured(ACTION, ACTION.replace("action[:, 0]", "action[:, 7]"))
