"""Jobs in a process that another program has started, on another machine perhaps: a worker, and who watches over it.

Covered: a worker gets the environment that the engine `local` gives it, so none of the keys that the other program's
processes may have; it is ended where it hangs, takes too much, or where its watcher ends.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

from pydantic import Field

from autoreward.engine.contract import JobRequest, Resources
from autoreward.engine.pool import End, Pool
from autoreward.engine.processes import Worker
from autoreward.records import Record
from autoreward.training.files import JOB, WORKER_LOG

NOT_SHARED = "is not there on {host}: the folder of runs must be on a file system that all machines share"


VISIBLE_SECONDS = 60.0
"""How long a file system may take to show a file on all machines."""


class Errand(Record):
    """What a worker elsewhere is to do; whoever sends it out gets `Finished`."""

    requests: tuple[JobRequest, ...]
    """With absolute folders."""
    resources: Resources
    silence: float
    """Seconds without any progress after which the worker is ended."""
    where: Path
    """The folder that it works in, from which `module:attr` of the user's may be imported."""


def errand(requests: tuple[JobRequest, ...], resources: Resources, silence: float) -> Errand:
    """What to send out for these jobs."""
    whole = tuple(each.model_copy(update={"folder": each.folder.absolute()}) for each in requests)
    return Errand(requests=whole, resources=resources, silence=silence, where=Path.cwd())


class Finished(Record):
    """What comes back from an errand."""

    end: End
    left: tuple[Path, ...] = ()
    """The results that are there, as the worker's machine sees it."""
    told: float = Field(default_factory=time.monotonic, exclude=True)

    def is_seen(self) -> bool:
        """Whether this machine sees these results too; files that another one has written can take a while."""
        late = time.monotonic() - self.told > VISIBLE_SECONDS
        return late or all(path.exists() for path in self.left)


_stirred = threading.Event()
_kept: dict[str, Worker] = {}
"""The worker that waits for the next errand of this process, by the GPUs that it sees."""


def carry_out(errand: Errand) -> Finished:
    """Have the jobs done by a worker of this process, which is kept for the next; what interrupts this ends it."""
    for request in errand.requests:
        if not (request.folder / JOB).exists():
            lost = f"{request.folder} {NOT_SHARED.format(host=socket.gethostname())}"
            return Finished(end=End(reason=lost, innocent=False))
    try:
        worker = _begun(errand)
    except OSError as error:
        return Finished(end=End(reason=f"no worker can be started on {socket.gethostname()}: {error}", innocent=False))
    try:
        while (end := worker.end()) is None:
            _stirred.wait(Pool.POLL)
            _stirred.clear()
    except BaseException:
        worker.kill()
        raise
    if worker.sound:
        _kept[_gpus()] = worker
    else:
        worker.kill()
    left = [request.result_path for request in errand.requests if request.result_path.exists()]
    return Finished(end=end, left=tuple(left))


def _begun(errand: Errand) -> Worker:
    """A worker that has begun with the errand."""
    given = errand.requests, errand.resources, errand.silence
    worker = _kept.pop(_gpus(), None)
    for other in _kept.values():  # of GPUs that are others' now
        other.kill()
    _kept.clear()
    if worker is not None:
        if worker.begin(*given):
            return worker
        worker.kill()
    worker = Worker(errand.requests[0].folder / WORKER_LOG, _stirred.set, where=errand.where)
    worker.begin(*given)
    return worker


def _gpus() -> str:
    return os.environ.get("CUDA_VISIBLE_DEVICES", "all")
