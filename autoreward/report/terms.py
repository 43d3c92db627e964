"""The anatomy of a candidate's terms: from which trainings of its run it is made, where it is kept, what it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autoreward.analyzer.contract import Anatomy, Returns, Shown, Source, Term
from autoreward.errors import RunDamaged
from autoreward.records import read_record, write_record
from autoreward.report.curves import SMALL, Key
from autoreward.report.text import number, percent
from autoreward.store.folder import RunFolder
from autoreward.store.records import RunRecord
from autoreward.training.files import TRAJECTORIES

if TYPE_CHECKING:
    from autoreward.sandbox.contract import Cell

FILE = "anatomy.json"
"""In a candidate's folder. It can be made again from the run, so one that does not read is as none."""
MOST_OTHERS = 20
"""Trainings on other rewards whose episodes are looked at."""
CHANGED = 0.02
"""Share of the pairs of a success and a failure from which an order is another one."""
LEAST_LEAD = 0.01
"""Share of what a success returns more than a failure that is worth a word."""
OFTEN = 0.5
"""Share of the steps from which lying at an end is worth a word."""


def stored(folder: RunFolder, place: Key | None) -> Anatomy | None:
    """What is kept of a candidate; None where nothing is, or it does not read."""
    if place is None:
        return None
    path = folder.candidate_path(*place) / FILE
    try:
        return read_record(path, Anatomy) if path.exists() else None
    except RunDamaged:
        return None


def dissect(
    folder: RunFolder, run: RunRecord, place: Key, new_cell: Callable[[], Cell], note: Callable[[str], None]
) -> Anatomy | None:
    """The anatomy of a candidate; what is kept of it, where the run has trained nothing more since.

    Args:
        folder: the run's.
        run: its record.
        place: (round, index) of the candidate.
        new_cell: makes the cell in which its program runs.
        note: is told which files are skipped, and why.

    Returns:
        None where its trainings recorded no episodes.

    Raises:
        AutorewardError: its program cannot be run; the message says why.
    """
    looked_at = sources(folder, place)
    kept = stored(folder, place)
    if kept is not None and kept.trainings == tuple(source.training for source in looked_at):
        return kept
    if not any(source.own for source in looked_at):
        return None
    from autoreward.analyzer.anatomy import anatomy  # environments come with it, which a page needs not
    from autoreward.analyzer.scored import scored

    program, episodes = scored(folder.source(*place), looked_at, run.task, run.env_schema, new_cell, note)
    found = anatomy(program, run.task, run.env_schema, episodes)
    return found and found.model_copy(update={"trainings": tuple(source.training for source in looked_at)})


def keep(folder: RunFolder, place: Key, found: Anatomy) -> None:
    """Write it into the candidate's folder."""
    write_record(folder.candidate_path(*place) / FILE, found)


def sources(folder: RunFolder, place: Key) -> list[Source]:
    """The trainings of a run that recorded episodes: all on this reward, and evenly chosen ones on others."""
    found: dict[str, tuple[str, bool]] = {}
    for hash_, label, own in _trainings(folder, place):
        if own or hash_ not in found:
            found[hash_] = (label, own)
    there = [
        Source(folder.training_folder(hash_), label, own)
        for hash_, (label, own) in found.items()
        if re.fullmatch(r"\w+", hash_) and (folder.training_folder(hash_) / TRAJECTORIES).is_file()
    ]
    others = [source for source in there if not source.own]
    if len(others) > MOST_OTHERS:
        others = [others[round(place * (len(others) - 1) / (MOST_OTHERS - 1))] for place in range(MOST_OTHERS)]
    return [source for source in there if source.own] + others


def _trainings(folder: RunFolder, place: Key) -> Iterator[tuple[str, str, bool]]:
    """Hash, what was trained on, and whether that is the candidate."""
    for record in folder.all_candidates():
        key = (record.round, record.index)
        yield from ((hash_, f"candidate {record.name}", key == place) for hash_ in record.trainings.values())
    if selection := folder.selection():
        for key, row in zip(selection.finalists, selection.rows, strict=False):
            yield from ((hash_, row.label, key == place) for hash_ in row.trainings.values())
    if report := folder.report():
        for row in report.rows:
            designed = report.winner if row.name == "designed" else None
            label = f"candidate {designed[0]}.{designed[1]}" if designed else row.label
            yield from ((hash_, label, designed == place) for hash_ in row.trainings.values())


# What it says ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """A term, and what its numbers say."""

    term: Term
    flat: str
    """Where it lies most of the time; empty where it moves."""
    text: str


def readings(found: Anatomy) -> list[Reading]:
    """Of every term."""
    alone = len(found.terms) == 1
    return [Reading(term, _flat(term), _reading(term, found.whole, alone)) for term in found.terms]


def _flat(term: Term) -> str:
    if term.level is None or term.saturated < OFTEN:
        return ""
    return f"{percent(term.saturated)} at {number(term.level)}"


def _reading(term: Term, whole: Returns, alone: bool) -> str:
    said = []
    if term.active == 0:
        said.append("never pays here")
    elif term.level is None:
        said.append(f"an event: pays in {_steps(term.active)}")
    elif term.level == 0 and term.saturated >= OFTEN:
        said.append(f"pays in {_steps(term.active)}")
    elif term.saturated >= OFTEN:
        said.append("flat, so it tells nothing there")
    if term.active > 0 and term.share < SMALL:
        said.append("hardly counts")
    return "; ".join([*said, *_order(term, whole, alone)])


def _steps(share: float) -> str:
    return f"{percent(share) if share >= 0.001 else 'fewer than 0.1%'} of the steps"


def _order(term: Term, whole: Returns, alone: bool) -> list[str]:
    """What becomes of the lead of success over failure without it."""
    if alone:
        return ["the only term"]
    said, left = [], term.without
    lead = _lead(whole)
    if term.active > 0 and lead > 0:
        part = 1 - _lead(left) / lead
        said = [f"makes up {part:.0%} of the lead of a success"] if part >= LEAST_LEAD else []
        said = ["pays a failure more than a success"] if part <= -LEAST_LEAD else said
    if whole.order is not None and left.order is not None and abs(change := left.order - whole.order) >= CHANGED:
        said.append(f"without it success is told from failure {'less well' if change < 0 else 'better'}")
    return said


def _lead(found: Returns) -> float:
    """What a success returns more than a failure, on average; 0 where there are not both."""
    return 0.0 if found.success is None or found.failure is None else found.success - found.failure


def heading(found: Anatomy) -> str:
    """What was looked at, and what the whole reward makes of it, in two sentences."""
    own, others = found.own, found.others
    text = (
        f"{own.successes} successes and {own.failures} failures of {own.trainings} trainings on this reward, "
        f"{others.successes} and {others.failures} of {others.trainings} on others"
    )
    if found.whole.order is None:
        return f"{text}. All ended alike, so it cannot be said whether a success earns more than a failure."
    success, failure = number(found.whole.success), number(found.whole.failure)
    return (
        f"{text}. With all terms a success returns {success} on average and a failure {failure}, and the success more "
        f"in {percent(found.whole.order)} of the pairs."
    )


def numbered(shown: Shown) -> list[tuple[int, int, str]]:
    """The events of an episode: the number that stands at their mark, the step, and what happened in it."""
    by_step: dict[int, list[str]] = {}
    for event in shown.happened:
        by_step.setdefault(event.step, []).append(event.text)
    return [(number_ + 1, step, ", ".join(by_step[step])) for number_, step in enumerate(by_step)]


def anatomy_part(folder: RunFolder, place: Key | None) -> dict[str, Any]:
    """What the page is told of the best reward's terms, besides their picture."""
    found = stored(folder, place)
    return {
        "anatomy": found,
        "anatomy_heading": heading(found) if found else "",
        "anatomy_terms": readings(found) if found else [],
        "anatomy_events": [(shown, numbered(shown)) for shown in found.shown] if found else [],
    }
