"""Jobs that wait for a worker: who is next, and with whom."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import ClassVar

from autoreward.engine.contract import JobRequest, Resources
from autoreward.training.contract import Progress, Report, TrainingJob, TrainingResult

Entry = tuple[int, int, "Job"]
"""Priority, the highest first; number, the lowest first; job."""


class Job:
    """A request, and whoever waits for it."""

    _numbers: ClassVar[itertools.count[int]] = itertools.count()

    def __init__(self, request: JobRequest, resources: Resources, training: TrainingJob, progress: Report) -> None:
        """Nothing is begun yet; `progress` as in `Engine.submit`."""
        self.request, self.resources, self.hash = request, resources, training.hash
        self.future: Future[TrainingResult] = Future()
        self.repeated = False
        """Whether this is its second attempt, which it makes alone in a worker."""
        self.stack = training.task.trainer.stack
        self.entry: Entry = (-request.priority, next(self._numbers), self)
        self._key = (training.stack_key, request.steps) if training.stack_key else None
        self._progress = progress
        self._lock = threading.Lock()
        self._settled = False
        self.future.add_done_callback(lambda _: self._settle())

    @property
    def key(self) -> tuple[str, int] | None:
        """Jobs of one key may share a worker; None: it is to be alone in one."""
        return None if self.repeated else self._key

    def tell(self, state: Progress) -> None:
        """Pass progress on."""
        if not self.future.done():
            try:
                self._progress(state)
            except BaseException as fault:
                self.fail(fault)

    def finish(self, result: TrainingResult) -> None:
        """Give the result to whoever waits, unless the job has been cancelled."""
        if self._settle():
            self.future.set_result(result)

    def fail(self, fault: BaseException) -> None:
        """There will be no result."""
        if self._settle():
            self.future.set_exception(fault)

    def _settle(self) -> bool:
        """From now on it cannot be cancelled; whether it has not been."""
        with self._lock:
            if self._settled:
                return False
            self._settled = True
            return self.future.set_running_or_notify_cancel()


class Queue:
    """Jobs by priority, apart by what they ask for, so that one that has to wait for a GPU holds up no other."""

    GATHER: ClassVar[float] = 0.25
    """Seconds for which those that may share a worker wait for others that are being submitted."""

    def __init__(self) -> None:
        self._heaps: defaultdict[Resources, list[Entry]] = defaultdict(list)
        self._twins: dict[Path, deque[Job]] = {}
        """Folder of a job that waits or is at work -> others for the same folder."""
        self._added = 0.0

    def add(self, job: Job) -> None:
        """A new job; one for a folder that is in use waits until that is released."""
        self._added = time.monotonic()
        if (twins := self._twins.get(job.request.folder)) is not None:
            twins.append(job)
        else:
            self._twins[job.request.folder] = deque()
            self.again(job)

    def again(self, job: Job) -> None:
        """A job that has been taken is to wait once more."""
        heapq.heappush(self._heaps[job.resources], job.entry)

    def release(self, job: Job) -> None:
        """A job is over: its folder is free for the next."""
        twins = self._twins[job.request.folder]
        while twins:
            if not (twin := twins.popleft()).future.done():
                return self.again(twin)
        del self._twins[job.request.folder]

    def take(self, has_room: Callable[[Resources], bool]) -> tuple[Job, ...]:
        """The next jobs for one worker; empty where none is waiting that there is room for."""
        for _, _, head in sorted(heap[0] for heap in self._heaps.values() if heap):
            if has_room(head.resources) and (jobs := self._with_others(head)):
                return jobs
        return ()

    def clear(self) -> list[Job]:
        """Take all that wait."""
        jobs = [job for heap in self._heaps.values() for _, _, job in heap]
        jobs += [twin for twins in self._twins.values() for twin in twins]
        self._heaps.clear()
        self._twins.clear()
        return jobs

    def __bool__(self) -> bool:
        """Whether any waits."""
        return any(self._heaps.values())

    def _with_others(self, head: Job) -> tuple[Job, ...]:
        """A head of the queue with those that may share its worker; empty where more of them may be about to come."""
        heap = self._heaps[head.resources]
        if head.key is None or head.future.done():
            return (heapq.heappop(heap)[-1],)
        alike = [entry for entry in heap if entry[-1].key == head.key and not entry[-1].future.done()]
        found = sorted(alike)[: head.stack]
        if len(found) < head.stack and time.monotonic() - self._added < self.GATHER:
            return ()
        taken = {job for _, _, job in found}
        heap[:] = [entry for entry in heap if entry[-1] not in taken]
        heapq.heapify(heap)
        return tuple(job for _, _, job in found)
