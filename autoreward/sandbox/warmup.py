"""Everything that a program may call is called once, so that nothing has to be loaded once no file can be opened.

NumPy, Python and LAPACK load helpers when they are first needed: functions, error types, formats.
Covered: every function and method of the reward language on an array, and the common errors. Not covered: what only
rare arguments reach; it fails in a locked cell as an exception of the program.
"""

from __future__ import annotations

import json
import linecache
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from autoreward.language import tables

_POINTS = np.array([[1.5, 0.5], [0.25, 2.0]])
_ROW = np.array([0.5, 1.0, 2.0])
_FLAGS = np.array([True, False, True])
_IDS = np.array([0, 1, 2])
for _array in (_POINTS, _ROW, _FLAGS, _IDS):
    _array.setflags(write=False)  # a third argument may be where the result goes
_ENOUGH = 3
"""Calls of a function that succeeded, after which no more are tried."""

_ARGUMENTS: tuple[tuple[Any, ...], ...] = (
    (_POINTS,),
    (_POINTS, _POINTS),
    (_POINTS, 1),
    (_ROW, 1),
    (_IDS, 1),
    (_FLAGS, _FLAGS),
    (_FLAGS, _ROW, _ROW),
    (_ROW, _ROW, _ROW),
    (_ROW, 0.5, 1.5),
    ([_ROW, _ROW],),
    ((2, 2),),
    (3,),
    (_IDS, (3, 1)),
    ((2, 2), 1.0),
    (0.0, 1.0, 5),
    (_POINTS, 0, 1),
    ([_FLAGS, _FLAGS], [_ROW, _ROW]),
    (_POINTS, np.array([[0], [1]]), 1),
    (_ROW, [_FLAGS, ~_FLAGS], [1.0, 2.0]),
    ("ij,jk->ik", _POINTS, _POINTS),
    ("x",),
)
"""Each fits some functions; the others find their error paths with it."""


def warm_up() -> None:
    """Call everything. Takes some milliseconds; whatever fails is meant to."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for name in tables.NUMPY_FUNCTIONS | tables.NUMPY_TYPES:
            function: Any = np
            for part in name.split("."):
                function = getattr(function, part, None)
            successes = 0
            for arguments in _ARGUMENTS:
                successes += _attempt(function, *arguments)
                if successes == _ENOUGH:
                    break
        for array in (_POINTS, _ROW, _FLAGS, _IDS, np.float64(1.5)):
            _methods(array)
        for fault in _FAULTS:
            _attempt(fault)


def _methods(array: Any) -> None:  # noqa: ANN401 - an array or a scalar
    for name in tables.METHODS:
        for arguments in ((), (0,), (np.float32,), ([0],), (0, 1)):
            # A copy, since some change their array.
            _attempt(getattr(array.copy(), name, None), *arguments)
    _attempt(lambda: f"{array} {array!r} {float(array.sum()):.3f}")


def _raise_in_a_program() -> None:
    try:
        exec(compile("1 / 0", "<reward>", "exec"), {})
    except ZeroDivisionError as error:
        traceback.extract_tb(error.__traceback__)
        linecache.clearcache()


_FAULTS: tuple[Callable[[], Any], ...] = (
    _raise_in_a_program,
    lambda: np.ones((1 << 30, 1 << 10)),
    lambda: np.linalg.inv(np.zeros((2, 2))),
    lambda: np.add(_ROW, "x"),
    lambda: np.add(_ROW, _POINTS[:0]),
    lambda: np.add(_ROW, _ROW, dtype=np.bool_),
    lambda: _ROW.astype(np.float32).astype("no such type"),
    lambda: np.sum(_ROW, axis=7),
    lambda: np.mean(_ROW[:0]),
    lambda: json.loads("{"),
)


def _attempt(function: Callable[..., Any] | None, *arguments: Any) -> bool:  # noqa: ANN401
    """Whether the call succeeds."""
    if function is None:
        return False
    try:
        function(*arguments)
    except Exception:
        return False
    return True
