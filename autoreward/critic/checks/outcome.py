"""What a check says of a candidate."""

from __future__ import annotations

from dataclasses import dataclass

from autoreward.critic.contract import Result, Shown


@dataclass(frozen=True)
class Outcome:
    """The check's verdict, and why. What each attribute holds: `autoreward.critic.contract.Check`."""

    verdict: Result = "pass"
    message: str = ""
    rows: tuple[Shown, ...] = ()
    tried: str = ""
    line: int | None = None


PASSED = Outcome()


def fault(message: str, rows: tuple[Shown, ...] = (), tried: str = "", line: int | None = None) -> Outcome:
    """A check that failed, in words that a Designer can act on."""
    return Outcome("fail", message, rows, tried, line)


def suspicion(message: str, rows: tuple[Shown, ...] = (), tried: str = "", line: int | None = None) -> Outcome:
    """What may be a fault, and may not: a warning."""
    return Outcome("warning", message, rows, tried, line)


def no_evidence(message: str, tried: str = "") -> Outcome:
    """A check that could not be made, or had too little to look at, and why."""
    return Outcome("no evidence", message, tried=tried)
