"""Why a candidate is as it is and what became of it, or what stopped a run: short paragraphs, made from its records.

Texts of the run are passed on as they are: whoever shows them cleans and cuts them.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from autoreward.designer.contract import Finding
from autoreward.language.tables import MAX_SOURCE_BYTES
from autoreward.report.candidate import Candidate
from autoreward.report.run import Run
from autoreward.report.text import number, percent
from autoreward.store.records import Report, Row
from autoreward.training.contract import TrainingResult

MOST_FINDINGS = 3
MOST_WARNINGS = 3
MOST_OF_FINDING = 220
"""Characters of what was seen, and of what to change, so that both are told."""
LOG = "run.log"
LOG_BYTES = 4096
KILLED = "its process ended without a word: it was killed, or the machine went down"
_EVENT = re.compile(r"\d{4}-\d\d-\d\dT\S+ ")


@dataclass(frozen=True)
class Paragraph:
    """One thing that is told."""

    label: str
    """Of the part that begins with it; empty where the part goes on."""
    text: str


def why(run: Run, candidate: Candidate) -> list[Paragraph]:
    """Where a candidate came from, what the Critic said, what happened in training, and why it was kept or dropped."""
    parts = {
        "from": _origin(run, candidate),
        "finding": _prompted(run, candidate),
        "critic": _critic(candidate),
        "training": _training(candidate),
        "end": _end(run, candidate),
    }
    name = f"candidate {candidate.name} of {run.record.id}: {_result(candidate)}"
    told = [Paragraph("why", name), Paragraph("task", f"{run.task.name}: {run.task.text}")]
    return told + [
        Paragraph("" if place else label, text) for label, texts in parts.items() for place, text in enumerate(texts)
    ]


def _result(candidate: Candidate) -> str:
    if candidate.status != "trained":
        return candidate.status
    score = "" if candidate.score is None else f", score {number(candidate.score)}"
    return f"trained, success {percent(candidate.success)}{score}"


def _origin(run: Run, candidate: Candidate) -> Iterator[str]:
    by = {"llm": "by the language model", "composer": "by the composer", "start_from": "the user's own (--start-from)"}
    made = f"round {candidate.round}, {by.get(candidate.origin, candidate.status)}"
    if candidate.parent is None:
        yield f"{made}, from no earlier candidate"
    elif (parent := _parent(run, candidate)) is None:
        yield f"{made}, made from {candidate.parent[0]}.{candidate.parent[1]}, which is not in the run"
    else:
        yield f"{made}, made from {parent.name} ({_result(parent)}); {_changed(parent.source, candidate.source)}"
    if candidate.note:
        yield f"what it changes: {candidate.note}"
    if candidate.idea:
        yield f"idea: {candidate.idea}"


def _changed(before: str, after: str) -> str:
    if max(len(before), len(after)) > MAX_SOURCE_BYTES:
        return "a text too long to compare"
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    added, removed = (sum(line.startswith(mark) for line in lines) for mark in "+-")
    return f"{_count(added, 'line')} added, {removed:,} taken away"


def _prompted(run: Run, candidate: Candidate) -> Iterator[str]:
    """What was known of its parent when it was made."""
    parent = _parent(run, candidate)
    if parent is None:
        if candidate.round and candidate.parent is None:
            yield "none in particular: it was made anew, with all earlier candidates known"
        return
    for finding in parent.findings[:MOST_FINDINGS]:
        yield f"of {parent.name}: {sentence(finding)}"
    if not parent.findings:
        yield f"none was recorded of {parent.name}"


def _parent(run: Run, candidate: Candidate) -> Candidate | None:
    return next((one for one in run.candidates if one.place == candidate.parent), None)


def sentence(finding: Finding) -> str:
    """A finding in a line: what was seen, and what to change."""
    term = f" ({finding.term})" if finding.term else ""
    return f"{finding.diagnosis}{term}: {_short(finding.text)} -> {_short(finding.suggestion)}"


def _short(text: str) -> str:
    return text if len(text) <= MOST_OF_FINDING else text[: MOST_OF_FINDING - 1].rpartition(" ")[0] + "…"


def _count(number_: int, noun: str) -> str:
    return f"{number_:,} {noun}{'' if number_ == 1 else 's'}"


def _critic(candidate: Candidate) -> Iterator[str]:
    verdict = candidate.verdict
    if verdict is None:
        yield "not asked yet"
        return
    counts = Counter(check.verdict for check in verdict.checks)
    repaired = f" after {_count(candidate.repairs, 'repair')}" if candidate.repairs else ""
    told = ", ".join(f"{count} {result}" for result, count in counts.items())
    yield f"{verdict.status}{repaired}; {len(verdict.checks)} checks: {told}"
    if verdict.reason:
        yield f"failed: {verdict.reason}"
    for warning in verdict.warnings[:MOST_WARNINGS]:
        yield f"suspected: {warning}"
    for check in verdict.checks:
        if check.name == "review" and check.message and check.verdict != "fail":
            yield f"review: {check.message}"


def _training(candidate: Candidate) -> Iterator[str]:
    record, results = candidate.record, candidate.results
    if record is None or not record.trainings:
        yield {"refused": "none: it was refused", "waiting": "not ended yet"}.get(candidate.status, "none")
        return
    each = ", ".join(f"seed {seed} {percent(value)}" for seed, value in candidate.success_by_seed.items())
    yield f"{candidate.steps:,} steps on {_count(len(record.trainings), 'seed')}: {each or 'the results are missing'}"
    if record.stopped:
        yield record.stopped
    for seed, result in results.items():
        if told := _alarm(result) or (result.error or ""):
            yield f"seed {seed}: {told}"
    for finding in candidate.findings[:MOST_FINDINGS]:
        yield f"found: {sentence(finding)}"


def _alarm(result: TrainingResult) -> str:
    """Why a training was stopped for hacking its reward, with the numbers."""
    alarm = result.stopped
    if alarm is None:
        return ""
    aim, unit = (alarm.score, number) if alarm.aim == "score" and alarm.score else (alarm.success, percent)
    own = f"own return went from {number(alarm.own_return[0])} to {number(alarm.own_return[1])}"
    blamed = f"; without the term {alarm.term} it would follow" if alarm.term else ""
    return f"stopped at step {alarm.step:,}: {own}, {alarm.aim} from {unit(aim[0])} to {unit(aim[1])}{blamed}"


def _end(run: Run, candidate: Candidate) -> Iterator[str]:
    """Why it was kept or dropped, in the round, at the selection, and in the report."""
    yield _round_end(run, candidate)
    if replaced := _replaced(run, candidate):
        yield replaced
    if run.selection and (row := run.finalists.get(candidate.place)):
        won = run.finalists.get(run.selection.winner, row)
        alone, chosen = len(run.finalists) == 1, won is row
        beside = "the only finalist" if alone else "chosen" if chosen else f"{won.label} was chosen with {_rate(won)}"
        yield f"finalist: {_rate(row)} on {_count(len(row.success), 'selection seed')}; {beside}"
    if run.report and run.report.winner == candidate.place:
        yield "report: " + ", ".join(f"{row.label} {_rate(row)}" for row in run.report.rows)


def _rate(row: Row) -> str:
    return "no result" if row.success_iqm is None else percent(row.success_iqm)


def _round_end(run: Run, candidate: Candidate) -> str:
    round_ = next(one for one in run.rounds if one.number == candidate.round)
    if candidate.status in ("being designed", "waiting"):
        return "not decided yet"
    if candidate.status == "refused":
        return "dropped: the Critic refused it, so it was not trained"
    if candidate.status == "failed":
        return f"dropped: {candidate.reason or 'its trainings failed'}"
    if round_.analysis is None:
        return f"round {candidate.round} is not analysed yet"
    if candidate.incumbent:
        return f"kept: the best after round {candidate.round}"
    if round_.incumbent is None or candidate.steps < run.task.steps:
        return f"dropped: {candidate.reason or 'it had fewer steps than the task has'}"
    best = run.candidate(round_.incumbent)
    return (
        f"dropped: {best.name} was the best after round {candidate.round} ({_result(best)}), and only more replaces it"
    )


def _replaced(run: Run, candidate: Candidate) -> str:
    """By whom it was replaced as the best, or that it never was."""
    if not candidate.incumbent:
        return ""
    for round_ in run.rounds:
        if round_.number > candidate.round and round_.incumbent and round_.incumbent != candidate.place:
            better = run.candidate(round_.incumbent)
            return f"replaced after round {round_.number} by {better.name} ({_result(better)})"
    return "no later candidate of the search beat it"


# A run that has failed, or was stopped ---------------------------------------------------------------------------


def failure(run: Run) -> list[Paragraph]:
    """What stopped a run, with the next command to type; nothing where it went to its end and has a winner."""
    resume, again, inspect = (shlex.join(["autoreward", word, str(run.path)]) for word in ("resume", "why", "inspect"))
    found: list[tuple[str, str]] = []
    if run.state == "running":
        found = [("state", "a process is at work on it"), ("last", last_event(run)[1]), ("next", again)]
    elif run.state == "stopped":
        told, last = last_event(run)
        found = [("stopped", told), ("last", last), ("next", resume)] if last else [("stopped", told), ("next", resume)]
    elif run.report and run.report.stopped:
        found = [("stopped", run.report.stopped), ("next", resume + going_on(run.report))]
    elif run.report and run.report.hopeless:
        found = [("failed", f"not the reward: {sentence(run.report.hopeless)}"), ("next", inspect)]
    elif run.best is None:
        found = [("failed", "no candidate could be trained"), *_reasons(run)]
        found += [("next", inspect)]
    many = f"{_count(len(run.candidates), 'candidate')} in {_count(len(run.rounds), 'round')}"
    head = ("why", f"{run.record.id}: {run.state}, {many}")
    return [Paragraph(*one) for one in (head, *found)] if found else []


def going_on(report: Report) -> str:
    """Flags with which `resume` goes on with a run that a cap ended or that was given up; empty where it needs none."""
    if named := re.search(r"budget\.([a-z_-]+)", report.stopped):
        return f" --budget.{named[1].replace('_', '-')} none"
    return " --no-stop-when-hopeless" if report.hopeless else ""


def _reasons(run: Run) -> Iterator[tuple[str, str]]:
    """What the candidates failed of, the most frequent first."""
    reasons = Counter(f"{candidate.status}: {candidate.reason}" for candidate in run.candidates)
    for reason, count in reasons.most_common(MOST_FINDINGS):
        yield "", f"{count} {reason}"


def last_event(run: Run) -> tuple[str, str]:
    """Why the last process that worked on it ended, as far as its log says, and what it had said before."""
    path = run.path / LOG
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LOG_BYTES))
            log = file.read().decode(errors="replace")
    except OSError:
        log = ""
    return last_of(log, run.state == "stopped")


def last_of(log: str, stopped: bool) -> tuple[str, str]:
    """The same from the end of the log.

    Args:
        log: its last lines.
        stopped: whether no process is at work on the run, and it has not come to its end.
    """
    lines = [line for line in log.splitlines() if line.strip()]
    events = [line.partition(" ") for line in lines if _EVENT.match(line)]  # what is none is a traceback
    if not events:
        return f"{LOG} does not say", ""
    last = events[-1][2]
    if last.startswith("stopped: "):
        return last.removeprefix("stopped: "), events[-2][2] if len(events) > 1 else ""
    return (KILLED if stopped else ""), f"{events[-1][0]} {last}"
