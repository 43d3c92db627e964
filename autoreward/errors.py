"""What a user can be told: one small taxonomy. Each message says what happened, where, and what to type next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MACHINE = "a fault of this machine, not of the reward: "
"""How a message begins that must not be read as one about the reward program."""


class AutorewardError(Exception):
    """Base of everything autoreward raises on purpose. The CLI prints it without a traceback.

    Attributes:
        exit_code: what the process exits with: 2 for what the user can mend, 1 for a run that failed.
    """

    exit_code = 1


class UserError(AutorewardError):
    """Input that the user can mend: a name, a file, a flag, a folder."""

    exit_code = 2


class UnknownName(UserError):
    """A name that does not exist; the message lists the closest ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str], advice: str = "") -> None:
        self.kind, self.name, self.closest = kind, name, closest(name, known)
        hint = f" Closest: {', '.join(self.closest)}." if self.closest else ""
        super().__init__(f"unknown {kind} {name!r}.{hint}{' ' + advice if advice else ''}")


class RewardRefused(UserError):
    """A reward program that breaks a rule of the reward language or of its grammar.

    Attributes:
        rule: short name of the rule, such as `syntax`, `unknown-field`, `import`.
        line: line in the program (1-based), or None where the whole file is meant.
        column: column (1-based), or None.
    """

    def __init__(self, message: str, rule: str = "", line: int | None = None, column: int | None = None) -> None:
        self.rule, self.line, self.column = rule, line, column
        where = "" if line is None else f"line {line}: " if column is None else f"line {line}, column {column}: "
        super().__init__(where + message)


class CellFailed(AutorewardError):
    """The process that runs the reward program died, ran past its deadline or its memory, or raised.

    Attributes:
        reason: `deadline`, `memory`, `died`, `exception` or `output`; `start` where no process could be started, which
            is before it is given a program, so never the program's fault.
        line: line of the program that raised, where known.
    """

    def __init__(self, message: str, reason: str, line: int | None = None) -> None:
        self.reason, self.line = reason, line
        super().__init__(message)


class TrainingFailed(AutorewardError):
    """One training ended without a result; the run goes on without it."""


class MachineFailed(TrainingFailed):
    """It ended so through the machine (no process, no memory, a kill), which says nothing about the reward."""


class EndpointError(UserError):
    """The language-model endpoint refused, failed for good, or could not be reached. The run can be resumed."""


class BudgetReached(AutorewardError):
    """A cap of the run's budget is reached. Not a fault: the loop stops and reports what it has."""


class RunDamaged(UserError):
    """A file of a run folder is missing or does not read as its record."""


def closest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The known names most like `name`, best first, at most `count`; upper and lower case count as the same."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    return [by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower, n=count, cutoff=0.4)]
