"""A candidate under test: its program in a cell, and the recorded transitions it is run on."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from autoreward.critic import states
from autoreward.critic.earlier import Earlier
from autoreward.critic.stored import Stored
from autoreward.errors import CellFailed
from autoreward.language.program import Program
from autoreward.reward.total import total
from autoreward.sandbox.contract import Array, Cell, Inputs, Memory, Scores
from autoreward.schema import EnvSchema
from autoreward.task import Task

Chunk = tuple[dict[str, Array], NDArray[np.bool_]]
"""Inputs [T, N, ...], and which steps begin an episode [T, N]."""
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

    earlier: Earlier = field(default_factory=Earlier)
    """Candidates of the same run, which it is to differ from."""
    stored: Stored | None = None
    """Recorded episodes of the task with their outcomes, which it is to put in order."""

    def of_another(self, program: Program) -> Trial:
        """The same trial of another program, which is loaded in the cell."""
        return dataclasses.replace(self, program=program)

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
        with np.errstate(over="ignore"):  # where terms are too large, the cell's checks say so
            return self.cell.score(inputs, self.begun if begun is None else begun, Memory())

    def totals(self, inputs: Inputs | None = None, begun: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
        """The reward [T, N] of each step of a chunk, weights applied; see `score`."""
        return total(self.program, self.score(inputs, begun).terms)

    def edges(self) -> tuple[dict[str, Array], NDArray[np.bool_]]:
        """One step of five rows: every field 0, lowest, highest, and lowest to highest and back between the steps."""
        return states.edges(self.inputs, self.schema), np.ones((1, 5), np.bool_)

    @cached_property
    def chunks(self) -> dict[str, Chunk]:
        """What a program is tried on: recorded, edge, perturbed and extreme states, of the inputs that it reads."""
        read = {name: self.inputs[name] for name in self.program.inputs}
        begun = states.begun()
        return {
            "recorded": (read, self.begun),
            "edge": (states.edges(read, self.schema), np.ones((1, 5), np.bool_)),
            "perturbed": (states.perturbed(read, self.inputs, self.schema), begun),
            "extreme": (states.extreme(read, self.inputs, self.schema), begun),
        }

    @cached_property
    def everywhere(self) -> dict[str, dict[str, NDArray[np.float32]]]:
        """Chunk -> term -> [T, N], before weights; without the chunks that the program gives no terms for."""
        found = {"recorded": self.recorded.terms}
        for name in ("edge", "perturbed", "extreme"):
            try:
                found[name] = self.score(*self.chunks[name]).terms
            except CellFailed as error:
                if error.reason not in ("output", "exception"):
                    raise
        return found

    @property
    def tried(self) -> str:
        """How many states `everywhere` holds, as checks tell it, and which it lacks."""
        steps = sum(next(iter(terms.values())).size for terms in self.everywhere.values())
        lacking = [name for name in self.chunks if name not in self.everywhere]
        return f"{steps:,} transitions" + (f", none of them {' or '.join(lacking)}" if lacking else "")
