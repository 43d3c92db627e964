"""A run in one row: what the table shows of it, from its small records alone."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from autoreward.errors import RunDamaged
from autoreward.report.standing import standings
from autoreward.report.why import KILLED, LOG, LOG_BYTES, last_of
from autoreward.sandbox.isolation import Level
from autoreward.store.folder import is_locked
from autoreward.store.records import CandidateRecord, Report, Row, RunRecord, Spent
from autoreward.view.files import numbered, plain_record, read_plain

State = Literal["running", "finished", "failed", "stopped", "killed", "damaged"]
"""`failed`: it has come to its end, and no candidate could be trained. `stopped`: its log says why. `killed`: its
process ended without a word."""
STATES: tuple[State, ...] = ("running", "finished", "failed", "stopped", "killed", "damaged")
Rounds = tuple[tuple[float, ...], ...]
Signature = tuple[object, ...]
"""What says whether a run has changed: when its records were written, and how long they are."""
_NOTHING = Spent()
MOST_CHARACTERS = 2_000
"""Of a text that is kept."""
MOST_CANDIDATES = 2_000
"""Of a run that are read for its row."""


@dataclass(frozen=True)
class Rate:
    """True success of a reward on fresh seeds."""

    mean: float
    """Interquartile mean over seeds."""
    low: float
    """End of its 95% interval, or of the range of the seeds."""
    high: float
    seeds: int
    interval: bool
    """Whether `low` and `high` are an interval; a range below 5 seeds."""


@dataclass(frozen=True, eq=False)
class Brief:
    """A run as a row of the table, as it was when it was read."""

    key: str
    """Its folder, as a path from the runs folder."""
    state: State
    note: str = ""
    """What a running one is at, or why it ended or does not read."""
    task: str = ""
    text: str = ""
    """What was asked."""
    designer: str = ""
    created: str = ""
    level: Level | None = None
    """Of isolation."""
    planned: int = 0
    """Rounds."""
    rounds: Rounds = ()
    """True success of each trained candidate, round by round; where none ever succeeded, their scores from 0 to 1."""
    scores: bool = False
    """Whether `rounds` are scores."""
    best: float | None = None
    """Before the report: success of the best candidate, on the seeds that chose it."""
    designed: Rate | None = None
    """The designed reward, in the report."""
    human: Rate | None = None
    """The environment's own reward, or a hand-written one, in the report."""
    standing: str = ""
    """`better than`, `worse than` or `not clearly different from` the human one."""
    spent: Spent = _NOTHING

    @property
    def success(self) -> float | None:
        """Of the designed reward on fresh seeds; before the report, of the best candidate."""
        return self.designed.mean if self.designed else self.best

    @property
    def gain(self) -> float | None:
        """Success on fresh seeds less that of the human reward."""
        return self.designed.mean - self.human.mean if self.designed and self.human else None


def signature(run: str) -> Signature:
    """When and how long the records are that a row is made of; of a finished run two records tell."""
    top = tuple(_written(f"{run}/{name}") for name in ("run.json", "report.json"))
    if top[1]:
        return top
    records = [_written(path) for *_, path in _candidates(run)]
    return (*top, _written(f"{run}/spent.json"), _written(f"{run}/{LOG}"), *records, _at_work(run))


def read_brief(run: str, key: str) -> Brief:
    """The row of a run; a damaged one is a row that says so.

    Args:
        run: its folder.
        key: its path from the runs folder.
    """
    try:
        return _read(run, key)
    except RunDamaged as error:
        damaged = Brief(key=key, state="damaged", note=str(error).replace(f"{run}/", ""))
    try:
        record = plain_record(f"{run}/run.json", RunRecord)
    except RunDamaged:
        return damaged
    return replace(_with_record(damaged, record), state="damaged") if record else damaged


def _read(run: str, key: str) -> Brief:
    record = plain_record(f"{run}/run.json", RunRecord)
    if record is None:
        raise RunDamaged("run.json is missing")
    brief = _with_record(Brief(key=key, state="finished"), record)
    report = plain_record(f"{run}/report.json", Report)
    spent = report.spent if report else plain_record(f"{run}/spent.json", Spent) or Spent()
    rounds, scores, best = _progress(run)
    brief = replace(brief, spent=spent, rounds=rounds, scores=scores, best=best)
    if report is None:
        state, note = _unfinished(run, brief)
        return replace(brief, state=state, note=note[:MOST_CHARACTERS])
    rows = {row.name: row for row in report.rows}
    human = rows.get("human") or rows.get("reference")
    told = {standing.label: standing.text for standing in standings(report)}
    return replace(
        brief,
        state="finished" if report.winner else "failed",
        note=_end(report)[:MOST_CHARACTERS],
        designed=_rate(rows.get("designed")),
        human=_rate(human),
        standing=told.get(human.label, "") if human else "",
    )


def _with_record(brief: Brief, record: RunRecord) -> Brief:
    return replace(
        brief,
        task=record.task.name[:MOST_CHARACTERS],
        text=record.task.text[:MOST_CHARACTERS],
        designer=record.designer[:MOST_CHARACTERS],
        created=record.created[:MOST_CHARACTERS],
        level=record.isolation.level,
        planned=record.config.rounds,
    )


def _rate(row: Row | None) -> Rate | None:
    if row is None or row.success_iqm is None or not row.success:
        return None
    low, high = row.success_interval or (min(row.success), max(row.success))
    return Rate(row.success_iqm, low, high, len(row.success), row.success_interval is not None)


def _end(report: Report) -> str:
    if report.winner is None:
        return "no candidate could be trained"
    if report.hopeless:
        return f"not the reward: {report.hopeless.text}"
    return f"ended early: {report.stopped}" if report.stopped else ""


def _progress(run: str) -> tuple[Rounds, bool, float | None]:
    """`rounds`, `scores` and `best` of a row; the best of those candidates that had the most steps of training."""
    found: dict[int, list[CandidateRecord]] = {}
    for round_, _, path in _candidates(run):
        record = plain_record(path, CandidateRecord)
        found.setdefault(round_, []).extend([record] if record else [])
    each = [[one for one in records if one.success_rate is not None] for _, records in sorted(found.items())]
    rates = [one.success_rate or 0.0 for records in each for one in records]
    whole = max((one.steps for records in each for one in records), default=0)
    best = [one.success_rate or 0.0 for records in each for one in records if one.steps == whole]
    scores = [one.score for records in each for one in records if one.score is not None]
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    if any(rates) or low == high:
        rounds = tuple(tuple(one.success_rate or 0.0 for one in records) for records in each)
        return rounds, False, max(best, default=None)
    scaled = tuple(
        tuple((one.score - low) / (high - low) for one in records if one.score is not None) for records in each
    )
    return scaled, True, max(best, default=None)


def _unfinished(run: str, brief: Brief) -> tuple[State, str]:
    running = _at_work(run)
    try:
        log = (read_plain(f"{run}/{LOG}", LOG_BYTES, end=True) or b"").decode(errors="replace")
    except RunDamaged:
        log = ""
    told, last = last_of(log, not running)
    if running:
        begun = f"{len(brief.rounds)} of {brief.planned} rounds begun"
        # Why an earlier process ended is no news of the one that is at work.
        return "running", begun if told else f"{begun}; {last.partition(' ')[2]}"
    return ("killed" if told == KILLED else "stopped"), told


def _at_work(run: str) -> bool:
    """Whether a process of this machine is at work on it."""
    path = f"{run}/.lock"
    return os.path.isfile(path) and not os.path.islink(path) and is_locked(Path(run))


def _candidates(run: str) -> list[tuple[int, int, str]]:
    """(round, index, path of `candidate.json`) of those that have begun."""
    found = []
    for round_, folder in numbered(f"{run}/rounds"):
        found += [(round_, index, f"{path}/candidate.json") for index, path in numbered(f"{folder}/candidates")]
    return found[:MOST_CANDIDATES]


def _written(path: str) -> tuple[int, int, int] | None:
    """When a file was written, how long it is, and which it is; None where it is not there."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
