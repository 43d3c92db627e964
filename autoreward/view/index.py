"""All runs of a folder, kept up to date: of what has not changed since the last look nothing is read again."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from autoreward.view.brief import Brief, Signature, read_brief, signature
from autoreward.view.files import find_runs

MOST_RUNS = 10_000
REST = 1.0
"""Seconds between two looks at the folder, at least."""
SHARE = 10
"""A look that takes long is followed by a rest so many times as long."""


@dataclass(frozen=True)
class Entry:
    """A run as it was when it was last looked at."""

    brief: Brief
    signature: Signature
    version: int
    """Of the table in which this row was new."""


@dataclass(frozen=True)
class Changes:
    """What is new since some version of the table."""

    version: str
    """Of the table now."""
    fresh: bool
    """Whether `briefs` are all runs, because the version asked about is of another process."""
    briefs: tuple[Brief, ...]
    gone: tuple[str, ...]
    """Keys of runs that are no longer there."""


class Index:
    """The runs below a folder. Several threads may ask at once."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._entries: dict[str, Entry] = {}
        self._gone: dict[str, int] = {}
        self._version = 0
        self._name = secrets.token_hex(4)
        self._next = 0.0
        self._lock = threading.Lock()

    def refresh(self) -> None:
        """Look at the folder, unless that was done a moment ago."""
        with self._lock:
            started = time.monotonic()
            if started >= self._next:
                self._look()
                ended = time.monotonic()
                self._next = ended + max(REST, SHARE * (ended - started))

    def briefs(self) -> tuple[Brief, ...]:
        """All runs, the newest first."""
        self.refresh()
        with self._lock:
            found = [entry.brief for entry in self._entries.values()]
        return tuple(sorted(found, key=lambda brief: (brief.created, brief.key), reverse=True))

    def entry(self, key: str) -> Entry | None:
        """A run as it is now; None where the folder has none of this key."""
        self.refresh()
        known = self._entries.get(key)
        if known is None:
            return None
        run = f"{self.root}/{key}"
        now = signature(run)
        return known if now == known.signature else Entry(read_brief(run, key), now, known.version)

    @property
    def version(self) -> str:
        """Of the table now."""
        return f"{self._name}-{self._version}"

    def changes(self, since: str) -> Changes:
        """What is new since a version that this, or another process has given."""
        self.refresh()
        name, _, number = since.partition("-")
        known = name == self._name and number.isdecimal()
        after = int(number) if known else -1
        with self._lock:
            briefs = tuple(entry.brief for entry in self._entries.values() if entry.version > after)
            gone = tuple(key for key, version in self._gone.items() if version > after) if known else ()
            return Changes(self.version, not known, briefs, gone)

    def _look(self) -> None:
        version, found = self._version + 1, set[str]()
        changed = False
        for key in find_runs(self.root):
            if len(found) >= MOST_RUNS:
                break
            found.add(key)
            run, known = f"{self.root}/{key}", self._entries.get(key)
            now = signature(run)
            if known is None or known.signature != now:
                changed = True
                self._entries[key] = Entry(read_brief(run, key), now, version)
                self._gone.pop(key, None)
        for key in set(self._entries) - found:
            changed = True
            del self._entries[key]
            self._gone[key] = version
        self._version += changed
