"""What the Critic says of a candidate."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import model_validator

from autoreward.language.program import Program
from autoreward.records import Record

Result = Literal["pass", "fail", "warning", "no evidence"]
"""`fail` refuses the candidate. `warning` lets it go on; Designer and reviewing model are told. `no evidence`: the
check could not be made, or tried too little to say anything; it stops nothing and says nothing for the program."""

_OF_PASSED: dict[bool | None, Result] = {True: "pass", False: "fail", None: "no evidence"}


class Shown(Record):
    """One step of one environment that shows what a check found."""

    where: str
    """Which step of what, such as `recorded, environment 3, step 17` or `idle, step 200`."""
    values: dict[str, str]
    """Field, term or quantity -> its value with its unit, such as `next_state.height` -> `0.31 m`."""


class Check(Record):
    """One executable check, or the review."""

    name: str
    verdict: Result
    message: str = ""
    """One line. Why it did not pass, and what to write instead; for a passed check a remark, such as the time that was
    measured. Never text that the program itself chose."""
    rows: tuple[Shown, ...] = ()
    """A few rows that show it."""
    tried: str = ""
    """How much was looked at, such as `2,080 transitions, 14 of 14 branches`."""
    line: int | None = None
    seconds: float = 0.0

    @model_validator(mode="before")
    @classmethod
    def _of_passed(cls, data: Any) -> Any:  # noqa: ANN401 - whatever is to be a record
        """Records of before there were warnings hold `passed`: true, false, or null."""
        if isinstance(data, dict) and "passed" in data and "verdict" not in data:
            given = {name: value for name, value in data.items() if name != "passed"}
            passed = data["passed"]
            return given | {"verdict": _OF_PASSED[passed] if passed in (True, False, None) else passed}
        return data

    @property
    def passed(self) -> bool | None:
        """Whether the candidate may go on as far as this check is concerned; None where it has no evidence."""
        return None if self.verdict == "no evidence" else self.verdict != "fail"


_PLAYED = {"ordering": ("pass",), "exploits": ("pass", "no evidence")}
"""Checks that measure what episodes earn: with these verdicts too, that is worth knowing."""


def _in_a_line(row: Shown) -> str:
    values = ", ".join(f"{name} = {value}" for name, value in row.values.items())
    return f"Seen in {row.where}: {values}." if len(values) <= 200 else f"Seen in {row.where}: {values[:200]}…"


class Verdict(Record):
    """All checks that were made of a candidate, in order; they stop at the first failure."""

    status: Literal["accepted", "invalid"]
    checks: tuple[Check, ...]
    program: Program | None = None
    """What the static rules found, where they passed."""
    terms: tuple[str, ...] = ()
    """Names of the terms, as the dry run saw them."""

    @property
    def reason(self) -> str:
        """The failed check as one sentence; empty for an accepted candidate."""
        return next((f"{check.name}: {check.message}" for check in self.checks if check.verdict == "fail"), "")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the checks suspect, a sentence each."""
        return tuple(f"{check.name}: {check.message}" for check in self.checks if check.verdict == "warning")

    @property
    def found(self) -> tuple[str, ...]:
        """What a review is given: warnings with two rows that show each, and what other checks measured by playing."""
        told = []
        for check in self.checks:
            if check.verdict == "warning":
                told.append(" ".join((f"suspected, {check.name}: {check.message}.", *map(_in_a_line, check.rows[:2]))))
            elif check.verdict in _PLAYED.get(check.name, ()) and check.tried and check.message:
                told.append(f"played, {check.name}: {check.message}.")
        return tuple(told)

    @property
    def missing(self) -> str:
        """The review that nobody gave as one sentence; empty where there is one, or none was asked for."""
        found = (check for check in self.checks if check.name == "review" and check.verdict == "no evidence")
        return next((f"no {check.name}: {check.message}" for check in found), "")
