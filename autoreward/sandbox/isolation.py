"""How well a cell is isolated: what a self-test inside it has witnessed, never what the kernel claims to have.

Covered: the levels, what each rests on, and the refusal of less than was asked for.
Not covered: how a level is reached; that is `linux/` and `child.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from autoreward.errors import UserError
from autoreward.records import Record

Level = Literal["A", "B", "C", "D"]
"""A: the kernel denied every probe, by a filter on system calls and by Landlock. B: it denied every probe, one of the
two is missing. C: a process of its own with limits and the static rules, no more. D: the caller's own process."""

LEVELS: tuple[Level, ...] = ("A", "B", "C", "D")
"""Best first."""
MEANINGS: dict[Level, str] = {
    "A": "the kernel denies files, network, processes and signals twice over (Landlock, and a filter on system calls)",
    "B": "the kernel denies files, network, processes and signals by a filter on system calls",
    "C": "a process of its own with a clean environment, static rules, and limits on memory, time and processes; "
    "the kernel does not restrict files or network",
    "D": "none; the program runs in this process, because the caller trusts it",
}


class IsolationTooWeak(UserError):
    """A cell is isolated less than was asked for."""


class Isolation(Record):
    """What a cell has witnessed of its own isolation, on the machine that it ran on."""

    level: Level
    system: str = ""
    """Kernel and machine, such as `Linux 6.18.44 x86_64`."""
    landlock: int = 0
    """ABI of Landlock that the cell has locked itself with; 0: none."""
    filters: int = 0
    """Filters on system calls that are in force."""
    namespaces: tuple[str, ...] = ()
    """Namespaces of its own: user, net, ipc, uts."""
    probes: dict[str, bool] = {}
    """Probe -> whether it was denied."""
    limits: dict[str, int] = {}
    """Resource -> limit, in bytes, seconds or pieces."""
    missing: dict[str, str] = {}
    """Layer that this system lacks -> why, in the system's words."""

    @property
    def text(self) -> str:
        """`level A: ...`, one line."""
        return f"level {self.level}: {MEANINGS[self.level]}"


def level_of(probes: Mapping[str, bool], filters: int, landlock: int) -> Level:
    """The level that these probes show. One filter is not enough: the second is what keeps a program from files."""
    if not probes or not all(probes.values()) or filters < 2:
        return "C"
    return "A" if landlock else "B"


def is_enough(level: Level, least: Level) -> bool:
    """Whether a level is the one asked for, or a better one."""
    return LEVELS.index(level) <= LEVELS.index(least)


def require(isolation: Isolation, least: Level) -> None:
    """Nothing, where a cell is isolated well enough.

    Raises:
        IsolationTooWeak: it is not; the message says how to get there, and how to accept less.
    """
    if is_enough(isolation.level, least):
        return
    open_ = [name for name, denied in isolation.probes.items() if not denied]
    seen = f" (not denied: {', '.join(open_)})" if open_ else ""
    raise IsolationTooWeak(
        f"reward programs would run at level {isolation.level} here{seen}, and level {least} is asked for. "
        "Type `autoreward doctor` to see what each probe did; use a Linux kernel with seccomp (level B) and Landlock "
        f"(level A, kernel 5.13 or later); or accept less with `--isolation {isolation.level}` "
        f"(in Python: isolation={isolation.level!r})"
    )
