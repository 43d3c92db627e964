"""What the Critic says of the files of its labelled set, file by file, kept as JSON so that a run can go on.

Every check is asked of every file: `ordering`, which other checks do not need and which stops the others where it
refuses, is asked by itself, of two stores of episodes. No episode in them is from a training on the file itself, nor
from one on a file of the set-aside half.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from _critic_set import Member, members

from autoreward.critic.checks import ordering
from autoreward.critic.checks.trial import STEPS, Trial
from autoreward.critic.contract import Check, Verdict
from autoreward.critic.stored import Stored, origin_of, origin_of_program
from autoreward.critic.verify import verify
from autoreward.envs.contract import Transitions
from autoreward.envs.record import record_transitions
from autoreward.envs.registry import describe
from autoreward.errors import AutorewardError, CellFailed
from autoreward.records import Record, read_record, write_record
from autoreward.sandbox.process import ProcessCell
from autoreward.schema import EnvSchema
from autoreward.task import Task, load_task
from autoreward.testing.programs import Pool
from autoreward.training.contract import TrainingJob
from autoreward.training.files import JOB, TRAJECTORIES

STORES = ("earlier", "little")
"""`earlier`: of every recorded training but those on set-aside files. `little`: of random and sparse policies and of
trainings on the tune half alone."""
BEATEN = 0.8
"""Share of the successes that must be above the best failure: CARD's delta."""


class Asked(Record):
    """What `ordering` says with one store, and CARD's rule beside it."""

    check: Check
    preferred: float | None = None
    """Share of the successes whose mean pay a step is above the best failure's; None where one kind is missing, which
    passes CARD's rule."""
    figures: dict[str, float] = {}
    """Numbers that thresholds are chosen by."""

    @property
    def card(self) -> Check:
        """CARD's rule as a check."""
        if self.preferred is None:
            return Check(name="card", verdict="no evidence")
        return Check(name="card", verdict="pass" if self.preferred >= BEATEN else "fail")


class Kept(Record):
    """All that is known of one file."""

    source: str
    """Digest of the program."""
    others: tuple[Check, ...]
    """All checks but `ordering`."""
    ordering: dict[str, Asked] = {}
    """By store."""

    def checks(self, store: str) -> dict[str, Check]:
        """Every check by its name."""
        own = {check.name: check for check in self.others}
        return own | {"ordering": self.ordering[store].check} if store in self.ordering else own


@dataclass
class BusyClock:
    """The CPU time of this process and of its cells: what passes on a machine that does nothing else."""

    cells: list[ProcessCell] = field(default_factory=list)
    seen: dict[int, float] = field(default_factory=dict)
    """Process -> its seconds, kept when it has ended."""

    def __call__(self) -> float:
        """Seconds."""
        for cell in self.cells:
            if (pid := cell.pid) is not None:
                with suppress(OSError):  # it has just ended
                    self.seen[pid] = time.clock_gettime((~pid << 3) | 2)  # as clock_getcpuclockid names its clock
        return time.process_time() + sum(self.seen.values())

    def rule(self) -> None:
        """Let the Critic's seconds be these."""
        vars(time)["monotonic"] = self


@dataclass
class Examiner:
    """Asks, and keeps what was said in `out`."""

    out: Path
    seconds: float
    """Of all checks of a file."""
    clock: BusyClock = field(default_factory=BusyClock)

    def __post_init__(self) -> None:
        """Cells are shared by all files."""
        self.pool = Pool(self._new_cell)

    def kept(self, member: Member, anew: bool = False) -> Kept:
        """What is known of a file; what is not known is asked.

        Args:
            member: the file.
            anew: ask `ordering` once more.
        """
        path, known = self._path(member), self.known(member)
        if known is None:
            known = Kept(source=origin_of_program(member.source), others=self._verdict(member).checks)
            write_record(path, known)
        if anew or not known.ordering:
            known = known.model_copy(update={"ordering": self._orderings(member)})
            write_record(path, known)
        return known

    def known(self, member: Member) -> Kept | None:
        """What was kept of this text of a file."""
        path = self._path(member)
        known = read_record(path, Kept) if path.exists() else None
        return known if known and known.source == origin_of_program(member.source) else None

    def store(self, runs: Path) -> None:
        """Fill the stores of all tasks of the set, oldest trainings first, unless they are there."""
        hidden = {origin_of_program(member.source): member.half for member in members()}
        tasks = {member.task for member in members()}
        for name in STORES:
            if (self.out / name).exists():
                continue
            for path in sorted(runs.rglob(TRAJECTORIES), key=lambda found: found.stat().st_mtime):
                job = _job(path.parent)
                if job is None or job.task.name not in tasks:
                    continue
                half = hidden.get(origin_of(job.reward))
                if half != "set_aside" and (name == "earlier" or half or job.reward.kind in ("random", "sparse")):
                    self._stored(name, job.task).add(job, path.parent)
            (self.out / name).mkdir(parents=True, exist_ok=True)

    def _path(self, member: Member) -> Path:
        return self.out / f"{member.key.replace('/', '__')}.json"

    def _new_cell(self) -> ProcessCell:
        self.clock.cells.append(ProcessCell())
        return self.clock.cells[-1]

    def _stored(self, name: str, task: Task) -> Stored:
        return Stored.of(self.out / name, task, _schema(task.env.model_dump_json(), lambda: describe(task.env)), _note)

    def _verdict(self, member: Member) -> Verdict:
        task, schema, recorded = _given(member.task)
        return verify(member.source, schema, member.grammar, recorded, self.pool.lend, task, self.seconds)

    def _orderings(self, member: Member) -> dict[str, Asked]:
        found = {}
        for name in STORES:
            with self.trial(member, name) as trial:
                found[name] = asked(trial, _given(member.task)[0])
        return found

    @contextmanager
    def trial(self, member: Member, store: str) -> Iterator[Trial]:
        """What `ordering` is given of a file, with that store's episodes."""
        task, schema, recorded = _given(member.task)
        cell = self.pool.lend()
        try:
            program = cell.load(member.source, schema, member.grammar)
            inputs = {name: array[:STEPS] for name, array in recorded.inputs.items()}
            stored = self._stored(store, task)
            yield Trial(program, schema, cell, self.pool.lend, inputs, recorded.begun[:STEPS], task, stored=stored)
        finally:
            cell.close()


def asked(trial: Trial, task: Task) -> Asked:
    """Ask `ordering`, and CARD's rule."""
    assert trial.stored is not None
    began = time.perf_counter()
    outcome = ordering.check(trial)
    seconds = time.perf_counter() - began
    check = Check(name="ordering", verdict=outcome.verdict, message=outcome.message, seconds=seconds)
    fields = sorted({name.partition(".")[2] for name in trial.program.inputs if "." in name})
    episodes = trial.stored.episodes(fields, origin_of_program(trial.program.source))
    if len({episode.kind for episode in episodes}) < 2:
        return Asked(check=check)
    try:
        found = ordering.ranked(trial, task, episodes)
    except CellFailed:
        return Asked(check=check)
    figures = {
        f"{name}_{of}": value
        for of, worth in (("worth", found.paid.worth), ("returns", found.returns))
        for name, value in (
            ("accuracy", found.accuracy(worth)),
            ("beats", found.beats_best(worth)),
        )
    }
    figures |= {"successes": found.trainings(True), "failures": found.trainings(False)}
    return Asked(check=check, preferred=found.beats_best(found.paid.pace), figures=figures)


def _job(folder: Path) -> TrainingJob | None:
    try:
        return read_record(folder / JOB, TrainingJob) if (folder / JOB).exists() else None
    except AutorewardError:  # of an older form
        return None


_SCHEMAS: dict[str, EnvSchema] = {}


def _schema(key: str, make: Callable[[], EnvSchema]) -> EnvSchema:
    if key not in _SCHEMAS:
        _SCHEMAS[key] = make()
    return _SCHEMAS[key]


@cache
def _given(name: str) -> tuple[Task, EnvSchema, Transitions]:
    task = load_task(name)
    return task, describe(task.env), record_transitions(task, 0)


def _note(text: str) -> None:
    sys.stderr.write(text + "\n")
