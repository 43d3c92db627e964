"""What the Critic says of a candidate."""

from __future__ import annotations

from typing import Literal

from autoreward.language.program import Program
from autoreward.records import Record


class Check(Record):
    """One executable check, or the review."""

    name: str
    passed: bool | None
    """None: it could not be made, which stops nothing and says nothing for the program: a review that nobody gave."""
    message: str = ""
    """Why it failed, and what to write instead; for a passed check a remark, such as the time that was measured. Never
    text that the program itself chose."""
    line: int | None = None
    seconds: float = 0.0


class Verdict(Record):
    """All checks that were run on a candidate, in order; they stop at the first failure."""

    status: Literal["accepted", "invalid"]
    checks: tuple[Check, ...]
    program: Program | None = None
    """What the static rules found, where they passed."""
    terms: tuple[str, ...] = ()
    """Names of the terms, as the dry run saw them."""

    @property
    def reason(self) -> str:
        """The failed check as one sentence; empty for an accepted candidate."""
        return next((f"{check.name}: {check.message}" for check in self.checks if check.passed is False), "")

    @property
    def missing(self) -> str:
        """The check that could not be made as one sentence; empty where all were."""
        return next((f"no {check.name}: {check.message}" for check in self.checks if check.passed is None), "")
