"""The `Engine` contract: where and when jobs run."""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Annotated, Protocol, Self

from pydantic import Field, field_validator

from autoreward.records import Record, read_record
from autoreward.training.contract import Progress, Report, TrainingResult
from autoreward.training.files import result_name


class Resources(Record):
    """What a job is given: an engine waits until so much is free, and ends a job that takes more memory or time."""

    cpus: Annotated[float, Field(gt=0)] = 1.0
    """Cores. A worker computes on one; more are of use to those whose cell or evaluator are to run beside it."""
    gpus: Annotated[float, Field(ge=0)] = 0.0
    """GPUs; below 1, the share of one that several jobs use together. With 0 a worker sees what this process sees."""
    memory: Annotated[int, Field(gt=0)] | None = None
    """Bytes of the worker, its evaluator and its cell together; None: no bound."""
    seconds: Annotated[float, Field(gt=0)] | None = None
    """Longest time of one job, from when its worker has it; None: no bound."""

    @field_validator("gpus")
    @classmethod
    def _whole_or_a_share(cls, gpus: float) -> float:
        if gpus > 1 and gpus != int(gpus):
            raise ValueError("a share of one GPU, or whole GPUs: 0.5, 1, 2")
        return gpus


class JobRequest(Record):
    """A training's folder (with its job.json), the steps to reach, and what it is given for that."""

    folder: Path
    steps: int
    resources: Resources | None = None
    """None: what the engine gives to each job."""
    priority: int = 0
    """Of two jobs that wait, the one with the higher number begins first; among equals the one that came first."""

    @property
    def result_path(self) -> Path:
        """Its result's file, whose presence says that the job is done."""
        return self.folder / result_name(self.steps)

    def result(self) -> TrainingResult | None:
        """Its result, where it is there.

        Raises:
            RunDamaged: it does not read.
        """
        return read_record(self.result_path, TrainingResult) if self.result_path.exists() else None


def unheard(progress: Progress) -> None:
    """What `Engine.submit` tells progress where nobody asks for it: nothing."""


class Engine(Protocol):
    """Runs trainings. Implementations extend this and pass `autoreward.testing.engine.check_engine`.

    Several threads may use one engine at once, and share its slots.
    """

    detached: bool = False
    """Whether jobs go on where this process ends. Then an interrupt leaves them, and the same request, submitted by
    another process, finds them again."""

    def submit(self, request: JobRequest, progress: Report = unheard) -> Future[TrainingResult]:
        """Have a job run as soon as there is room for it; where its result is there, it is done already.

        Args:
            request: what to run. A second one for the same folder waits until the first is over.
            progress: told where the training stands, by a thread of the engine's or, before `submit` returns, by the
                caller's. What it raises ends the job, and is what the future raises.

        Returns:
            The result, with status `failed` for a training that fails, dies, hangs, or takes more than it is given;
            one that was killed from outside is done again once. The future is cancelled by `cancel()` at any time
            before its end, also while the job runs: its worker is then killed and leaves no result. (Jobs that share a
            worker end with the last of them, so that none takes others along.) It raises UserError where no worker can
            be started or the folder cannot be written.

        Raises:
            RunDamaged: `job.json` or the result does not read.
            UserError: the job asks for more than there is.
        """
        ...

    def shutdown(self) -> None:
        """Cancel every job and end all workers; those of a `detached` engine go on by themselves. May be repeated."""
        ...

    def __enter__(self) -> Self:
        """The engine, to be shut down at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()


def run_all(
    engine: Engine, requests: Sequence[JobRequest], progress: Callable[[JobRequest, Progress], None]
) -> dict[Path, TrainingResult]:
    """Run jobs and wait for all of them.

    Args:
        engine: where; others may use it at the same time.
        requests: what to run.
        progress: told of each of them, always in the thread that called this.

    Returns:
        Folder -> result.

    Raises:
        RunDamaged: a job or a result does not read.
        UserError: a worker cannot be started or a folder cannot be written.
    """
    caller, news = threading.get_ident(), queue.SimpleQueue[tuple[JobRequest, Progress] | Future[TrainingResult]]()

    def tell(request: JobRequest, state: Progress) -> None:
        if threading.get_ident() == caller:
            progress(request, state)
        else:
            news.put((request, state))

    futures: dict[JobRequest, Future[TrainingResult]] = {}
    try:
        for request in dict.fromkeys(requests):
            futures[request] = engine.submit(request, functools.partial(tell, request))
            futures[request].add_done_callback(news.put)
        waiting = len(futures)
        while waiting:
            told = news.get()
            if isinstance(told, Future):
                told.result()
                waiting -= 1
            else:
                progress(*told)
    except BaseException:
        if not engine.detached:
            for future in futures.values():
                future.cancel()
        raise
    return {request.folder: future.result() for request, future in futures.items()}
