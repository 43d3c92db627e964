"""The `Cell` contract: a pure interface to a reward program that runs somewhere isolated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from autoreward.language.program import Grammar, Program
from autoreward.sandbox.isolation import Isolation
from autoreward.schema import EnvSchema

Array = NDArray[Any]
Inputs = Mapping[str, Array]
"""`state.x`, `next_state.x` [T, N, ...] and `action` [T, N, A] (float32) or [T, N] (int64, discrete)."""


@dataclass(frozen=True)
class Memory:
    """What a program remembers of the episodes under way, one row an environment."""

    values: dict[str, Array] = field(default_factory=dict)
    """Name -> array [N, ...]."""
    present: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    """Name -> [N]: whether that row's episode has stored a value."""


@dataclass(frozen=True)
class Scores:
    """What a program makes of a rollout chunk."""

    terms: dict[str, NDArray[np.float32]]
    """Term -> [T, N], before weights. In the `signs` grammar names are `sparse.NAME` and `dense.NAME`."""
    memory: Memory
    seconds: float = 0.0
    """Time that the program itself took."""


class Cell(Protocol):
    """Runs one reward program. Implementations pass `autoreward.testing.conformance.check_cell`."""

    @property
    def isolation(self) -> Isolation | None:
        """What the cell has witnessed of its own isolation; None before it starts."""
        ...

    def load(self, source: str, schema: EnvSchema, grammar: Grammar) -> Program:
        """Verify and compile a program.

        Raises:
            RewardRefused: it breaks a rule; rule, line and column are said.
            CellFailed: the cell died or ran past its deadline while loading.
        """
        ...

    def score(self, inputs: Inputs, begun: NDArray[np.bool_], memory: Memory) -> Scores:
        """Score a chunk, step by step where the program uses memory, at once where it does not.

        Args:
            inputs: the arrays named by `Program.inputs`, each [T, N, ...]; more are ignored.
            begun: [T, N], true where the step is the first of its episode (memory of that row is forgotten before it).
            memory: of the N rows before the chunk; `Memory()` at the very start.

        Raises:
            CellFailed: the program raised, died, ran past its deadline, or gave something that is not terms.
        """
        ...

    def close(self) -> None:
        """End the cell's process. Calling twice is fine."""
        ...
