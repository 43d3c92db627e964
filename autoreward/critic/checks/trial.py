"""A candidate under test: its program in a cell, and the recorded transitions it is run on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from autoreward.language.program import Program
from autoreward.reward.total import total
from autoreward.sandbox.contract import Array, Cell, Inputs, Memory, Scores
from autoreward.schema import EnvSchema
from autoreward.task import Task

FAR = 100.0
"""How many times what was recorded a declared bound may reach and still be tried."""
STEPS = 128
"""Recorded steps of each environment that a dry run uses."""


@dataclass(frozen=True)
class Trial:
    """What a check gets."""

    program: Program
    schema: EnvSchema
    cell: Cell
    new_cell: Callable[[], Cell]
    inputs: dict[str, Array]
    """Recorded inputs of a random policy, [T, N, ...]."""
    begun: NDArray[np.bool_]
    task: Task | None = None
    """None where only a schema is known: a check that steps the environment then has no evidence."""
    ends: float = float("inf")
    """When the seconds of all checks together are spent, on the clock `time.monotonic`."""

    @property
    def left(self) -> float:
        """Seconds that may still be spent; a check that finds too few left has no evidence."""
        return self.ends - time.monotonic()

    @cached_property
    def recorded(self) -> Scores:
        """The recorded chunk, scored once and kept where that succeeds.

        Raises:
            CellFailed: as `score`.
        """
        return self.score()

    def score(self, inputs: Inputs | None = None, begun: NDArray[np.bool_] | None = None) -> Scores:
        """Score a chunk from the start of its episodes; without arguments, the recorded one.

        Raises:
            CellFailed: the program raised, ran too long, or gave something that is not terms.
        """
        inputs = self.inputs if inputs is None else inputs
        return self.cell.score(inputs, self.begun if begun is None else begun, Memory())

    def totals(self, inputs: Inputs | None = None, begun: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
        """The reward [T, N] of each step of a chunk, weights applied; see `score`."""
        return total(self.program, self.score(inputs, begun).terms)

    def edges(self) -> tuple[dict[str, Array], NDArray[np.bool_]]:
        """One step of five rows: every field 0, lowest, highest, and lowest to highest and back between the steps.

        Bounds are the schema's, and where it has none, those of the recorded transitions.
        """
        ends = {name: self._ends(name) for name in self.inputs}
        inputs = {}
        for name, (low, high) in ends.items():
            before = not name.startswith("next_state.")
            rows = [np.zeros_like(low), low, high, low if before else high, high if before else low]
            inputs[name] = np.stack(rows)[None].astype(self.inputs[name].dtype)
        return inputs, np.ones((1, 5), np.bool_)

    def _ends(self, name: str) -> tuple[Array, Array]:
        recorded = self.inputs[name].reshape(-1, *self.inputs[name].shape[2:])
        low, high = recorded.min(axis=0), recorded.max(axis=0)
        about = self.schema.action if name == "action" else self.schema.field(name.partition(".")[2])
        # Bounds that are declared far beyond what is ever seen, such as -1e9 to 1e9, say nothing about the field.
        limit = FAR * max(1.0, float(np.abs(recorded).max()))
        if about.low is not None and abs(about.low) <= limit:
            low = np.full_like(low, about.low)
        if about.high is not None and abs(about.high) <= limit:
            high = np.full_like(high, about.high)
        return low, high
