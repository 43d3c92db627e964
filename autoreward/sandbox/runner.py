"""Runs a reward program inside the cell's process: memory, steps, terms, and faults without the program's own text."""

from __future__ import annotations

import functools
import time
import traceback
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.language import tables
from autoreward.language.nodes import is_name
from autoreward.language.program import FUNCTIONS, Grammar
from autoreward.language.static import check_tree
from autoreward.sandbox.frames import MAX_STORED
from autoreward.sandbox.guards import FILENAME, Unchangeable, compile_program, freeze_constants, namespace

Array = NDArray[Any]
Store = dict[str, tuple[Array, NDArray[np.bool_]]]
"""Memory entry -> values [N, ...] and which rows have stored one [N]."""

MAX_ROW = 4096
"""Numbers that one memory entry may hold for each row."""

_SENTENCES: dict[type[Exception], str] = {
    ZeroDivisionError: "a division by zero",
    IndexError: "an index is out of range; arrays have the shape [N, ...]",
    KeyError: "a key does not exist",
    ValueError: (
        "shapes or values do not fit (`if` needs one truth value, so write np.where for arrays; "
        "inputs are read-only, so copy an array before changing it)"
    ),
    Unchangeable: "constants of the file cannot be changed; what lasts through an episode is kept in memory",
    TypeError: "an operation does not fit its operands (math.* takes single numbers, np.* takes arrays)",
    AttributeError: "an attribute does not exist or is not allowed",
    UnboundLocalError: "a variable is read before it has a value",
    NameError: "a name does not exist",
    OverflowError: "a number is too large",
    FloatingPointError: "an arithmetic fault",
    np.linalg.LinAlgError: "a linear-algebra operation has no solution",
    RecursionError: "functions call each other without end",
    MemoryError: "it needs more memory than the cell allows",
}


class Fault(Exception):
    """What the program did wrong, in words that the program cannot choose."""

    def __init__(self, message: str, reason: str = "output", line: int | None = None) -> None:
        self.reason, self.line = reason, line
        super().__init__(message)


class MemoryView:
    """`memory` as one function of the program sees it in one step: what earlier steps stored, and its own writes."""

    __slots__ = ("_rows", "_store", "written")

    def __init__(self, store: Store, rows: int) -> None:
        self._store, self._rows = store, rows
        self.written: dict[str, Array] = {}

    def get(self, name: str, default: object) -> Array:
        """Stored values in the rows that have one, `default` in the others: [N, ...], a copy."""
        if name in self.written:
            return self.written[name].copy()
        if name not in self._store:
            return _column(default, self._rows)
        values, present = self._store[name]
        fallback = self._fallback(default, values)
        dtype = _narrow_type(values.dtype if fallback.dtype == values.dtype else np.result_type(values, fallback))
        if present is _everywhere(self._rows) or present.all():
            return values.astype(dtype)
        return np.where(present.reshape(-1, *[1] * (values.ndim - 1)), values, fallback).astype(dtype, copy=False)

    def _fallback(self, default: object, values: Array) -> Array:
        """The default with a row for each environment, of the same shape as what is stored."""
        # Also of the same kind, it needs neither check nor conversion.
        if type(default) is np.ndarray and default.dtype == values.dtype and default.shape == values.shape:
            return default
        column = _column(default, self._rows)
        if column.shape != values.shape:
            raise Fault("memory.get has a default of another shape than what memory holds; give both one shape")
        return column

    def __setitem__(self, name: str, value: object) -> None:
        self.written[name] = _column(value, self._rows)


@functools.lru_cache(maxsize=8)
def _everywhere(rows: int) -> NDArray[np.bool_]:
    """[N], all true: one array that is known by its identity."""
    mask = np.ones(rows, np.bool_)
    mask.setflags(write=False)
    return mask


@functools.cache
def _narrow_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """One dtype for each kind, so that neither other rows nor the cutting of chunks can change a value."""
    if dtype.kind not in "biuf":
        raise Fault("memory holds numbers and booleans alone")
    return np.dtype({"b": np.bool_, "f": np.float32}.get(dtype.kind, np.int64))


def _column(value: object, rows: int) -> Array:
    """A copy of the value with one row for each environment."""
    try:
        array = np.array(value)
    except ValueError:
        raise Fault("memory holds arrays with one row for each environment, or single numbers") from None
    array = array.astype(_narrow_type(array.dtype), copy=False)
    if array.ndim == 0:
        return np.full(rows, array)
    if array.shape[0] != rows:
        raise Fault("a value in memory has a leading dimension other than N; one row for each environment")
    if array.size > rows * MAX_ROW:
        raise Fault(f"a value in memory has more than {MAX_ROW} numbers for each row")
    return array


class Runner:
    """One loaded program.

    Attributes:
        program: what the static rules found.
    """

    def __init__(self, source: str, field_names: Collection[str], grammar: Grammar) -> None:
        """Check, compile and define the program.

        Raises:
            RewardRefused: it breaks a rule.
            Fault: its module level fails.
        """
        self.program, tree = check_tree(source, field_names, grammar)
        code = compile_program(tree)
        scope = namespace((MemoryView,))
        before = set(scope)
        try:
            exec(code, scope)
        except Exception as error:
            raise _fault(error) from None
        freeze_constants(scope, before)
        names = FUNCTIONS[grammar]
        self._functions = [(f"{name}." if len(names) > 1 else "", scope[name]) for name in names]
        self._state = [(name, f"state.{name}") for name in self.program.state_fields]
        self._after = [(name, f"next_state.{name}") for name in self.program.next_state_fields]
        self._known: set[object] = set()
        self._last: tuple[Mapping[str, Array], dict[str, Array], int] | None = None

    def score(
        self,
        inputs: Mapping[str, Array],
        begun: NDArray[np.bool_],
        store: Store,
        place: NDArray[np.float32] | None = None,
    ) -> tuple[list[str], NDArray[np.float32], float]:
        """Score a chunk; `store` is changed in place.

        Args:
            inputs: [T, N, ...] by `Program.inputs`; the same mapping has the same arrays, with other numbers.
            begun: [T, N].
            store: memory of the N rows.
            place: where the values are put if they are of this shape.

        Returns:
            The names of the terms, their values [K, T, N], and the seconds that it took.

        Raises:
            Fault: the program raised, or gave something that is not terms.
        """
        started = time.perf_counter()
        steps, rows = begun.shape
        if not self.program.uses_memory:
            terms = self._call(self._flat(inputs, steps * rows), {}, steps * rows)
            values = _room(place, (len(terms), steps, rows))
            for row, term in zip(values.reshape(len(terms), -1), terms.values(), strict=True):
                row[...] = term
            return list(terms), values, time.perf_counter() - started
        names: list[str] = []
        values = np.empty((0, steps, rows), np.float32)
        starts = set(np.flatnonzero(begun.any(axis=1)).tolist())
        for step in range(steps):
            if step in starts:
                for entry, (stored, present) in store.items():
                    store[entry] = (stored, present & ~begun[step])
            terms = self._call({name: array[step] for name, array in inputs.items()}, store, rows)
            if step == 0:
                names = list(terms)
                values = _room(place, (len(names), steps, rows))
            elif terms.keys() != set(names):
                raise Fault("the terms of one step differ from those of another; return the same terms in every step")
            for index, name in enumerate(names):
                values[index, step] = terms[name]
        if sum(stored.size for stored, _ in store.values()) > MAX_STORED * rows:
            raise Fault(f"memory holds more than {MAX_STORED} numbers for each row, all its entries together")
        return names, values, time.perf_counter() - started

    def _flat(self, inputs: Mapping[str, Array], rows: int) -> dict[str, Array]:
        """The arrays with steps and rows in one; the same views for the same mapping."""
        if self._last is None or self._last[0] is not inputs or self._last[2] != rows:
            flat = {name: array.reshape(rows, *array.shape[2:]) for name, array in inputs.items()}
            self._last = inputs, flat, rows
        return self._last[1]

    def _call(self, arrays: Mapping[str, Array], store: Store, rows: int) -> dict[str, Array]:
        """All terms of one step (or of a flattened chunk), each broadcastable to [rows]."""
        state = {name: arrays[source] for name, source in self._state}
        after = {name: arrays[source] for name, source in self._after}
        action = arrays.get("action")
        views, terms = [], {}
        for prefix, function in self._functions:
            view = MemoryView(store, rows)
            try:
                found = function(state, action, after, view)
            except Exception as error:
                raise _fault(error) from None
            terms.update(self._terms(found, prefix, rows))
            views.append(view)
        for view in views:
            for entry, value in view.written.items():
                store[entry] = (value, _everywhere(rows))
        return terms

    def _terms(self, found: object, prefix: str, rows: int) -> dict[str, Array]:
        if type(found) is not dict:
            raise Fault("the function must return a dict of terms: {'name': array of N numbers}")
        if not 1 <= len(found) <= tables.MAX_TERMS:
            raise Fault(f"the function must return 1 to {tables.MAX_TERMS} terms")
        terms, whole = {}, (rows,)
        for name, value in found.items():
            if name not in self._known:
                if not is_name(name):
                    raise Fault(f"the names of terms are identifiers of at most {tables.MAX_NAME} ASCII letters")
                self._known.add(name)
            array = value if type(value) is np.ndarray else _array(name, value)
            if array.dtype.kind not in "biuf":
                raise Fault(f"term `{name}` does not hold real numbers; return a float array [N]")
            if array.shape != whole and array.shape not in ((), (1,)):
                shape = ", ".join("N" if length == rows else str(length) for length in array.shape)
                raise Fault(f"term `{name}` has the shape [{shape}]; a term is one number for each row: [N]")
            terms[prefix + name] = array
        return terms


def _room(place: NDArray[np.float32] | None, shape: tuple[int, ...]) -> NDArray[np.float32]:
    return place if place is not None and place.shape == shape else np.empty(shape, np.float32)


def _array(name: object, value: object) -> Array:
    try:
        return np.asarray(value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise Fault(f"term `{name}` is not an array of N numbers") from None


def _fault(error: Exception) -> Fault:
    """Type, line and a fixed sentence: never the exception's own text, which the program could choose."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == FILENAME]
    line = lines[-1] if lines else None
    if isinstance(error, Fault):
        return Fault(str(error), error.reason, line)
    kind = next((kind for kind in type(error).__mro__ if kind in _SENTENCES), None)
    name = "TypeError" if kind is Unchangeable else kind.__name__ if kind else "an exception"
    sentence = _SENTENCES.get(kind, "it cannot go on") if kind else "it cannot go on"
    reason = "memory" if isinstance(error, MemoryError) else "exception"
    return Fault(f"{name}: {sentence}", reason, line)
