"""The rounds as the page lists them: candidates with verdict, findings, program, and what differs from the parent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from autoreward.critic.contract import Check, Result, Verdict
from autoreward.designer.contract import Finding
from autoreward.report.colours import DiffLine, difference, python
from autoreward.report.curves import results
from autoreward.report.lineage import Mark
from autoreward.store.folder import RunFolder
from autoreward.store.records import CandidateRecord, RoundAnalysis

Key = tuple[int, int]


@dataclass(frozen=True)
class Entry:
    """A candidate as the page lists it."""

    key: Key
    record: CandidateRecord | None
    """None while it is in flight."""
    verdict: Verdict | None
    label: Finding | None
    findings: tuple[Finding, ...]
    """What the Analyzer found beside the label."""
    episodes: str
    best: bool
    """Whether the search held it for the best after this round."""
    code: tuple[Markup, ...]
    parent: Key | None
    diff: tuple[DiffLine, ...]
    """What differs from the parent's program."""
    change: float | None
    """Success less that of the parent; None where either is unknown, or was trained for fewer steps."""

    @property
    def name(self) -> str:
        """As screens show it: `round.index`."""
        return f"{self.key[0]}.{self.key[1]}"

    @property
    def suspected(self) -> tuple[Check, ...]:
        """Checks that refused the candidate, warned of it, or could not be made."""
        return tuple(check for check in self.verdict.checks if check.verdict != "pass") if self.verdict else ()

    @property
    def passed(self) -> tuple[Check, ...]:
        """Checks that it passed."""
        return tuple(check for check in self.verdict.checks if check.verdict == "pass") if self.verdict else ()


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


def rounds(folder: RunFolder, most: int) -> list[Round]:
    """All rounds of a run.

    Args:
        folder: the run.
        most: characters that are shown of a program.
    """
    codes: dict[Key, tuple[Markup, ...]] = {}
    found = []
    for number in folder.rounds():
        analysis = folder.analysis(number)
        entries = [_entry(folder, (number, index), analysis, codes, most) for index in folder.indices(number)]
        found.append(Round(number, analysis, tuple(entries)))
    return found


def _entry(
    folder: RunFolder, key: Key, analysis: RoundAnalysis | None, codes: dict[Key, tuple[Markup, ...]], most: int
) -> Entry:
    verdict, record, drafted = folder.verdict(*key), folder.candidate(*key), folder.drafted(*key)
    told = analysis.candidates.get(key[1]) if analysis else None
    codes[key] = tuple(python(folder.source(*key), most)) if verdict else ()
    parent = record.parent if record else drafted.proposal.parent if drafted else None
    older = codes.get(parent, ()) if parent else ()
    return Entry(
        key=key,
        record=record,
        verdict=verdict,
        label=told.label if told else None,
        findings=tuple(finding for finding in told.told if finding is not told.label) if told else (),
        episodes=told.episodes if told else "",
        best=analysis is not None and analysis.incumbent == key,
        code=codes[key],
        parent=parent,
        diff=difference(list(older), list(codes[key])) if older and codes[key] else (),
        change=_change(record, folder.candidate(*parent) if parent else None),
    )


def _change(record: CandidateRecord | None, parent: CandidateRecord | None) -> float | None:
    if record is None or parent is None or record.success_rate is None or parent.success_rate is None:
        return None
    return record.success_rate - parent.success_rate if record.steps == parent.steps else None


def marks(folder: RunFolder, listed: Iterable[Round], winner: Key | None, rate: bool) -> list[Mark]:
    """The candidates for the picture of the rounds, by success rate or else by score."""
    return [_mark(folder, entry, winner, rate) for each in listed for entry in each.entries if entry.record]


def _mark(folder: RunFolder, entry: Entry, winner: Key | None, rate: bool) -> Mark:
    record = entry.record
    assert record is not None, "only ended candidates are drawn"
    finals = [result.final for result in results(folder, record.trainings.values(), record.steps) if result.final]
    values = [final.success_rate if rate else final.score for final in finals]
    return Mark(
        round=entry.key[0],
        index=entry.key[1],
        value=record.success_rate if rate else record.score,
        seeds=tuple(value for value in values if value is not None),
        parent=record.parent,
        stopped=bool(record.stopped),
        winner=entry.key == winner,
    )


def checks(listed: Iterable[Round]) -> list[CheckRow]:
    """Each check over all candidates, in the order in which they are made."""
    made: dict[str, list[tuple[str, Check]]] = {}
    for each in listed:
        for entry in each.entries:
            for check in entry.verdict.checks if entry.verdict else ():
                made.setdefault(check.name, []).append((entry.name, check))
    results_: tuple[Result, ...] = ("fail", "warning", "no evidence", "pass")
    return [
        CheckRow(
            name=name,
            counts={result: sum(check.verdict == result for _, check in told) for result in results_},
            told=tuple(pair for pair in told if pair[1].verdict != "pass"),
        )
        for name, told in made.items()
    ]
