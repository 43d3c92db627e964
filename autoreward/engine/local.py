"""The engine `local`: workers as processes of this machine, so many at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from autoreward.engine.contract import JobRequest
from autoreward.engine.worker import THREADS, failed_result
from autoreward.errors import RunDamaged, UserError
from autoreward.records import read_record, write_record
from autoreward.training.contract import Progress, TrainingJob, TrainingResult
from autoreward.training.files import JOB, PROGRESS, WORKER_LOG, result_name

POLL = 0.1
"""Seconds between two looks at the workers."""

# fmt: off
PASSED_ON = frozenset((
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP",
    "PYTHONPATH", "PYTHONHOME", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH", "MUJOCO_GL", "PYOPENGL_PLATFORM", "EGL_DEVICE_ID",
    "DISPLAY", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "SDL_VIDEODRIVER", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR",
))
# fmt: on
"""Variables that a worker is given, with LC_*; everything else, API keys above all, stays here."""

ReportProgress = Callable[[JobRequest, Progress], None]


def worker_environment() -> dict[str, str]:
    """What a worker may know of this process's environment: a short list of names, and one thread."""
    given = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("LC_")}
    return {**given, **dict.fromkeys(THREADS, "1")}


@dataclass
class _Worker:
    """One worker under way."""

    request: JobRequest
    process: subprocess.Popen[bytes]
    started: float = field(default_factory=time.monotonic)
    moved: float = field(default_factory=time.monotonic)
    """When it last showed progress."""
    seen: int = 0
    """Modification time of the `progress.json` that was last read, ns."""

    def kill(self) -> None:
        """End the worker, its evaluator and its cell."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class LocalEngine:
    """Implements `Engine` with at most `slots` workers at once."""

    def __init__(self, slots: int, timeout: float) -> None:
        """Set up.

        Args:
            slots: workers at once; 0: as many as cores.
            timeout: seconds without any progress after which a worker is killed.
        """
        self._slots = slots or _cores()
        self._timeout = timeout

    def run(self, requests: Sequence[JobRequest], progress: ReportProgress) -> dict[Path, TrainingResult]:
        """Run what has no result yet; see `Engine`.

        Raises:
            UserError: a worker cannot be started or its folder cannot be written.
            RunDamaged: a job or a result does not read.
        """
        waiting = [request for request in dict.fromkeys(requests) if not _result_path(request).exists()]
        waiting.reverse()
        running: list[_Worker] = []
        try:
            while waiting or running:
                while waiting and len(running) < self._slots:
                    running.append(_start(waiting.pop()))
                time.sleep(POLL)
                running = [worker for worker in running if self._look(worker, progress)]
        finally:
            # Reached with workers under way only by an interrupt or a fault here: neither is the trainings' failure.
            for worker in running:
                worker.kill()
        return {request.folder: read_record(_result_path(request), TrainingResult) for request in requests}

    def _look(self, worker: _Worker, progress: ReportProgress) -> bool:
        """Pass its progress on; whether it is still at work."""
        ended = worker.process.poll() is not None
        self._pass_on(worker, progress)
        if not ended and time.monotonic() - worker.moved <= self._timeout:
            return True
        worker.kill()
        if not _result_path(worker.request).exists():
            reason = _last_words(worker) if ended else f"no progress for {self._timeout:g} s: the worker was killed"
            _write_failure(worker, reason)
            progress(worker.request, Progress(stage="failed", steps=worker.request.steps))
        return False

    @staticmethod
    def _pass_on(worker: _Worker, progress: ReportProgress) -> None:
        path = worker.request.folder / PROGRESS
        try:
            changed = path.stat().st_mtime_ns
        except FileNotFoundError:
            return
        if changed == worker.seen:
            return
        worker.seen, worker.moved = changed, time.monotonic()
        with suppress(RunDamaged):
            progress(worker.request, read_record(path, Progress))


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _result_path(request: JobRequest) -> Path:
    return request.folder / result_name(request.steps)


def _start(request: JobRequest) -> _Worker:
    """Start a worker in a session of its own, with its output in `worker.log`."""
    command = [sys.executable, "-m", "autoreward.engine.worker", str(request.folder)]
    command += ["--steps", str(request.steps), "--parent", str(os.getpid())]
    try:
        (request.folder / PROGRESS).unlink(missing_ok=True)
        with (request.folder / WORKER_LOG).open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=worker_environment(),
                start_new_session=True,
            )
    except OSError as error:
        raise UserError(f"no worker can be started in {request.folder}: {error}") from None
    return _Worker(request, process)


def _last_words(worker: _Worker) -> str:
    code = worker.process.returncode
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    try:
        lines = (worker.request.folder / WORKER_LOG).read_text(errors="replace").split("\n")
    except OSError:
        lines = []
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f"the worker {how} without a result" + (f": {last[:200]}" if code >= 0 and last else "")


def _write_failure(worker: _Worker, reason: str) -> None:
    job = read_record(worker.request.folder / JOB, TrainingJob)
    seconds = time.monotonic() - worker.started
    try:
        write_record(_result_path(worker.request), failed_result(job.hash, worker.request.steps, reason, seconds))
    except OSError as error:
        raise UserError(f"{worker.request.folder} cannot be written: {error}") from None
