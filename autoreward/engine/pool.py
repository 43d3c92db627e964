"""What engines with workers share: who waits, who is at work, who is tried again, and what the futures are told.

One thread does all of it. It is there while there are jobs, so an engine that nobody holds any more is collected.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from concurrent.futures import Future
from typing import ClassVar, Protocol

from autoreward.engine.contract import Engine, JobRequest, Resources, unheard
from autoreward.engine.followed import Followed
from autoreward.engine.jobs import Job, Queue
from autoreward.engine.worker import failed_result
from autoreward.errors import MachineFailed, UserError
from autoreward.records import Record, read_record, write_record
from autoreward.training.contract import Progress, Report, TrainingJob, TrainingResult
from autoreward.training.files import JOB, PROGRESS


class End(Record):
    """How an attempt at some jobs ended, for those of them that have left no result."""

    reason: str
    """What to say of them, in one line."""
    innocent: bool
    """Whether it was ended from outside, which says nothing about the job."""


class Attempt(Protocol):
    """A worker, wherever it is, at some jobs."""

    def end(self) -> End | None:
        """How it ended; None while it goes on."""
        ...

    def kill(self) -> None:
        """End it, with all its processes. Calling twice is fine."""
        ...


class _Busy:
    """Jobs that a worker is at together."""

    def __init__(self, jobs: tuple[Job, ...], attempt: Attempt) -> None:
        self.jobs, self.attempt, self.started = jobs, attempt, time.monotonic()
        self._followed = Followed([job.request for job in jobs])
        self._by_request = {job.request: job for job in jobs}

    def pass_on(self) -> None:
        """Tell progress to those who wait for it."""
        for request, state in self._followed.news():
            self._by_request[request].tell(state)


class Pool(Engine, ABC):
    """Implements `Engine`; where a worker is, and how many there may be, is told by those that extend it."""

    POLL: ClassVar[float] = 0.1
    """Seconds between two looks at the workers, where none of them asks for one."""

    def __init__(self, resources: Resources | None) -> None:
        """Set up; `resources` are those of a job that names none."""
        self._given = resources or Resources()
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._queue = Queue()
        self._busy: list[_Busy] = []
        self._thread: threading.Thread | None = None
        self._closed = False

    @abstractmethod
    def _has_room(self, resources: Resources) -> bool:
        """Whether another worker with these resources can begin beside those that are at work."""

    @abstractmethod
    def _begin(self, requests: tuple[JobRequest, ...], resources: Resources) -> Attempt:
        """Have a worker begin with jobs that have the same steps, to train them together.

        Raises:
            OSError, UserError: none can be started, or a folder cannot be written.
        """

    @abstractmethod
    def _over(self, attempt: Attempt) -> None:
        """An attempt has ended, or has been killed: its worker is kept for others or ended, and its room is free."""

    def _check(self, resources: Resources) -> None:
        """Refuse what there will never be room for.

        Raises:
            UserError: saying what there is.
        """

    def _close(self) -> None:
        """Let go of idle workers and connections."""

    # For callers ------------------------------------------------------------------------------------------------

    def submit(self, request: JobRequest, progress: Report = unheard) -> Future[TrainingResult]:
        """Have a job run; see `Engine`."""
        resources = request.resources or self._given
        self._check(resources)
        job = Job(request, resources, read_record(request.folder / JOB, TrainingJob), progress)
        if (result := request.result()) is not None:
            job.finish(result)
            return job.future
        job.future.add_done_callback(lambda _, woken=self._woken: woken.set())  # type: ignore[misc]
        with self._lock:
            if self._closed:
                raise RuntimeError("this engine was shut down")
            self._queue.add(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
                self._thread.start()
        self._woken.set()
        return job.future

    def shutdown(self) -> None:
        """Cancel every job and end all workers; see `Engine`."""
        with self._lock:
            self._closed, thread = True, self._thread
        self._woken.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        self._close()

    # The thread -------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        """Until no job is left."""
        try:
            while self._goes_on():
                self._woken.wait(self.POLL)
                self._woken.clear()
                for busy in list(self._busy):
                    self._look(busy)
        except BaseException as fault:  # one of this file's: nobody may wait for ever
            self._leave_all(fault)

    def _goes_on(self) -> bool:
        """Begin what there is room for; whether anything is left to wait for."""
        while True:
            with self._lock:
                if self._closed:
                    break
                jobs = self._queue.take(self._has_room)
                if not jobs:
                    if not self._queue and not self._busy:
                        self._thread = None
                    return self._thread is not None
            self._begin_with(jobs)
        self._leave_all(None)
        return False

    def _begin_with(self, jobs: tuple[Job, ...]) -> None:
        """Have a worker begin with those that are not cancelled or done meanwhile."""
        left = tuple(job for job in jobs if not self._is_over(job))
        if not left:
            return
        try:
            for job in left:
                (job.request.folder / PROGRESS).unlink(missing_ok=True)
            attempt = self._begin(tuple(job.request for job in left), left[0].resources)
        except Exception as error:
            fault = UserError(f"no worker can be started in {left[0].request.folder}: {error}")
            for job in left:
                job.fail(error if isinstance(error, UserError) or not isinstance(error, OSError) else fault)
                self._release(job)
        else:
            self._busy.append(_Busy(left, attempt))

    def _look(self, busy: _Busy) -> None:
        """See how an attempt stands."""
        end = busy.attempt.end()
        busy.pass_on()
        if end is not None:
            self._busy.remove(busy)
            self._over(busy.attempt)
            for job in busy.jobs:
                self._settle(job, end, len(busy.jobs) > 1, busy.started)
        elif all(job.future.done() for job in busy.jobs):
            self._busy.remove(busy)
            busy.attempt.kill()
            self._over(busy.attempt)
            for job in busy.jobs:
                self._release(job)

    def _settle(self, job: Job, end: End, shared: bool, started: float) -> None:
        """Give a job's result, or have it done again once, alone.

        That is where the worker was ended from outside, by a user or for memory that others took, and where it had
        several jobs, since another may have been the cause.
        """
        if self._is_over(job):
            return
        if (end.innocent or shared) and not job.repeated:
            job.repeated = True
            with self._lock:
                self._queue.again(job)
            return
        try:
            result = _failure(job, end.reason, time.monotonic() - started)
            job.tell(Progress(stage="failed", steps=job.request.steps))
            job.finish(result)
        except UserError as error:
            job.fail(error)
        self._release(job)

    def _is_over(self, job: Job) -> bool:
        """Whether it has been cancelled, or its result is there, which is given to whoever waits."""
        try:
            if not job.future.done() and (result := job.request.result()) is not None:
                job.finish(result)
        except UserError as error:
            job.fail(error)
        if job.future.done():
            self._release(job)
        return job.future.done()

    def _release(self, job: Job) -> None:
        with self._lock:
            self._queue.release(job)

    def _leave_all(self, fault: BaseException | None) -> None:
        """End everything: through a fault, or, without one, by cancelling it."""
        with self._lock:
            self._thread = None
            jobs, busy = self._queue.clear(), self._busy
            self._busy = []
        for each in busy:
            jobs += each.jobs
            if fault is not None or not self.detached:
                each.attempt.kill()
                self._over(each.attempt)
        for job in jobs:
            job.future.cancel() if fault is None else job.fail(fault)


def _failure(job: Job, reason: str, seconds: float) -> TrainingResult:
    """Write the result of a job that has left none."""
    result = failed_result(job.hash, job.request.steps, MachineFailed(reason), seconds)
    try:
        write_record(job.request.result_path, result)
    except OSError as error:
        raise UserError(f"{job.request.folder} cannot be written: {error}") from None
    return result
