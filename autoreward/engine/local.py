"""The engine `local`: workers as processes of this machine, so many at once."""

from __future__ import annotations

import os
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from autoreward.engine.contract import JobRequest
from autoreward.engine.processes import Worker
from autoreward.engine.worker import failed_result
from autoreward.errors import MachineFailed, UserError
from autoreward.records import read_record, write_record
from autoreward.training.contract import Progress, TrainingJob, TrainingResult
from autoreward.training.files import JOB, PROGRESS, WORKER_LOG, result_name

POLL = 0.1
"""Seconds between two looks at the workers."""

ReportProgress = Callable[[JobRequest, Progress], None]


class LocalEngine:
    """Implements `Engine` with at most `slots` workers at once, which are kept for the next jobs."""

    def __init__(self, slots: int, timeout: float) -> None:
        """Set up.

        Args:
            slots: workers at once; 0: as many as cores.
            timeout: seconds without any progress after which a worker is killed.
        """
        self._slots = slots or _cores()
        self._timeout = timeout
        self._idle: list[Worker] = []
        weakref.finalize(self, _kill_all, self._idle)

    def run(self, requests: Sequence[JobRequest], progress: ReportProgress) -> dict[Path, TrainingResult]:
        """Run what has no result yet, each alone in a worker or several of one task in one; see `Engine`.

        Raises:
            UserError: a worker cannot be started or its folder cannot be written.
            RunDamaged: a job or a result does not read.
        """
        waiting = deque(_grouped([each for each in dict.fromkeys(requests) if not _result_path(each).exists()]))
        busy: list[Worker] = []
        repeated: set[JobRequest] = set()
        try:
            while waiting or busy:
                while waiting and len(busy) < self._slots:
                    busy.append(self._assign(waiting[0]))
                    waiting.popleft()
                time.sleep(POLL)
                for worker in list(busy):
                    if (failure := self._over(worker, progress)) is not None:
                        busy.remove(worker)
                        waiting += self._settle(worker, failure, repeated, progress)
        finally:
            # Reached with workers under way only by an interrupt or a fault here: neither is the trainings' failure.
            _kill_all(busy)
        return {request.folder: read_record(_result_path(request), TrainingResult) for request in requests}

    def _assign(self, requests: tuple[JobRequest, ...]) -> Worker:
        folder = requests[0].folder
        try:
            for request in requests:
                (request.folder / PROGRESS).unlink(missing_ok=True)
            while self._idle:
                worker = self._idle.pop()
                if worker.assign(requests):
                    return worker
                worker.kill()
            worker = Worker(folder / WORKER_LOG)
        except OSError as error:
            raise UserError(f"no worker can be started in {folder}: {error}") from None
        worker.assign(requests)  # one that has died already is noticed like one that dies later
        return worker

    def _over(self, worker: Worker, progress: ReportProgress) -> str | None:
        """Pass a worker's progress on; once its jobs are over, what to say of those that have left no result."""
        answered, ended = worker.answered(), worker.ended()
        for request, state in worker.progress():
            progress(request, state)
        if answered or ended:
            return f"the worker {worker.last_words()}"
        if time.monotonic() - worker.moved > self._timeout:
            return f"the worker showed no progress for {self._timeout:g} s, so it was killed"
        return None

    def _settle(
        self, worker: Worker, failure: str, repeated: set[JobRequest], progress: ReportProgress
    ) -> list[tuple[JobRequest, ...]]:
        """Keep or kill a worker whose jobs are over; the jobs to be done again.

        A job is done again once, alone: where the worker was killed from outside, by a user or for memory that others
        took, and where it was one of several, since another may have been the cause.
        """
        innocent = worker.signalled or len(worker.requests) > 1
        if worker.sound:
            self._idle.append(worker)
        else:
            worker.kill()
        again: list[tuple[JobRequest, ...]] = []
        for request in worker.requests:
            if _result_path(request).exists():
                continue
            if innocent and request not in repeated:
                repeated.add(request)
                again.append((request,))
            else:
                _write_failure(request, failure, time.monotonic() - worker.started)
                progress(request, Progress(stage="failed", steps=request.steps))
        return again


def _grouped(requests: Sequence[JobRequest]) -> list[tuple[JobRequest, ...]]:
    """The requests in their order, where asked for so many together as their settings say; see `TrainerSettings.stack`.

    Raises:
        RunDamaged: a job does not read.
    """
    groups: list[list[JobRequest]] = []
    open_groups: dict[tuple[str, int], list[JobRequest]] = {}
    for request in requests:
        job = read_record(request.folder / JOB, TrainingJob)
        key = (job.stack_key, request.steps) if job.stack_key else None
        group = open_groups.get(key, []) if key else []
        if not group:
            groups.append(group)
        group.append(request)
        if key:
            open_groups[key] = group if len(group) < job.task.trainer.stack else []
    return [tuple(group) for group in groups]


def _kill_all(workers: list[Worker]) -> None:
    for worker in workers:
        worker.kill()


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _result_path(request: JobRequest) -> Path:
    return request.folder / result_name(request.steps)


def _write_failure(request: JobRequest, reason: str, seconds: float) -> None:
    job = read_record(request.folder / JOB, TrainingJob)
    try:
        write_record(_result_path(request), failed_result(job.hash, request.steps, MachineFailed(reason), seconds))
    except OSError as error:
        raise UserError(f"{request.folder} cannot be written: {error}") from None
