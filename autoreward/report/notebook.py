"""What a notebook shows of a run: rows for a data frame, and HTML in which every text of the run is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from autoreward.report.candidate import Candidate
from autoreward.report.text import clean

MOST_CHARACTERS = 300
"""Of a text in a table."""
COLUMNS = [
    *("round", "index", "parent", "origin", "status", "success", "score", "steps", "seeds", "label", "warnings"),
    *("repairs", "incumbent", "idea", "note", "reason"),
]
"""Of a row."""


def row(candidate: Candidate) -> dict[str, Any]:
    """A candidate as a row of plain values; None where there is nothing."""
    own = {name: getattr(candidate, name) for name in COLUMNS if name not in ("parent", "seeds", "label", "warnings")}
    return own | {
        "parent": f"{candidate.parent[0]}.{candidate.parent[1]}" if candidate.parent else None,
        "seeds": len(candidate.record.trainings) if candidate.record else 0,
        "label": candidate.label.diagnosis if candidate.label else None,
        "warnings": len(candidate.warnings),
    }


def html_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escaped(cell)}</td>' for cell in cells)}</tr>" for cells in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def escaped(text: str) -> str:
    """A text of a run as HTML, cut where it is long."""
    return escape(clean(text[:MOST_CHARACTERS]))
