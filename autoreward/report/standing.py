"""Whether the designed reward's success stands apart from that of each other row of a report."""

from __future__ import annotations

from dataclasses import dataclass

from autoreward.store.records import Report, Row


@dataclass(frozen=True)
class Standing:
    """The designed reward beside one other."""

    label: str
    """Of the other."""
    text: str
    """`better than`, `worse than` or `not clearly different from`."""


def standings(report: Report | None) -> list[Standing]:
    """The designed reward beside each other row, by their intervals, or by the range of the seeds below 5 seeds.

    Intervals that do not meet are a careful test: what it calls apart is apart, what it does not may still be.
    """
    rows = report.rows if report else ()
    designed = next((row for row in rows if row.name == "designed" and row.success), None)
    if designed is None:
        return []
    return [Standing(row.label, _text(designed, row)) for row in rows if row is not designed and row.success]


def _text(designed: Row, other: Row) -> str:
    low, high = _range(designed)
    other_low, other_high = _range(other)
    return "better than" if low > other_high else "worse than" if high < other_low else "not clearly different from"


def _range(row: Row) -> tuple[float, float]:
    return row.success_interval or (min(row.success), max(row.success))
