"""Expressions: what they compute, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from autoreward.errors import UnknownName, UserError
from autoreward.language.expressions import Expression

VALUES = {
    "offset": np.array([[3.0, 4.0], [0.0, -1.0]], dtype=np.float32),
    "speed": np.array([2.0, -0.5], dtype=np.float32),
    "touching": np.array([True, False]),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("norm(offset)", [5, 1]),
        ("norm(offset) < 2", [False, True]),
        ("0 < speed < 3", [True, False]),
        ("speed > 0 and not touching", [False, False]),
        ("speed < 0 or touching", [True, True]),
        ("offset[0] + offset[-1]", [7, -1]),
        ("sum(offset[0:2])", [7, -1]),
        ("max(offset)", [4, 0]),
        ("max(speed, 0, -1)", [2, 0]),
        ("min(1, speed)", [1, -0.5]),
        ("clip(speed, -0.25, 1)", [1, -0.25]),
        ("-speed ** 2", [-4, -0.25]),
        ("abs(speed) % 2 // 1", [0, 0]),
        ("touching - 1", [0, -1]),
        ("arctan2(0 * speed, speed) == pi * 1.0", [False, False]),
        ("floor(speed) != speed", [False, True]),
        ("norm(offset - speed)", [np.hypot(1, 2), np.hypot(0.5, 0.5)]),
        ("True", True),
    ],
)
def test_it_computes_every_row(text: str, expected: object) -> None:
    np.testing.assert_allclose(Expression(text, list(VALUES)).evaluate(VALUES), expected, rtol=1e-6)


def test_it_knows_its_fields_in_order() -> None:
    assert Expression("speed > 1 and norm(offset) < speed", list(VALUES)).fields == ("speed", "offset")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sped > 1", "Closest: speed"),
        ("velocity_of_nothing > 1", "unknown field"),
        ("nrm(offset) < 1", "did you mean norm"),
        ("open('/etc/passwd')", "allowed: abs"),
        ("__import__('os').system('true')", "without a prefix"),
        ("speed.__class__", "without a prefix"),
        ("np.abs(speed)", "abs(...)"),
        ("speed >", "does not parse"),
        ("speed = 1", "does not parse"),
        ("'speed' > 1", "without quotes"),
        ("speed & touching", "`and`"),
        ("speed in offset", "compare"),
        ("[x for x in offset]", "not allowed"),
        ("(lambda: 1)()", "not allowed"),
        ("abs", "write abs(...)"),
        ("abs(speed, 1)", "takes 1 argument"),
        ("clip(speed)", "takes 3"),
        ("offset[speed]", "not an index"),
        ("min(*offset)", "not allowed"),
        ("1 if speed else 0", "not allowed"),
        ("(" * 300 + "1" + ")" * 300, "nested"),
        ("1" + "0" * 400, "too large"),
        ("speed + " * 1000 + "1", "characters"),
        ("", "does not parse"),
    ],
)
def test_what_is_not_allowed_is_refused_when_it_is_made(text: str, said: str) -> None:
    with pytest.raises(UserError, match="(?s).*" + said.replace("(", r"\(").replace(")", r"\)").replace(".", r"\.")):
        Expression(text, list(VALUES))


def test_an_unknown_field_names_the_closest() -> None:
    with pytest.raises(UnknownName) as caught:
        Expression("ofset[0] > 1", list(VALUES))
    assert caught.value.closest[0] == "offset"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("offset", "gives a vector"),
        ("offset > 1", "gives a vector"),
        ("offset[2]", "has 2 elements"),
        ("speed[0]", "single number"),
        ("norm(speed)", "takes a vector"),
        ("max(speed)", "takes a vector"),
    ],
)
def test_shapes_are_checked_before_anything_runs(text: str, said: str) -> None:
    shapes = {name: value.shape[1:] for name, value in VALUES.items()}
    with pytest.raises(UserError, match=said):
        Expression(text, list(VALUES)).check_shape(shapes)


def test_no_warning_and_no_error_for_numbers_that_do_not_exist() -> None:
    values = Expression("log(speed) / (speed - 2)", list(VALUES)).evaluate(VALUES)
    assert not np.isfinite(values).any()


def test_huge_powers_cost_nothing() -> None:
    assert np.isinf(Expression("9 ** 9 ** 9 ** 9", []).evaluate({}))
