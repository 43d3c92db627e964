"""The engine `local`: workers as processes of this machine, so many at once."""

from __future__ import annotations

import os
import weakref

from autoreward.engine.contract import JobRequest, Resources
from autoreward.engine.devices import Shares, choose, visible_gpus
from autoreward.engine.pool import Attempt, Pool
from autoreward.engine.processes import Worker
from autoreward.errors import UserError
from autoreward.training.files import WORKER_LOG


class LocalEngine(Pool):
    """Implements `Engine` with workers on at most `slots` cores at once, which are kept for the next jobs."""

    def __init__(self, slots: int, timeout: float, resources: Resources | None = None) -> None:
        """Set up.

        Args:
            slots: cores for workers, each of which takes one unless `resources` say otherwise; 0: all there are.
            timeout: seconds without any progress after which a worker is killed.
            resources: of a job that names none; None: one core.

        Raises:
            UserError: they are more than this machine has.
        """
        super().__init__(resources)
        self._slots, self._timeout = slots or cores(), timeout
        self._gpus: tuple[str, ...] | None = None
        self._workers: dict[Worker, Shares] = {}
        """All that are there, with their GPUs; none: what this process sees."""
        self._busy_with: dict[Worker, Resources] = {}
        weakref.finalize(self, _kill_all, self._workers)
        self._check(self._given)

    def _check(self, resources: Resources) -> None:
        if resources.cpus > self._slots:
            raise UserError(
                f"a job asks for {resources.cpus:g} cores, and the engine has {self._slots} slots; "
                f"type --engine.cpus {self._slots}, or more --slots"
            )
        if resources.gpus:
            if self._gpus is None:
                self._gpus = visible_gpus()
            if resources.gpus > len(self._gpus):
                raise UserError(
                    f"a job asks for {resources.gpus:g} GPUs, and this machine has {len(self._gpus)} (`nvidia-smi` "
                    "tells); type fewer with --engine.gpus"
                )

    def _has_room(self, resources: Resources) -> bool:
        taken = sum(each.cpus for each in self._busy_with.values())
        return taken + resources.cpus < self._slots + 1e-9 and self._choose(resources) is not None

    def _choose(self, resources: Resources) -> Shares | None:
        """The GPUs for another worker; None where there is no room."""
        if not resources.gpus:
            return ()
        taken = [(self._workers[worker], each.gpus) for worker, each in self._busy_with.items()]
        return choose(self._gpus or (), resources.gpus, taken)

    def _begin(self, requests: tuple[JobRequest, ...], resources: Resources) -> Attempt:
        gpus = self._choose(resources) or ()
        while (worker := self._idle(gpus)) is not None:
            if worker.begin(requests, resources, self._timeout):
                break
            self._forget(worker)  # it died while it was idle
        else:
            worker = self._new(requests[0], gpus)
            worker.begin(requests, resources, self._timeout)  # one that has died already is noticed as any other
        self._busy_with[worker] = resources
        return worker

    def _idle(self, gpus: Shares) -> Worker | None:
        """A worker with these GPUs that has nothing to do."""
        return next((each for each, its in self._workers.items() if its == gpus and each not in self._busy_with), None)

    def _new(self, request: JobRequest, gpus: Shares) -> Worker:
        """Another worker, in place of an idle one where there are as many as slots."""
        idle = [worker for worker in self._workers if worker not in self._busy_with]
        if idle and len(self._workers) >= self._slots:
            self._forget(idle[0])
        variables = {"CUDA_VISIBLE_DEVICES": ",".join(gpus)} if gpus else {}
        worker = Worker(request.folder / WORKER_LOG, self._woken.set, variables)
        self._workers[worker] = gpus
        return worker

    def _over(self, attempt: Attempt) -> None:
        assert isinstance(attempt, Worker)
        del self._busy_with[attempt]
        if not attempt.sound:
            self._forget(attempt)

    def _forget(self, worker: Worker) -> None:
        del self._workers[worker]
        worker.kill()

    def _close(self) -> None:
        _kill_all(self._workers)


def _kill_all(workers: dict[Worker, Shares]) -> None:
    while workers:
        workers.popitem()[0].kill()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
