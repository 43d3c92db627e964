"""The rounds as the page lists them: candidates with verdict, findings, program, and what differs from the parent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from autoreward.critic.contract import Check, Result
from autoreward.designer.contract import Finding
from autoreward.report.candidate import Candidate
from autoreward.report.colours import DiffLine, difference, python
from autoreward.report.curves import results
from autoreward.report.lineage import Mark
from autoreward.report.run import Run
from autoreward.store.folder import RunFolder
from autoreward.store.records import CandidateRecord, RoundAnalysis

Key = tuple[int, int]


@dataclass(frozen=True)
class Entry:
    """A candidate as the page lists it."""

    candidate: Candidate
    code: tuple[Markup, ...]
    diff: tuple[DiffLine, ...]
    """What differs from the parent's program."""
    change: float | None
    """Success less that of the parent; None where either is unknown, or was trained for fewer steps."""

    @property
    def told(self) -> tuple[Finding, ...]:
        """What the Analyzer found, the label first."""
        return self.candidate.findings

    @property
    def suspected(self) -> tuple[Check, ...]:
        """Checks that refused the candidate, warned of it, or could not be made."""
        return tuple(check for check in self._checks if check.verdict != "pass")

    @property
    def passed(self) -> tuple[Check, ...]:
        """Checks that it passed."""
        return tuple(check for check in self._checks if check.verdict == "pass")

    @property
    def _checks(self) -> tuple[Check, ...]:
        return self.candidate.verdict.checks if self.candidate.verdict else ()


@dataclass(frozen=True)
class Round:
    """One round."""

    number: int
    analysis: RoundAnalysis | None
    """None while it has not been analysed."""
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class CheckRow:
    """One check over all candidates."""

    name: str
    counts: Mapping[Result, int]
    told: tuple[tuple[str, Check], ...]
    """(candidate, check) where it did not pass."""


def rounds(run: Run, most: int) -> list[Round]:
    """All rounds of a run.

    Args:
        run: the run.
        most: characters that are shown of a program.
    """
    codes = {each.place: tuple(python(each.source, most)) if each.verdict else () for each in run.candidates}
    records = {each.place: each.record for each in run.candidates}
    return [
        Round(each.number, each.analysis, tuple(_entry(candidate, codes, records) for candidate in each.candidates))
        for each in run.rounds
    ]


def _entry(
    candidate: Candidate, codes: Mapping[Key, tuple[Markup, ...]], records: Mapping[Key, CandidateRecord | None]
) -> Entry:
    older = codes.get(candidate.parent, ()) if candidate.parent else ()
    code = codes[candidate.place]
    return Entry(
        candidate=candidate,
        code=code,
        diff=difference(list(older), list(code)) if older and code else (),
        change=_change(candidate.record, records.get(candidate.parent) if candidate.parent else None),
    )


def _change(record: CandidateRecord | None, parent: CandidateRecord | None) -> float | None:
    if record is None or parent is None or record.success_rate is None or parent.success_rate is None:
        return None
    return record.success_rate - parent.success_rate if record.steps == parent.steps else None


def marks(folder: RunFolder, listed: Iterable[Round], winner: Key | None, rate: bool) -> list[Mark]:
    """The candidates for the picture of the rounds, by success rate or else by score."""
    entries = [entry for each in listed for entry in each.entries if entry.candidate.record]
    return [_mark(folder, entry.candidate, winner, rate) for entry in entries]


def _mark(folder: RunFolder, candidate: Candidate, winner: Key | None, rate: bool) -> Mark:
    record = candidate.record
    assert record is not None, "only ended candidates are drawn"
    finals = [result.final for result in results(folder, record.trainings.values(), record.steps) if result.final]
    values = [final.success_rate if rate else final.score for final in finals]
    return Mark(
        round=candidate.round,
        index=candidate.index,
        value=record.success_rate if rate else record.score,
        seeds=tuple(value for value in values if value is not None),
        parent=record.parent,
        stopped=bool(record.stopped),
        winner=candidate.place == winner,
    )


def checks(listed: Iterable[Round]) -> list[CheckRow]:
    """Each check over all candidates, in the order in which they are made."""
    made: dict[str, list[tuple[str, Check]]] = {}
    for each in listed:
        for entry in each.entries:
            for check in entry.candidate.verdict.checks if entry.candidate.verdict else ():
                made.setdefault(check.name, []).append((entry.candidate.name, check))
    results_: tuple[Result, ...] = ("fail", "warning", "no evidence", "pass")
    return [
        CheckRow(
            name=name,
            counts={result: sum(check.verdict == result for _, check in told) for result in results_},
            told=tuple(pair for pair in told if pair[1].verdict != "pass"),
        )
        for name, told in made.items()
    ]
