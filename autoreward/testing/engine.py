"""For tests of engines: an engine without processes, and the conformance checks.

Covered: results; failures of every kind, which take no other job with them; slots; cancelling; a parent that is killed
and begun again; what a worker is given. Not covered: machines that die, which no contract can ask for everywhere.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import cast

from autoreward.engine.contract import Engine, JobRequest, Resources, run_all
from autoreward.engine.immediate import Immediate
from autoreward.engine.worker import THREADS, run_job
from autoreward.records import read_record, write_record
from autoreward.sandbox.process import witness
from autoreward.testing import faulty
from autoreward.testing.trainer import CLIMB, line_task
from autoreward.training.contract import Progress, Report, RewardSpec, TrainingJob, TrainingResult
from autoreward.training.files import JOB, WORKER_LOG, result_name

PATIENCE = 120.0
"""Seconds that anything may take which has to come."""


class InProcessEngine(Immediate):
    """Implements `Engine` in this process, one training after another."""

    def _result(self, request: JobRequest, progress: Report) -> TrainingResult:
        return run_job(request.folder, request.steps, progress)


def line_request(folder: Path, seed: int = 0, steps: int = 512, trainer: str = "", source: str = CLIMB) -> JobRequest:
    """A folder with a small job in it; `trainer` as in `TrainerSettings.name`, by default `NoTrainer`."""
    settings = line_task().trainer.model_copy(update={"name": trainer or "autoreward.testing.trainer:NoTrainer"})
    task = line_task(trainer=settings)
    job = TrainingJob(task=task, reward=RewardSpec(kind="program", source=source), seed=seed, episodes=3)
    write_record(folder / JOB, job)
    return JobRequest(folder=folder, steps=steps)


def check_results(engine: Engine, folder: Path) -> None:
    """Check what every engine owes, also one that runs jobs in this process, with trainings that take no time.

    Args:
        engine: the one to check.
        folder: an empty folder to work in, which its workers reach.

    Raises:
        AssertionError: it breaks the contract; the message says where.
    """
    good = [line_request(folder / str(seed), seed) for seed in range(3)]
    bad = line_request(folder / "bad", seed=9, trainer="autoreward.testing.trainer:missing")
    seen: list[tuple[Path, Progress]] = []

    def watch(request: JobRequest, progress: Progress) -> None:
        seen.append((request.folder, progress))

    results = run_all(engine, [*good, bad], watch)
    assert set(results) == {request.folder for request in [*good, bad]}, "not every request has a result"
    assert all(results[request.folder].status == "ok" for request in good), "a failure has taken others with it"
    assert results[bad.folder].status == "failed", "a training that cannot start must fail"
    assert results[bad.folder].error, "a failure says why"
    assert {folder for folder, _ in seen} >= {request.folder for request in good}, "progress was not passed on"
    for request in good:
        stored = read_record(request.folder / result_name(request.steps), TrainingResult)
        assert stored == results[request.folder], "the stored result is another one"
    seen.clear()
    assert run_all(engine, [*good, bad], watch) == results, "results that are there must be returned as they are"
    assert not seen, "a training whose result is there was run again"


def check_engine(make: str, folder: Path, slots: int = 2) -> None:
    """Check that an engine keeps the contract, through faults of every kind.

    Args:
        make: `module:attr` of what is called without arguments and gives a new engine; it is imported in another
            process too.
        folder: an empty folder to work in, which its workers reach.
        slots: how many workers that engine has at once.

    Raises:
        AssertionError: it breaks the contract; the message says where.
    """
    with _made(make) as engine:
        check_results(engine, folder / "results")
        _check_faults(engine, folder / "faults")
        _check_limits(engine, folder / "limits")
        _check_slots(engine, folder / "slots", slots)
        _check_worker(engine, folder / "worker")
        _check_cancelling(engine, folder / "cancelling", slots)
    _check_shutdown(_made(make), folder / "shutdown")
    _check_killed_parent(make, folder / "parent")


def _made(make: str) -> Engine:
    module, _, attribute = make.partition(":")
    return cast("Engine", getattr(importlib.import_module(module), attribute)())


def _request(folder: Path, trainer: type[faulty.Tells], **resources: int) -> JobRequest:
    request = line_request(folder, trainer=f"{trainer.__module__}:{trainer.__name__}")
    given = Resources.model_validate(resources) if resources else None
    return request.model_copy(update={"resources": given})


def _check_faults(engine: Engine, folder: Path) -> None:
    """A job that raises, one that ends its process, and one that says too much; beside them, a sound one."""
    kinds = (faulty.Raises, faulty.Exits, faulty.Chatters, faulty.Tells)
    futures = {kind: engine.submit(_request(folder / kind.__name__, kind)) for kind in kinds}
    results = {kind: future.result(PATIENCE) for kind, future in futures.items()}
    raised, exited = results[faulty.Raises], results[faulty.Exits]
    assert (raised.status, raised.failure) == ("failed", "reward"), "what a trainer raises is its job's failure"
    assert raised.error == "ZeroDivisionError: of all things in two lines", f"it is told as {raised.error!r}"
    assert "Traceback" in (folder / "Raises" / WORKER_LOG).read_text(), f"its traceback is not in {WORKER_LOG}"
    assert (exited.status, exited.failure) == ("failed", "machine"), "a worker that exits leaves a failure"
    assert "exit code 9" in (exited.error or ""), f"its exit code is not told: {exited.error}"
    assert len(faulty.seen_in(folder / "Exits")) == 1, "a worker that exits by itself is not to be tried again"
    assert results[faulty.Chatters].status == "ok", "a worker that writes to standard error is held up"
    assert (folder / "Chatters" / WORKER_LOG).stat().st_size >= faulty.SAID, "what it wrote is not in its log"
    assert results[faulty.Tells].status == "ok", "the faults of others have ended a sound job"


def _check_limits(engine: Engine, folder: Path) -> None:
    """A job that hangs past its time, and one that needs more memory than it has."""
    hangs = _request(folder / "hangs", faulty.Hangs, seconds=8)
    takes = _request(folder / "takes", faulty.Takes, memory=600_000_000)
    hanging, taking = engine.submit(hangs), engine.submit(takes)
    late, greedy = hanging.result(PATIENCE), taking.result(PATIENCE)
    assert (late.status, late.failure) == ("failed", "machine"), "a job that hangs past its time must fail"
    assert "8 s" in (late.error or ""), f"its time is not told: {late.error}"
    if faulty.seen_in(hangs.folder):  # on a busy machine its time may be over before it has begun
        assert _gone(_pid(hangs)), "the worker that hung is still there"
    assert (greedy.status, greedy.failure) == ("failed", "machine"), "a job must fail that takes more than it has"
    assert "memory" in (greedy.error or "").lower(), f"that it was for memory is not told: {greedy.error}"
    assert _gone(_pid(takes)), "the worker that took too much is still there"


def _check_slots(engine: Engine, folder: Path, slots: int) -> None:
    """More jobs than slots; priority."""
    requests = [_request(folder / str(number), faulty.Works) for number in range(2 * slots + 1)]
    urgent = _request(folder / "urgent", faulty.Works).model_copy(update={"priority": 1})
    futures = [engine.submit(request) for request in [*requests, urgent]]
    assert all(future.result(PATIENCE).status == "ok" for future in futures), "a job among many has failed"
    spans = {request.folder: _span(request) for request in [*requests, urgent]}
    most = max(sum(begun <= other < ended for begun, ended in spans.values()) for other, _ in spans.values())
    assert most <= slots, f"{most} workers were at work at once, and there are {slots} slots"
    last = max(begun for begun, _ in spans.values())
    assert spans[urgent.folder][0] < last, "a job with a higher priority was the last to begin"


def _check_worker(engine: Engine, folder: Path) -> None:
    """What a worker sees: one thread, no key of this process's, the isolation that there is here."""
    name = "AUTOREWARD_CHECK_ENGINE_API_KEY"
    os.environ[name] = "not for workers"
    try:
        result = engine.submit(request := _request(folder, faulty.Looks)).result(PATIENCE)
    finally:
        del os.environ[name]
    assert result.status == "ok", f"a worker cannot look around: {result.error}"
    looked = next(line for line in faulty.seen_in(request.folder) if "environ" in line)
    environ = cast("dict[str, str]", looked["environ"])
    assert {environ.get(variable) for variable in THREADS} == {"1"}, "a worker computes on one thread"
    assert looked["threads"] == 0, f"NumPy has begun {looked['threads']} threads more"
    assert name not in environ, "a worker is given this process's keys"
    assert result.isolation == witness().level, f"cells have level {result.isolation} there, {witness().level} here"


def _check_cancelling(engine: Engine, folder: Path, slots: int) -> None:
    """Jobs at work and jobs that wait."""
    running = [_request(folder / f"running{number}", faulty.Hangs) for number in range(slots)]
    waiting = _request(folder / "waiting", faulty.Tells)
    futures = [engine.submit(request) for request in running]
    for request in running:
        _until(lambda request=request: bool(faulty.seen_in(request.folder)), "a job has not begun")  # type: ignore[misc]
    futures.append(engine.submit(waiting))
    assert not any(future.done() for future in futures), "a job that hangs is done"
    assert all(future.cancel() for future in reversed(futures)), "a job cannot be cancelled before its end"
    for request, future in zip([*running, waiting], futures, strict=True):
        _check_cancelled(future)
        assert not request.result_path.exists(), "a cancelled job has left a result"
    assert all(_gone(_pid(request)) for request in running), "the worker of a cancelled job is still there"
    assert not faulty.seen_in(waiting.folder), "a job was run that had been cancelled"
    done = engine.submit(_request(folder / "after", faulty.Tells))
    assert done.result(PATIENCE).status == "ok", "after cancelled jobs the engine does no other"
    assert not done.cancel(), "a job that is done cannot be cancelled"


def _check_shutdown(engine: Engine, folder: Path) -> None:
    """Jobs are cancelled, nobody waits for ever."""
    request = _request(folder / "running", faulty.Waits)
    future = engine.submit(request)
    _until(lambda: bool(faulty.seen_in(request.folder)), "a job has not begun")
    engine.shutdown()
    engine.shutdown()
    _check_cancelled(future)
    if engine.detached:
        (request.folder / faulty.GO).touch()
        _until(request.result_path.exists, "a job of a detached engine did not go on after it was shut down")
    else:
        assert _gone(_pid(request)), "a worker is left after the engine was shut down"


PARENT = """
import importlib, pathlib, sys, time
from autoreward.engine.contract import JobRequest
module, _, attribute = sys.argv[1].partition(":")
engine = getattr(importlib.import_module(module), attribute)()
futures = [engine.submit(JobRequest(folder=pathlib.Path(name), steps=512)) for name in sys.argv[2:]]
time.sleep(600)
"""


def _check_killed_parent(make: str, folder: Path) -> None:
    """What is done stays done, what was at work is done again, or goes on where the engine is detached."""
    done, under_way = _request(folder / "done", faulty.Tells), _request(folder / "under_way", faulty.Waits)
    names = [str(done.folder), str(under_way.folder)]
    parent = subprocess.Popen([sys.executable, "-c", PARENT, make, *names], start_new_session=True)
    try:
        _until(lambda: done.result() is not None and bool(faulty.seen_in(under_way.folder)), "the jobs have not begun")
    finally:
        parent.kill()
        parent.wait()
    pid = _pid(under_way)
    with _made(make) as engine:
        if not engine.detached:
            assert _gone(pid), "a worker has outlived its parent"
        assert not under_way.result_path.exists(), "a job has a result that was not done"
        futures = [engine.submit(request) for request in (done, under_way)]
        attempts = 1 if engine.detached else 2
        _until(lambda: len(faulty.seen_in(under_way.folder)) == attempts, "the job was not begun again")
        (under_way.folder / faulty.GO).touch()
        assert all(future.result(PATIENCE).status == "ok" for future in futures), "a job has failed the second time"
    assert len(faulty.seen_in(done.folder)) == 2, "a job was done again whose result was there"
    assert len(faulty.seen_in(under_way.folder)) == attempts + 1, "a job was begun too often"


def _check_cancelled(future: Future[TrainingResult]) -> None:
    with contextlib.suppress(CancelledError):
        future.result(PATIENCE)
        raise AssertionError("a cancelled job has given a result")


def _span(request: JobRequest) -> tuple[float, float]:
    """When the job began and ended."""
    last = faulty.seen_in(request.folder)[-1]
    return cast("float", last["began"]), cast("float", last["ended"])


def _pid(request: JobRequest) -> int:
    return cast("int", faulty.seen_in(request.folder)[-1]["pid"])


def _gone(pid: int) -> bool:
    """Whether a process of this machine ends soon, if it has not ended."""
    end = time.monotonic() + PATIENCE / 4
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def _until(there: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < end, otherwise
        time.sleep(0.05)
