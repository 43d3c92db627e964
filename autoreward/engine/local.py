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
from autoreward.errors import UserError
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
        """Run what has no result yet; see `Engine`.

        Raises:
            UserError: a worker cannot be started or its folder cannot be written.
            RunDamaged: a job or a result does not read.
        """
        waiting = deque(request for request in dict.fromkeys(requests) if not _result_path(request).exists())
        busy: list[Worker] = []
        repeated: set[JobRequest] = set()
        try:
            while waiting or busy:
                while waiting and len(busy) < self._slots:
                    busy.append(self._assign(waiting[0]))
                    waiting.popleft()
                time.sleep(POLL)
                for worker in list(busy):
                    if self._killed_from_outside(worker) and worker.request not in repeated:
                        # By a user, or for memory that others took: no fault of the reward until it happens twice.
                        repeated.add(worker.request)
                        waiting.append(worker.request)
                        worker.kill()
                        busy.remove(worker)
                    elif self._settled(worker, progress):
                        busy.remove(worker)
        finally:
            # Reached with workers under way only by an interrupt or a fault here: neither is the trainings' failure.
            _kill_all(busy)
        return {request.folder: read_record(_result_path(request), TrainingResult) for request in requests}

    def _assign(self, request: JobRequest) -> Worker:
        try:
            (request.folder / PROGRESS).unlink(missing_ok=True)
            while self._idle:
                worker = self._idle.pop()
                if worker.assign(request):
                    return worker
                worker.kill()
            worker = Worker(request.folder / WORKER_LOG)
        except OSError as error:
            raise UserError(f"no worker can be started in {request.folder}: {error}") from None
        worker.assign(request)  # one that has died already is noticed like one that dies later
        return worker

    def _killed_from_outside(self, worker: Worker) -> bool:
        return worker.ended() and worker.signalled and not _result_path(worker.request).exists()

    def _settled(self, worker: Worker, progress: ReportProgress) -> bool:
        """Pass a worker's progress on; whether its job has ended, well or badly."""
        request = worker.request
        answered, ended = worker.answered(), worker.ended()
        if (state := worker.progress()) is not None:
            progress(request, state)
        if not answered and not ended and time.monotonic() - worker.moved <= self._timeout:
            return False
        if worker.sound:
            self._idle.append(worker)
        else:
            worker.kill()
        if not _result_path(request).exists():
            reason = (
                worker.last_words() if answered or ended else f"no progress for {self._timeout:g} s, so it was killed"
            )
            _write_failure(request, f"the worker {reason}", time.monotonic() - worker.started)
            progress(request, Progress(stage="failed", steps=request.steps))
        return True


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
        write_record(_result_path(request), failed_result(job.hash, request.steps, reason, seconds))
    except OSError as error:
        raise UserError(f"{request.folder} cannot be written: {error}") from None
