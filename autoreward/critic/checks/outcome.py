"""What a check says of a candidate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """Passed or not, and why."""

    passed: bool = True
    message: str = ""
    """What to write instead; for a passed check what was measured, where that is worth a word."""


PASSED = Outcome()


def fault(message: str) -> Outcome:
    """A check that failed, in words that a Designer can act on."""
    return Outcome(False, message)
