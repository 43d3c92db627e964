"""`inspect RUN --terms`: the anatomy of a reward's terms, in the terminal or as JSON."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Literal

from rich.console import Console, RenderableType
from rich.text import Text

from autoreward.analyzer.contract import Anatomy, Returns, Shown
from autoreward.display import show, table
from autoreward.errors import UserError
from autoreward.report.candidate import Candidate
from autoreward.report.run import Run
from autoreward.report.terms import dissect, heading, readings
from autoreward.report.text import clean, number, percent
from autoreward.sandbox.linux.process import hide_process
from autoreward.sandbox.process import ProcessCell

WIDE = 60
"""Characters of a course."""
LEVELS = "▁▂▃▄▅▆▇█"
MOST_NAME = 34


def show_terms(run: Run, name: str | None, least: Literal["A", "B", "C"], as_json: bool, console: Console) -> None:
    """Print the anatomy of a candidate; without a name, of the best one.

    Raises:
        UserError: there is no such candidate, or no episode of it is recorded.
        IsolationTooWeak: its program would be isolated less than asked for.
    """
    candidate = _candidate(run, name)
    found = _dissected(run, candidate, least, console)
    if as_json:
        head = {"folder": str(run.path), "candidate": candidate.name}
        console.file.write(json.dumps(head | found.model_dump(mode="json"), indent=1) + "\n")
        return
    console.print(Text(clean(f"candidate {candidate.name}: {heading(found)}")))
    show(console, [_table(found), *(part for shown in found.shown for part in _episode(shown, found))])


def _candidate(run: Run, name: str | None) -> Candidate:
    found = run.candidate(name) if name is not None else run.best
    if found is None:
        raise UserError(f"{run.path} has no trained candidate yet; `autoreward inspect {run.path}` shows how far it is")
    if not (found.record and found.record.trainings):
        trained = [each.name for each in run.candidates if each.record and each.record.trainings]
        there = f"try --candidate {trained[-1]}" if trained else f"type: autoreward why {run.path} {found.name}"
        raise UserError(f"candidate {found.name} is {found.status}, so there is no training of it to look at; {there}")
    return found


def _dissected(run: Run, candidate: Candidate, least: Literal["A", "B", "C"], console: Console) -> Anatomy:
    hide_process()
    notes: list[str] = []
    cell = functools.partial(ProcessCell, least=least)
    found = dissect(run.folder, run.record, candidate.place, cell, notes.append)
    if found is None:
        why = "; ".join(notes) or "its trainings left none, or its program fails on them"
        raise UserError(
            f"candidate {candidate.name} has no recorded episodes that can be paid for: {why}. "
            f"`autoreward why {run.path} {candidate.name}` tells what its training came to"
        )
    return found


def _table(found: Anatomy) -> RenderableType:
    columns = ("term", "weight", "share", "flat", "with success", "success", "failure", "order", "reading")
    rows = [
        (
            one.term.name,
            number(one.term.weight),
            percent(one.term.share),
            one.flat or "-",
            "-" if one.term.correlation is None else f"{one.term.correlation:+.2f}",
            *_cells(one.term.without),
            one.text,
        )
        for one in readings(found)
    ]
    rows.append(("with all terms", "", "", "", "", *_cells(found.whole), ""))
    title = (
        "success, failure: mean returns without the term; order: pairs in which a success returns more; "
        "flat: steps at the end of its range"
    )
    return table(columns, rows, numbers=columns[1:-1], title=title)


def _cells(found: Returns) -> tuple[str, str, str]:
    return number(found.success), number(found.failure), percent(found.order)


def _episode(shown: Shown, found: Anatomy) -> Iterator[RenderableType]:
    """An episode in lines: its terms' courses, and what happened."""
    score = f", score {number(shown.score)}" if shown.score is not None else ""
    head = f"{shown.title} ({shown.source}, training {shown.training}, episode {shown.episode})"
    yield Text(clean(f"\n{head}: {shown.steps} steps, return {number(shown.value)}{score}"))
    courses = [("total", shown.total), *((term.name, shown.terms[term.name]) for term in found.terms)]
    width = min(max(len(name) for name, _ in courses), MOST_NAME)
    for name, values in courses:
        ends = f"{number(min(values))} to {number(max(values))}" if any(values) else "0 all along"
        yield Text(f"  {clean(name)[:width]:<{width}} {_bars(values)} {ends}")
    told = ", ".join(f"{event.step} {event.text}" for event in shown.happened)
    yield Text(clean(f"  {'by step':<{width}} {told}"))


def _bars(values: Sequence[float]) -> str:
    """A course in one line: of each stretch what lies farthest from 0, between the lowest and the highest."""
    count = min(len(values), WIDE)
    cuts = [round(place * len(values) / count) for place in range(count + 1)]
    parts = [max(values[low:high], key=abs) for low, high in itertools.pairwise(cuts)]
    low, high = min(0.0, *parts), max(0.0, *parts)
    top = len(LEVELS) - 1
    return "".join(LEVELS[round((part - low) / (high - low) * top)] if high > low else LEVELS[0] for part in parts)
