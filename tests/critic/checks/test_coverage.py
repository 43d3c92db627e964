"""The checks of terms and branches, each with a program that it warns of, one that passes, and one without evidence."""

from collections.abc import Callable

import pytest

from autoreward.critic.checks import balance, branches, elsewhere, fields, fires, saturation
from autoreward.critic.checks.outcome import Outcome
from autoreward.critic.checks.trial import Trial
from tests.critic.checks.conftest import program

Make = Callable[[str], Trial]
Check = Callable[[Trial], Outcome]

NEAR = "-distance"
WARNED: dict[str, tuple[Check, str, str]] = {
    "never fires": (
        fires.check,
        program(near=NEAR, bonus="np.where(distance < -1.0, 5.0, 0.0)"),
        "`bonus` never fires",
    ),
    "drowned": (balance.check, program(near=NEAR, fast="1000.0 * np.sum(action**2, axis=-1)"), "`fast` varies"),
    "at 1": (saturation.check, program(near=NEAR, far="np.tanh(100.0 * distance)"), "`far` is 1, its bound"),
    "faint": (
        saturation.check,
        program(near="np.exp(-(3000.0 * distance)**0.5)"),
        "its bound, in 100% of the recorded steps",
    ),
    "not finite": (elsewhere.check, program(near="np.sqrt(0.7 - distance)"), "in extreme states"),
    "never true": (branches.check, program(near=f"np.where(distance < 0.0, 1.0, {NEAR})"), "is never true"),
    "if": (branches.check, program("if len(distance) < 0: distance = -distance", near=NEAR), "`if` of line 9 is never"),
}


@pytest.mark.parametrize(("check", "source", "said"), WARNED.values(), ids=WARNED)
def test_what_is_warned_of(trial_of: Make, check: Check, source: str, said: str) -> None:
    found = check(trial_of(source))
    assert found.verdict == "warning"
    assert said in found.message
    assert found.tried


@pytest.mark.parametrize("check", [fires.check, balance.check, saturation.check, fields.check, elsewhere.check])
def test_what_passes(trial_of: Make, check: Check) -> None:
    source = program(near=NEAR, effort="-0.1 * np.sum(action**2, axis=-1)", bonus="np.where(distance < 0.01, 1.0, 0.0)")
    found = check(trial_of(source))
    assert (found.verdict, found.message) == ("pass", "")
    assert any(letter.isdigit() for letter in found.tried)


def test_saturation_shows_a_step_with_units(trial_of: Make) -> None:
    (row, *_) = saturation.check(trial_of(program(far="np.tanh(100.0 * distance) + 0.0"))).rows
    assert row.where == "recorded, environment 0, step 0"
    assert row.values["next_state.target_offset"].endswith(" m")
    assert row.values["far"] == "1"


def test_a_constant_term_is_named_without_a_warning(trial_of: Make) -> None:
    found = fires.check(trial_of(program(near=NEAR, time="-np.ones(len(distance))")))
    assert found.verdict == "pass"
    assert "`time` is -1 in every state" in found.message


def test_a_field_that_stays_is_warned_of(trial_of: Make) -> None:
    trial = trial_of(program(near=NEAR))
    for name in trial.inputs:
        if name.endswith("target_offset"):
            trial = Trial(
                trial.program,
                trial.schema,
                trial.cell,
                trial.new_cell,
                {**trial.inputs, name: trial.inputs[name] * 0 + 0.1},
                trial.begun,
            )
    found = fields.check(trial)
    assert found.verdict == "warning"
    assert "next_state.target_offset = [0.1 0.1] m" in found.message


def test_too_few_terms_to_compare_are_no_evidence(trial_of: Make) -> None:
    found = balance.check(trial_of(program(near=NEAR, bonus="np.where(distance < 0.001, 1.0, 0.0)")))
    assert found.verdict == "no evidence"


def test_what_bounds_cannot_be_seen_where_terms_grow_too_large(trial_of: Make) -> None:
    found = saturation.check(trial_of(program(near="-np.exp(20.0 * distance)")))
    assert found.verdict == "no evidence"


def test_every_kind_of_branch_is_counted_in_helpers_and_loops_too(trial_of: Make) -> None:
    body = """
    mark = [1.0 if scale > 0.05 else 2.0 for scale in (0.01, 0.1)]
    close = (distance < 0.1) & ~(distance < 0.02)
    bonus = np.select([distance < 0.05, distance < 0.1], [2.0, 1.0], 0.0)
    gain = helper(distance, before)
    for limit in (0.05, 0.1):
        gain = gain + (distance < limit)
    """
    helper = "\ndef helper(after, before):\n    return np.where(after < before, before - after, 0.0)\n"
    source = program(body, near="bonus + close * mark[0]", gain="gain") + helper
    found = branches.check(trial_of(source))
    assert (found.verdict, found.message) == ("pass", "")
    assert found.tried.startswith("6 of 6 branches both ways in ")


def test_branches_of_both_functions_of_signs_are_counted(trial_of: Make) -> None:
    source = """
def sparse(state, action, next_state, memory):
    return {"there": 1.0 * (np.linalg.norm(next_state["target_offset"], axis=-1) < 0.02)}

def dense(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["target_offset"], axis=-1)
    best = memory.get("best", distance)
    memory["best"] = np.minimum(best, distance)
    return {"nearer": 1.0 * (distance < best), "never": 1.0 * (distance < -1.0)}
"""
    found = branches.check(trial_of(source))
    assert found.tried.startswith("2 of 3 branches")
    assert found.line == 9


def test_the_program_is_back_after_its_branches_were_counted(trial_of: Make) -> None:
    trial = trial_of(program(near=f"np.where(distance < 0.1, 1.0, {NEAR})"))
    branches.check(trial)
    assert list(trial.score().terms) == ["near"]


def test_a_program_too_long_for_counters_is_no_evidence(trial_of: Make) -> None:
    where, ends = "np.where(distance < 0.1, 1.0, " * 40, ")" * 40  # brackets within each other; a counter adds one
    found = branches.check(trial_of(program(f"distance = {where}distance{ends}", near=NEAR)))
    assert found.verdict == "no evidence"


def test_no_branches_are_none_to_miss(trial_of: Make) -> None:
    found = branches.check(trial_of(program(near=NEAR)))
    assert (found.verdict, found.tried) == ("pass", "0 branches")
