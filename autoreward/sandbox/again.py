"""A chunk of the same form as the last goes where that one lies in shared memory: nothing of it is planned again.

Most of what a call to a cell costs is our own Python, run with the cold caches that another process leaves behind.
Covered: a name, shape or kind of memory that differs is noticed, and the chunk is sent as a new form. Not covered:
what the cell sends back; see `outputs.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from autoreward.sandbox.contract import Array, Inputs, Memory


class Places:
    """Where the arrays of the last chunk lie."""

    def __init__(self, inputs: Iterable[str], places: Mapping[str, Array]) -> None:
        """Take them apart.

        Args:
            inputs: names of those that the program reads.
            places: arrays in shared memory: the inputs, `begun`, and `memory.X` with `present.X`.
        """
        self._begun = places["begun"]
        self._inputs = [(name, places[name], places[name].shape) for name in inputs]
        self._memory = {
            name[7:]: (place, places[f"present.{name[7:]}"]) for name, place in places.items() if name[:7] == "memory."
        }

    def put(self, inputs: Inputs, begun: NDArray[np.bool_], memory: Memory) -> bool:
        """Put a chunk there; false if it is of another form, and then what lies there means nothing."""
        if begun.shape != self._begun.shape or memory.values.keys() != self._memory.keys():
            return False
        for name, place, shape in self._inputs:
            array = inputs.get(name)
            if type(array) is not np.ndarray or array.shape != shape:
                return False
            place[...] = array
        for name, both in self._memory.items():
            for array, place in zip((memory.values[name], memory.present[name]), both, strict=True):
                if array.shape != place.shape or array.dtype != place.dtype:
                    return False
                place[...] = array
        self._begun[...] = begun
        return True
