"""The anatomy of the best reward so far, kept in its folder: the page shows it, and runs no program."""

from __future__ import annotations

from collections.abc import Callable

from autoreward.report.terms import dissect, keep
from autoreward.sandbox.contract import Cell
from autoreward.store.folder import RunFolder
from autoreward.store.records import RunRecord


def keep_anatomy(
    folder: RunFolder,
    run: RunRecord,
    place: tuple[int, int] | None,
    new_cell: Callable[[], Cell],
    note: Callable[[str], None],
) -> None:
    """Make the anatomy of a candidate and keep it. Whatever prevents that is noted, and no reason to lose a run."""
    if place is None:
        return
    try:
        if found := dissect(folder, run, place, new_cell, note):
            keep(folder, place, found)
    except Exception as fault:
        note(
            f"the terms of {place[0]}.{place[1]} were not taken apart, the run goes on: {type(fault).__name__}: {fault}"
        )
