"""The engine `slurm`: each job is a job of SLURM, submitted by submitit, on folders that all its machines share.

Jobs go on where this process ends: the cluster's queue is their record, and an engine that is asked for the same job
again finds it there by the mark in its comment. Nothing that comes back is unpickled: ends are JSON.

Not covered: shares of a GPU, which SLURM has not; the order of jobs that wait in SLURM's queue, which is SLURM's own,
so priorities count where `slots` bounds how many are there at once.
"""

from __future__ import annotations

import hashlib
import math
import os
import shlex
import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import submitit

from autoreward.engine.contract import JobRequest, Resources
from autoreward.engine.elsewhere import Errand, Finished, carry_out, errand
from autoreward.engine.pool import Attempt, End, Pool
from autoreward.engine.processes import worker_environment
from autoreward.engine.slurm_cluster import (
    GOING,
    LOOK_SECONDS,
    MARK,
    USUAL_MINUTES,
    Cluster,
    limits_of,
    options_of,
    said,
)
from autoreward.errors import RunDamaged, UserError
from autoreward.records import read_record, write_record

FOLDER = ".slurm"
"""In a training's folder: submitit's files and the ends of jobs."""
LOST_SECONDS = 30.0
"""For how long a job may be in neither the queue nor the past before it is taken for lost."""
SLACK_MINUTES = 5
"""What SLURM gives beyond a job's own time, so that its worker, and not SLURM, ends it."""
WARNED_MINUTES = 3
"""Before its time is over SLURM has a job begin anew: submitit asks for 90 seconds, SLURM may be 60 too early."""
OF_A_MACHINE = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "TMPDIR", "TEMP", "TMP", "DISPLAY", "XDG_RUNTIME_DIR")
"""Variables that say something about this machine, or this login, and not about the one that a job is given."""
OWN_FAULTS = {
    "TIMEOUT": "was not done within its time",
    "DEADLINE": "was not done before the cluster's deadline",
    "OUT_OF_MEMORY": "was ended for lack of memory; type more with --engine.memory",
}
"""States that say something about the job itself; after any other it is done once more."""


class Sent:
    """What a job of SLURM runs: an errand; what it gives is left as JSON. To submitit it can begin anew at any time."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(self) -> None:
        """Carry the errand out; when SLURM ends the job, its worker ends first."""

        def ended(number: int, frame: FrameType | None) -> NoReturn:
            raise SystemExit(128 + number)

        signal.signal(signal.SIGTERM, ended)
        finished = carry_out(given := Errand.model_validate_json(self.text))
        for request in given.requests:
            write_record(_end_path(request, os.environ["SLURM_JOB_ID"]), finished)

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """Where SLURM takes the machine away, or the partition's time is over: the same again, from its checkpoint."""
        return submitit.helpers.DelayedSubmission(self)


class SlurmEngine(Pool):
    """Implements `Engine` on SLURM."""

    detached = True
    POLL = 1.0

    def __init__(
        self,
        slots: int,
        timeout: float,
        resources: Resources | None = None,
        partition: str | None = None,
        options: str | None = None,
    ) -> None:
        """Ask the cluster what it has.

        Args:
            slots: cores for workers in the queue at once; 0: without bound.
            timeout: seconds without any progress after which a worker is killed.
            resources: of a job that names none; None: one core.
            partition: None: the cluster's default.
            options: further options of sbatch, a JSON object.

        Raises:
            UserError: there is no SLURM here, no such partition, or it allows a job less time than `resources`.
        """
        super().__init__(resources)
        self._slots, self._timeout = slots, timeout
        self._limits = limits_of(partition)
        self._check(self._given)
        self._partition, self._options = partition, options_of(options)
        self._cluster = Cluster()
        self._busy_with: dict[Attempt, Resources] = {}

    def _check(self, resources: Resources) -> None:
        if resources.gpus != int(resources.gpus):
            raise UserError(f"SLURM gives whole GPUs, not {resources.gpus:g}; type --engine.gpus 1, or 0")
        if self._slots and resources.cpus > self._slots:
            raise UserError(
                f"a job asks for {resources.cpus:g} cores, and there are {self._slots} slots; type more --slots"
            )
        minutes, most = (resources.seconds or 0) / 60, max(self._limits.values(), default=math.inf)
        if minutes > most:
            there = " or ".join(self._limits)
            raise UserError(
                f"a job asks for {minutes:g} minutes, and SLURM's partition {there} allows {most:g}. "
                f"Type --engine.minutes {most:g}, or --engine.partition with one that allows more (`sinfo` tells them)"
            )

    def _has_room(self, resources: Resources) -> bool:
        taken = sum(each.cpus for each in self._busy_with.values())
        return not self._slots or taken + resources.cpus < self._slots + 1e-9

    def _begin(self, requests: tuple[JobRequest, ...], resources: Resources) -> Attempt:
        marks = [_mark(request) for request in requests]
        there = {self._cluster.found.get(mark) for mark in marks}
        if len(there) == 1 and None not in there:
            job = str(there.pop())
        else:
            self._cluster.cancel([each for each in there if each is not None])
            job = self._submit(requests, resources, marks)
            self._cluster.add(job, marks)
        attempt = _Job(job, requests[0], self._cluster)
        self._busy_with[attempt] = resources
        return attempt

    def _submit(self, requests: tuple[JobRequest, ...], resources: Resources, marks: list[str]) -> str:
        """The number of a new job."""
        minutes, resources = self._timed(resources)
        sent = Sent(errand(requests, resources, self._timeout).model_dump_json())
        executor = submitit.SlurmExecutor(folder=requests[0].folder.absolute() / FOLDER)
        variables = {name: value for name, value in worker_environment().items() if name not in OF_A_MACHINE}
        variables["SLURM_EXPORT_ENV"] = "ALL"  # what srun is to take along from there
        given: dict[str, Any] = {
            "job_name": MARK,
            "time": minutes,
            "cpus_per_task": math.ceil(resources.cpus),
            "gpus_per_node": int(resources.gpus) or None,
            "mem": None if resources.memory is None else f"{math.ceil(resources.memory / 1e6)}M",
            "partition": self._partition,
            # SLURM would take all of this process's environment along, keys too.
            "additional_parameters": {**self._options, "export": "NIL", "comment": " ".join((MARK, *marks))},
            "setup": [f"export {name}={shlex.quote(value)}" for name, value in variables.items()],
        }
        try:
            executor.update_parameters(**given)
            return str(executor.submit(sent).job_id)
        except (submitit.core.utils.FailedJobError, submitit.core.utils.FailedSubmissionError) as error:
            raise UserError(f"SLURM takes no job: {said(str(error))}") from None

    def _timed(self, resources: Resources) -> tuple[int, Resources]:
        """Minutes to ask SLURM for, which no partition that allows enough may refuse, and what the worker has of them.

        SLURM lets a job that asks for more than its partition allows wait for ever.
        """
        limits = self._limits.values()
        if resources.seconds is None:
            return int(min([USUAL_MINUTES, *limits])), resources
        wanted = math.ceil(resources.seconds / 60)
        minutes = int(min([wanted + SLACK_MINUTES, *(limit for limit in limits if limit >= wanted)]))
        left = 60 * max(minutes - WARNED_MINUTES, minutes / 2)
        return minutes, resources.model_copy(update={"seconds": min(resources.seconds, left)})

    def _over(self, attempt: Attempt) -> None:
        assert isinstance(attempt, _Job)
        self._cluster.forget(attempt.number)
        del self._busy_with[attempt]


class _Job:
    """A job of SLURM. Implements `Attempt`."""

    def __init__(self, number: str, request: JobRequest, cluster: Cluster) -> None:
        self.number = number
        self._request, self._cluster, self._killed = request, cluster, False
        self._seen = time.monotonic()
        self._finished: Finished | None = None

    def end(self) -> End | None:
        state = self._cluster.state(self.number)
        path = _end_path(self._request, self.number)
        if self._finished is None and path.exists():
            try:
                self._finished = read_record(path, Finished)
            except RunDamaged as error:
                return End(reason=str(error), innocent=True)
        if self._finished is not None:
            return self._finished.end if self._finished.is_seen() else None
        if state in GOING:
            self._seen = time.monotonic()
        elif state in OWN_FAULTS:
            return End(reason=f"job {self.number} of SLURM {OWN_FAULTS[state]}", innocent=False)
        elif time.monotonic() - self._seen > (LOST_SECONDS if state in ("", "COMPLETED") else LOOK_SECONDS):
            told = state.lower().replace("_", " ") or "gone"
            logs = path.parent / f"{self.number}_0_log.err"
            return End(reason=f"job {self.number} of SLURM is {told} and has left no result; see {logs}", innocent=True)
        return None

    def kill(self) -> None:
        if not self._killed:
            self._killed = True
            self._cluster.cancel([self.number])


def _mark(request: JobRequest) -> str:
    """What a job is known by in the queue: the result that it is for."""
    return hashlib.sha256(str(request.result_path.absolute()).encode()).hexdigest()[:16]


def _end_path(request: JobRequest, job: str) -> Path:
    return request.folder / FOLDER / f"{job}_end.json"
