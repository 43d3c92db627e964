"""What counts as the same reward as an earlier one, what is only alike, and the distances by which that is said."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from autoreward.critic.checks import similar
from autoreward.critic.checks.outcome import Outcome
from autoreward.critic.checks.trial import Trial
from autoreward.critic.earlier import Earlier, measure
from autoreward.critic.similarity import pearson_distance, starc_distance
from tests.critic.checks.conftest import program

Make = Callable[[str], Trial]
NEAR = program(near="-distance")
PLACE = program(near="-distance", effort="-0.1 * np.sum(action**2, axis=-1)")
BEST = program('best = memory.get("best", before); memory["best"] = np.minimum(best, distance)', gain="best - distance")


def compared(trial_of: Make, source: str, *earlier: str) -> Outcome:
    sources = {f"0.{index}": text for index, text in enumerate(earlier)}
    return similar.check(replace(trial_of(source), earlier=Earlier(sources, {})))


@pytest.mark.parametrize(
    ("source", "earlier", "said"),
    [
        (NEAR.replace("distance", "d").replace("near", "close"), NEAR, "same program as candidate 0.0"),
        (NEAR.replace("1.0", "1").replace("Come close.", "Be quick."), NEAR, "same program"),
        (program(near="-np.sqrt(np.sum(offset**2, axis=-1))"), NEAR, "it pays what candidate 0.0 pays"),
        (BEST.replace("best - distance", "-(distance - best)"), BEST, "it pays what candidate 0.0 pays"),
    ],
)
def test_the_same_reward_is_refused(trial_of: Make, source: str, earlier: str, said: str) -> None:
    found = compared(trial_of, source, earlier)
    assert (found.verdict, said in found.message) == ("fail", True), found.message
    assert "pay for something else" in found.message


@pytest.mark.parametrize(
    ("source", "earlier"),
    [
        # Differently shaped: the same best policies, and another way to them.
        (program(near="-distance", shaping="10.0 * (before - 0.9 * distance)"), NEAR),
        (program(near="-distance"), program(near="-distance", shaping="before - 0.9 * distance")),
        # Its factor may matter to a trainer that does not scale rewards.
        (program(near="-3.0 * distance"), NEAR),
        # Only a rare event tells them apart.
        (
            program(near="np.where(distance < 1e-9, 1.0, -distance)"),
            program(near="np.where(distance < 2e-9, 1.0, -distance)"),
        ),
    ],
)
def test_what_is_alike_is_warned_of(trial_of: Make, source: str, earlier: str) -> None:
    found = compared(trial_of, source, earlier)
    assert found.verdict == "warning", found
    assert "0.0" in found.message


@pytest.mark.parametrize("source", [PLACE, BEST, program(near="distance"), program(near="np.exp(-30.0 * distance)")])
def test_another_reward_passes_and_is_told_the_nearest(trial_of: Make, source: str) -> None:
    found = compared(trial_of, source, NEAR)
    assert found.verdict == "pass", found
    assert found.message.startswith("nearest: 0.0 (")
    assert found.tried.startswith("1 of 1 earlier candidates on ")


def test_terms_that_no_recorded_step_fires_are_not_taken_for_alike(trial_of: Make) -> None:
    """Both distances look at recorded steps, and see nothing of what sets these two apart."""
    rare = 'np.abs(next_state["joint_velocity"][:, 0]) > 50.0'
    source, earlier = (program(near="-distance", far=f"{much} * ({rare})") for much in (1.0, -9.0))
    found = compared(trial_of, source, earlier)
    assert (found.verdict, "EPIC 0.00, STARC 0.00" in found.message) == ("pass", True), found


def test_without_earlier_candidates_there_is_nothing_to_differ_from(trial_of: Make) -> None:
    assert compared(trial_of, NEAR).tried == "no earlier candidates"


def test_seconds_that_are_spent_leave_the_rest_uncompared(trial_of: Make) -> None:
    trial = replace(trial_of(PLACE), earlier=Earlier({"0.0": NEAR, "0.1": BEST}, {}), ends=0.0)
    found = similar.check(trial)
    assert (found.verdict, found.tried[:6]) == ("no evidence", "0 of 2")


def test_distances_are_those_of_the_papers_where_they_are_known(trial_of: Make) -> None:
    """0 up to shaping and scale, 1 for the opposite, between for others; a metric's triangle holds."""
    trial = trial_of(NEAR)
    names = {
        "near": NEAR,
        "shaped": program(near="-distance", shaping="5.0 * (before - 0.9 * distance)"),
        "opposite": program(near="distance"),
        "effort": program(effort="-np.sum(action**2, axis=-1)"),
    }
    found = {name: measure(trial, source) for name, source in names.items()}
    epic = {name: each.epic for name, each in found.items() if each.epic is not None}
    assert pearson_distance(epic["near"], epic["shaped"]) < 0.02
    assert pearson_distance(epic["near"], epic["opposite"]) == pytest.approx(1.0, abs=1e-6)
    assert 0.5 < pearson_distance(epic["near"], epic["effort"]) < 0.9
    assert starc_distance(found["near"].starc, found["opposite"].starc) == pytest.approx(1.0, abs=1e-6)
    sides = [(first, second) for first in found for second in found]
    distance = {(a, b): starc_distance(found[a].starc, found[b].starc) for a, b in sides}
    assert all(distance[a, c] <= distance[a, b] + distance[b, c] + 1e-9 for a, b in sides for c in found)


def test_starc_takes_off_what_is_a_potential_of_the_fields(trial_of: Make) -> None:
    """A potential that is linear in squares of fields leaves nothing, whatever its size."""
    trial = trial_of(NEAR)
    square = 'np.sum(state["target_offset"]**2, axis=-1) - 0.9 * np.sum(offset**2, axis=-1)'
    plain, shaped = (
        measure(trial, PLACE),
        measure(
            trial, program(near="-distance", effort="-0.1 * np.sum(action**2, axis=-1)", more=f"20.0 * ({square})")
        ),
    )
    assert starc_distance(plain.starc, shaped.starc) < 1e-3
    assert measure(trial, program(only=square)).starc.any() == np.False_
