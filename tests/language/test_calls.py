"""Arguments of calls, held against the NumPy that is installed: what it gains in a new version shows here."""

import inspect
from typing import Any

import numpy as np
import pytest

from autoreward.errors import RewardRefused
from autoreward.language import calls, tables
from autoreward.language.static import check

HARMFUL = {"out", "where", "dtype", "like", "subok", "order", "casting", "signature", "overwrite_input", "device"}
"""Arguments that write, leave memory as it was, call back, or make another kind of array."""
HARMLESS_BY_NAME = {"where", "dtype"}
"""By name these two are checked one by one."""


def function_of(name: str) -> Any:
    found: Any = np
    for part in name.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("name", sorted(tables.NUMPY_FUNCTIONS))
def test_no_function_takes_a_place_to_write_to_by_position(name: str) -> None:
    function = function_of(name)
    if isinstance(function, np.ufunc):
        assert calls.ELEMENTWISE[name] == function.nin
        return
    assert name not in calls.ELEMENTWISE
    parameters = inspect.signature(function).parameters.values()
    ordered = [one.name for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    reachable = ordered[: calls.POSITIONAL.get(name)]
    if name in calls.DTYPE_POSITION and "dtype" in reachable:
        assert ordered[calls.DTYPE_POSITION[name]] == "dtype"
        reachable.remove("dtype")
    assert not HARMFUL & set(reachable)


def test_no_harmful_argument_has_an_allowed_name() -> None:
    assert HARMFUL & calls.KEYWORDS == HARMLESS_BY_NAME


def test_every_limited_name_is_one_of_the_language() -> None:
    assert set(calls.POSITIONAL) | set(calls.DTYPE_POSITION) <= tables.NUMPY_FUNCTIONS
    assert set(calls.METHOD_POSITIONAL) <= tables.METHODS


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("np.maximum(x, y, x)", "np.maximum(np.maximum(a, b), c)"),
        ("np.logical_and(x, y, x)", "takes two arrays"),
        ("np.sqrt(x, x)", "takes one argument by position"),
        ("np.sum(x, -1, None, x)", "`out` is not allowed"),
        ("x.sum(-1, None, x)", "takes one argument by position"),
        ("x.copy('F')", "takes no argument"),
        ("np.divide(x, y, where=y > 0)", "np.where(mask, np.divide(...), other)"),
        ("np.array(x, subok=True)", "no argument `subok`"),
        ("np.sum(x, axes=-1, keepdim=True)", "keepdims"),
        ("x.astype('O')", "a type is written out"),
        ("np.zeros(3, 'M8[us]')", "a type is written out"),
        ("np.array(x, dtype=kind)", "a type is written out"),
        ("np.full(3, x, np.pi)", "a type is written out"),
    ],
)
def test_a_refused_argument_comes_with_what_to_write(line: str, said: str) -> None:
    with pytest.raises(RewardRefused) as caught:
        check(_program(line), ("height",), "terms")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "np.sum(x, axis=-1, keepdims=True, dtype=np.float32, where=y > 0, initial=0.0)",
        "x.astype(float) + x.astype(np.float32) + x.astype('float64') + x.astype(y.dtype)",
        "np.zeros(3, np.float32) + np.zeros_like(x, bool) + np.full((3,), 1.0, dtype=np.float64)",
        "np.linalg.norm(x, 2, -1, True) + np.clip(x, 0, 1).clip(min=0.0, max=1.0)",
        "np.round(x, 2) + np.quantile(x, 0.5, -1) + x.mean(-1).max(axis=0, initial=0.0)",
    ],
)
def test_ordinary_arguments_are_accepted(line: str) -> None:
    assert check(_program(line), ("height",), "terms").inputs


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(tables.NUMPY_FUNCTIONS))
def test_no_function_gives_a_writable_view_of_what_cannot_be_written(name: str) -> None:
    inputs = np.arange(1.0, 5.0).reshape(2, 2)
    inputs.setflags(write=False)
    for arguments in ((inputs,), (inputs, inputs), (inputs, 1), (inputs, (2, 2)), (inputs, 0, 1), ("ii->i", inputs)):
        try:
            found = function_of(name)(*arguments)
        except (TypeError, ValueError, IndexError, ArithmeticError, AttributeError, np.linalg.LinAlgError):
            continue
        for part in found if isinstance(found, list | tuple) else [found]:
            if isinstance(part, np.ndarray):
                assert not (part.flags.writeable and np.shares_memory(part, inputs))


def _program(expression: str) -> str:
    return (
        "WEIGHTS = {'a': 1.0}\ndef compute_reward(state, action, next_state, memory):\n"
        "    kind = 'O'\n    x = state['height']\n    y = next_state['height']\n"
        f"    return {{'a': {expression}}}\n"
    )
