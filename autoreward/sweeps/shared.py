"""One engine for all runs of a sweep: their order, and trainings that several of them ask for.

The same training (by its job's hash) is done once: those who ask while it is under way wait for it, later ones find it
in the sweep's store, and both get its files as links. So random, sparse and human-written rewards are trained once per
task, settings and seed, however many arms are compared, and so is a candidate that two arms have in common.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from threading import RLock

from autoreward.engine.contract import Engine, JobRequest, unheard
from autoreward.errors import RunDamaged
from autoreward.records import read_record, write_bytes
from autoreward.sandbox.isolation import is_enough
from autoreward.sweeps.caps import Account, SweepStopped
from autoreward.training.contract import Progress, Report, TrainingJob, TrainingResult
from autoreward.training.files import CHECKPOINT, JOB, RESULT_FILES, result_name

Key = tuple[str, int]
"""Hash of the job, and steps."""


class _Wanted:
    """A job that a run waits for."""

    def __init__(self, run: RunEngine, request: JobRequest, job: TrainingJob, progress: Report) -> None:
        self.run, self.request, self.job, self.progress = run, request, job, progress
        self.leads = False
        """Whether others may wait for it."""
        self.future: Future[TrainingResult] = Future()

    @property
    def key(self) -> Key:
        return self.job.hash, self.request.steps

    @property
    def whole(self) -> bool:
        """A shorter one would have to bring its checkpoint, so it is not shared."""
        return self.request.steps == self.job.task.steps

    @property
    def name(self) -> str:
        """Run, training and steps, as the account keeps it."""
        return "/".join(self.request.result_path.parts[-4:])

    @property
    def before(self) -> int:
        """Environment steps of a shorter one, counted already, that it goes on from; all where it trains nothing."""
        if self.job.reward.kind == "random":
            return self.request.steps
        if not (self.request.folder / CHECKPOINT).exists():
            return 0
        rungs = (int(path.stem.removeprefix("result-")) for path in self.request.folder.glob("result-*.json"))
        return max((steps for steps in rungs if steps < self.request.steps), default=0)

    def accepts(self, result: TrainingResult) -> bool:
        """Whether another run's result will do: a sound one, isolated as this run asks for."""
        level = result.isolation
        return result.status == "ok" and (level is None or is_enough(level, self.job.least_isolation))

    def finish(self, result: TrainingResult) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_result(result)

    def fail(self, fault: BaseException) -> None:
        if not self.future.done() and self.future.set_running_or_notify_cancel():
            self.future.set_exception(fault)


class SharedEngine:
    """What the runs of a sweep share: an engine, a store of finished trainings, and the caps."""

    def __init__(self, engine: Engine, store: Path, account: Account, changed: Callable[[], None]) -> None:
        """Set up.

        Args:
            engine: does the jobs; whoever made it shuts it down.
            store: folder of finished trainings; may be deleted while no sweep uses it.
            account: of the whole sweep.
            changed: called, by any thread, after each training that has ended.
        """
        self._engine, self._store, self._account, self._changed = engine, store, account, changed
        self.detached = engine.detached
        self._lock = RLock()
        self._leaders: dict[Key, list[_Wanted]] = {}
        """Trainings under way -> others who wait for them."""
        self.open = 0
        """Jobs that the engine has, whether at work or waiting."""
        self.begun = 0
        """Of these, those whose worker has shown progress."""
        self.interrupted = False
        """Whether the sweep is being ended at once."""

    def of(self, place: int) -> RunEngine:
        """The engine as the run at that place of the sweep's order sees it; lower ones go first."""
        return RunEngine(self, place)

    def submit(self, wanted: _Wanted) -> None:
        """Have a job done, or share in one; the future of `wanted` is told, also of faults."""
        try:
            known = wanted.request.result()
        except BaseException as fault:
            wanted.fail(fault)
            return
        if known is None and wanted.whole:  # a result that is there is never replaced
            with self._lock:
                if (others := self._leaders.get(wanted.key)) is not None:
                    others.append(wanted)
                    return
                self._leaders[wanted.key], wanted.leads = [], True
        try:
            if wanted.leads and self._take(self._store / wanted.job.hash, wanted):
                self._told(wanted, self._store / wanted.job.hash)
            else:
                self._have_done(wanted, known)
        except BaseException as fault:
            wanted.fail(fault)
            self._told(wanted, wanted.request.folder)

    def _take(self, source: Path, wanted: _Wanted) -> bool:
        """Give a finished training's files and result to a run, if they are there and will do."""
        name = result_name(wanted.request.steps)
        try:
            result = read_record(source / name, TrainingResult) if (source / name).exists() else None
        except RunDamaged:  # the store is a cache
            return False
        if result is None or result.hash != wanted.job.hash or not wanted.accepts(result):
            return False
        _link(source, wanted.request.folder, (*RESULT_FILES, name))
        wanted.progress(Progress.ended(result))
        wanted.finish(result)
        return True

    def _have_done(self, wanted: _Wanted, known: TrainingResult | None) -> None:
        """Have the engine do a job that nobody else is at; `known`: its result is there, and is to be told."""
        before = wanted.before
        if known is not None:
            self._account.found(wanted.name, known.trained - before)
        elif not self._account.allows(wanted.name, wanted.request.steps - before):
            for each in (wanted, *self._leave(wanted)):
                each.run.hold(each)
            return
        begun: list[Progress] = []

        def heard(progress: Progress) -> None:
            if not begun:
                self._count(begun=1)
            begun[:] = [progress]
            wanted.progress(progress)

        def ended(inner: Future[TrainingResult]) -> None:
            self._count(open_=-1, begun=-len(begun))
            result = None if inner.cancelled() or inner.exception() else inner.result()
            if known is None:
                self._book(wanted, result, before, begun[0].step if begun else 0)
            self._pass_on(wanted, inner, result)

        self._count(open_=1)
        try:
            inner = self._engine.submit(wanted.request, heard)
        except BaseException:
            self._count(open_=-1)
            self._account.trained(wanted.name, 0)
            raise
        wanted.future.add_done_callback(lambda future: inner.cancel() if future.cancelled() else None)
        inner.add_done_callback(ended)

    def _book(self, wanted: _Wanted, result: TrainingResult | None, before: int, seen: int) -> None:
        """A job is over, or left to itself: count its steps; of one that failed, those that were `seen`."""
        if result is None and self.detached:
            self._account.left(wanted.name)
            return
        steps = result.trained if result is not None and result.status == "ok" else seen
        self._account.trained(wanted.name, max(steps - before, 0) if result is not None else 0)

    def _count(self, open_: int = 0, begun: int = 0) -> None:
        with self._lock:
            self.open += open_
            self.begun += begun

    def _pass_on(self, wanted: _Wanted, inner: Future[TrainingResult], result: TrainingResult | None) -> None:
        """A job is over: tell who waits. Here nothing may be raised, since nobody would hear it."""
        if result is not None and wanted.whole and result.status == "ok":
            with contextlib.suppress(OSError):  # the store is a cache; a full disk is told by whoever needs it
                _link(
                    wanted.request.folder,
                    self._store / wanted.job.hash,
                    (JOB, *RESULT_FILES, result_name(result.steps)),
                )
        if result is not None:
            wanted.finish(result)
        elif not inner.cancelled():
            wanted.fail(inner.exception() or RuntimeError("a job ended without a result"))
        elif self.interrupted:
            wanted.fail(SweepStopped("interrupted"))
        else:
            wanted.future.cancel()
        self._told(wanted, wanted.request.folder)
        self._changed()

    def _told(self, wanted: _Wanted, source: Path) -> None:
        """A job is over, and its files lie there: give them to those who wait for it too."""
        for other in self._leave(wanted):
            self._follow(other, source)

    def _leave(self, wanted: _Wanted) -> list[_Wanted]:
        with self._lock:
            wanted.leads, led = False, wanted.leads
            return self._leaders.pop(wanted.key) if led else []

    def _follow(self, other: _Wanted, source: Path) -> None:
        """Give the result to one who has waited for it; where there is none that will do, it is done for them."""
        try:
            if other.future.done():
                return
            if self.interrupted:
                other.fail(SweepStopped("interrupted"))
            elif not self._take(source, other):
                self.submit(other)
        except BaseException as fault:
            other.fail(fault)


class RunEngine(Engine):
    """The engine for one run of a sweep."""

    def __init__(self, shared: SharedEngine, place: int) -> None:
        self._shared, self._place, self.detached = shared, place, shared.detached
        self._lock = RLock()
        self._open, self._held = 0, list[_Wanted]()

    @property
    def at_work(self) -> bool:
        """Whether the run waits for trainings."""
        return self._open > 0

    def submit(self, request: JobRequest, progress: Report = unheard) -> Future[TrainingResult]:
        """Have a job done with this run's priority, or share in another run's; see `Engine`.

        Where a cap of the sweep leaves no room for it, the future raises SweepStopped, after the run's other jobs.
        """
        job = read_record(request.folder / JOB, TrainingJob)
        wanted = _Wanted(self, request.model_copy(update={"priority": -self._place}), job, progress)
        with self._lock:
            self._open += 1
        wanted.future.add_done_callback(lambda _: self._ended())
        self._shared.submit(wanted)
        return wanted.future

    def hold(self, wanted: _Wanted) -> None:
        """Keep a job that no room is left for, so that those under way can end before the run is told."""
        with self._lock:
            self._open -= 1
            self._held.append(wanted)
        self._tell_held()

    def _ended(self) -> None:
        with self._lock:
            self._open -= 1
        self._tell_held()

    def _tell_held(self) -> None:
        with self._lock:
            if self._open > 0:
                return
            held, self._held = self._held, []
            self._open += len(held)  # each counts itself out when it ends
        for wanted in held:
            wanted.fail(SweepStopped("a cap of the sweep is reached"))

    def shutdown(self) -> None:
        """The engine is the sweep's, which ends it."""


def _link(source: Path, destination: Path, names: tuple[str, ...]) -> None:
    """Give a folder another's files, the result last: as links, which cost no room, or as copies where that fails.

    No file of a training is ever written to: each is replaced as a whole, and a link then keeps what it was.
    """
    destination.mkdir(parents=True, exist_ok=True)
    for name in names:
        if not (source / name).is_file():
            continue
        temporary = destination / f".{name}.{uuid.uuid4().hex}"
        try:
            os.link(source / name, temporary)
            os.replace(temporary, destination / name)
        except OSError:
            temporary.unlink(missing_ok=True)
            write_bytes(destination / name, (source / name).read_bytes())
        finally:
            temporary.unlink(missing_ok=True)  # of two links to one file, `replace` leaves both
