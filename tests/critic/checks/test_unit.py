"""Units that meet: what is warned of, and what is let be since it is right or not known."""

from collections.abc import Callable

import pytest

from autoreward.critic.checks import unit
from autoreward.critic.checks.trial import Trial
from autoreward.critic.units import parse_unit, shown
from tests.critic.checks.conftest import program

Make = Callable[[str], Trial]
ANGLE = 'np.sum(np.abs(next_state["joint_angle"]), axis=-1)'
SPEED = 'np.linalg.norm(next_state["fingertip_velocity"], axis=-1)'
HELPER = "\ndef total(first, second):\n    return first + second\n"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (program(near=f"-(distance + {ANGLE})"), "line 10: m and rad"),
        (program(f"turn = {ANGLE}\n    cost = distance - turn", near="-cost"), "line 10: m and rad"),
        (program(f"cost = distance\n    cost += {SPEED}", near="-cost"), "line 10: m and m s^-1"),
        (program(near=f"np.where(distance > 0.1, -distance, -{ANGLE})"), "m and rad"),
        (program(near=f"np.maximum(distance, {ANGLE})"), "m and rad"),
        (program(near=f"-1.0 * (distance < {ANGLE})"), "m and rad"),
        (program(near=f"-(distance**2 + {SPEED}**2)"), "m^2 and m^2 s^-2"),
        (program(near=f"-total(distance, {ANGLE})") + HELPER, "line 13: m and rad"),
        (program(f'memory["turn"] = {ANGLE}', near=f'distance - memory.get("turn", {ANGLE})'), "m and rad"),
    ],
)
def test_units_that_differ_are_warned_of(trial_of: Make, source: str, said: str) -> None:
    found = unit.check(trial_of(source))
    assert found.verdict == "warning"
    assert said in found.message
    assert found.line


@pytest.mark.parametrize(
    "source",
    [
        program(near="-(distance + np.maximum(before - distance, 0.0)) + 1.0"),
        program(near=f"-(distance + 0.1 * {ANGLE})"),  # a weight has a unit of its own
        program(near=f"np.exp(-distance) + {ANGLE}"),
        program(near="distance - np.linalg.norm(state['fingertip'] - state['target'], axis=-1)"),
        program(near=f"distance / before + {ANGLE}"),  # radians are a ratio
        program("here = distance", near=f"here * {ANGLE} - distance"),  # and an arc has the unit of its radius
        program("here = distance if len(distance) > 1 else np.exp(distance)", near=f"here + {ANGLE}"),
        program(near=f"-total(distance, 0.1 * {ANGLE})") + HELPER,
    ],
)
def test_what_agrees_or_is_not_known_passes(trial_of: Make, source: str) -> None:
    found = unit.check(trial_of(source))
    assert found.verdict == "pass", found
    assert "fields with a unit" in found.tried


@pytest.mark.parametrize(
    "source",
    [
        program(near="1.0 * " + "(distance < " * 35 + "distance" + " < distance)" * 35),
        program(near="helper(distance)") + "\ndef helper(x):\n    return " + " + ".join(["helper(x)"] * 60) + "\n",
    ],
    ids=["comparisons within each other", "a helper that calls itself often"],
)
def test_programs_made_to_take_forever_do_not(trial_of: Make, source: str) -> None:
    """Followed naively, these are 2**35 and 60**4 steps."""
    assert unit.check(trial_of(source)).verdict == "pass"


def test_fields_without_units_are_no_evidence(trial_of: Make) -> None:
    source = program(near='state["elbow_cos"]').replace('"target_offset"', '"elbow_sin"').replace(", axis=-1", "")
    assert unit.check(trial_of(source)).verdict == "no evidence"


@pytest.mark.parametrize(
    ("text", "words"),
    [("m/s", "m s^-1"), ("N m", "N m"), ("1/step", "step^-1"), ("m/s^2", "m s^-2"), ("m/m", "a ratio")],
)
def test_units_are_read_as_schemas_write_them(text: str, words: str) -> None:
    found = parse_unit(text)
    assert found is not None
    assert shown(found) == words
