"""A cell without isolation: the program runs in the caller's own process, for rewards that the caller trusts.

Covered: the static rules, RestrictedPython and its guards, and the checks of what comes out. Not covered: a program
that does not end hangs the caller, one that needs too much memory takes the caller's, and a hole in the language is a
hole in the caller.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.errors import CellFailed
from autoreward.language.program import Grammar, Program
from autoreward.sandbox.contract import Array, Inputs, Memory, Scores
from autoreward.sandbox.isolation import Isolation
from autoreward.sandbox.outputs import check_terms, check_values, gather, input_types
from autoreward.sandbox.runner import Fault, Runner
from autoreward.schema import EnvSchema


class InProcessCell:
    """Implements `Cell` without a process."""

    isolation = Isolation(level="D")

    def __init__(self) -> None:
        self._runner: Runner | None = None
        self._types: dict[str, np.dtype[Any]] = {}
        self._names: list[str] | None = None

    def load(self, source: str, schema: EnvSchema, grammar: Grammar) -> Program:
        """Verify and compile a program; see `Cell.load`."""
        self._runner = self._names = None
        try:
            self._runner = Runner(source, schema.names, grammar)
        except Fault as error:
            raise _failed(error) from None
        self._types = input_types(self._runner.program, schema)
        return self._runner.program

    def score(self, inputs: Inputs, begun: NDArray[np.bool_], memory: Memory) -> Scores:
        """Score a chunk; see `Cell.score`."""
        if self._runner is None:
            raise CellFailed("the cell has no program: load one first", "died")
        program = self._runner.program
        begun = np.ascontiguousarray(begun, np.bool_)
        arrays = {name: _read_only(array) for name, array in gather(self._types, inputs, begun).items()}
        store = {name: (values.copy(), memory.present[name].copy()) for name, values in memory.values.items()}
        try:
            with np.errstate(all="ignore"):
                names, values, seconds = self._runner.score(arrays, begun, store if program.uses_memory else {})
        except Fault as error:
            raise _failed(error) from None
        check_terms(program, names, self._names)
        self._names = names
        check_values(names, values)
        after = Memory() if not program.uses_memory else Memory(*_split(store))
        return Scores({name: values[index] for index, name in enumerate(names)}, after, seconds)

    def close(self) -> None:
        """Forget the program."""
        self._runner = None


def _read_only(array: Array) -> Array:
    view = array.view()
    view.setflags(write=False)
    return view


def _split(store: dict[str, tuple[Array, NDArray[np.bool_]]]) -> tuple[dict[str, Array], dict[str, NDArray[np.bool_]]]:
    return {name: pair[0] for name, pair in store.items()}, {name: pair[1] for name, pair in store.items()}


def _failed(error: Fault) -> CellFailed:
    where = f"line {error.line}: " if error.line is not None else ""
    return CellFailed(where + str(error), error.reason, error.line)
