"""What the static rules find out about a reward program without running it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import ClassVar, Literal

Grammar = Literal["terms", "signs"]

FUNCTIONS: dict[Grammar, tuple[str, ...]] = {"terms": ("compute_reward",), "signs": ("sparse", "dense")}
"""The functions that a file of each grammar must define, with parameters `(state, action, next_state, memory)`."""


@dataclass(frozen=True)
class Program:
    """A reward program that passed the static rules.

    A plain dataclass, checked like a record where it crosses a boundary: a cell starts twice as fast without pydantic.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    source: str
    grammar: Grammar
    idea: str
    """The one-sentence IDEA of the file."""
    weights: dict[str, float]
    """WEIGHTS of the `terms` grammar; empty for `signs`."""
    state_fields: tuple[str, ...]
    """Fields read before the step."""
    next_state_fields: tuple[str, ...]
    """Fields read after the step."""
    reads_action: bool
    uses_memory: bool

    @functools.cached_property
    def inputs(self) -> tuple[str, ...]:
        """Names of the arrays that the program reads: `state.x`, `next_state.x`, `action`."""
        state = tuple(f"state.{name}" for name in self.state_fields)
        after = tuple(f"next_state.{name}" for name in self.next_state_fields)
        return state + after + (("action",) if self.reads_action else ())
