"""Worker processes of this machine, as their engine handles them.

Covered: a worker gets an environment made from a short list of names, so no key of the orchestrator's; a session of its
own, so that it can be killed with its evaluator; and the orchestrator's process id, with which it ends. Orchestrator
and worker hide their memory and environment from other processes of the user (Linux).
Not covered: it runs as the same user, with the same files and the same network.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from autoreward.engine.contract import JobRequest
from autoreward.engine.worker import THREADS, Assignment
from autoreward.errors import RunDamaged
from autoreward.records import read_record
from autoreward.training.contract import Progress
from autoreward.training.files import PROGRESS, WORKER_LOG

# fmt: off
PASSED_ON = frozenset((
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP",
    "PYTHONPATH", "PYTHONHOME", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH", "MUJOCO_GL", "PYOPENGL_PLATFORM", "EGL_DEVICE_ID",
    "DISPLAY", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "SDL_VIDEODRIVER", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR",
))
# fmt: on
"""Variables that a worker is given, with LC_*; everything else, API keys above all, stays here."""

OUT_OF_MEMORY = (
    "where the system did it for lack of memory (`dmesg` tells), lower slots, trainer.num_envs or trainer.rollout"
)
"""What a process that memory has run out for cannot say itself."""


def worker_environment() -> dict[str, str]:
    """What a worker may know of this process's environment: a short list of names, and one thread."""
    given = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("LC_")}
    return {**given, **dict.fromkeys(THREADS, "1")}


class Worker:
    """A serving worker, with the jobs that it is at together, or was at last."""

    requests: tuple[JobRequest, ...]

    def __init__(self, log: Path) -> None:
        """Start it; what it says before its first job goes to that log.

        Raises:
            OSError: the process cannot be started, or the log cannot be written.
        """
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "autoreward.engine.worker", "--serve", "--parent", str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=worker_environment(),
                start_new_session=True,
                bufsize=0,
            )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._read_at: dict[JobRequest, int] = {}
        self._code: int | None = None
        self._killed = False
        self.started = self.moved = time.monotonic()
        """When its jobs began, and when one of them last showed progress."""

    def assign(self, requests: tuple[JobRequest, ...]) -> bool:
        """Give it jobs with the same steps, to train together; False where it has died meanwhile."""
        assert self._process.stdin is not None
        if self.ended():
            return False
        self.requests, self._read_at, self._code = requests, {}, None
        self.started = self.moved = time.monotonic()
        folders = tuple(request.folder.absolute() for request in requests)
        job = Assignment(folders=folders, steps=requests[0].steps)
        try:
            self._process.stdin.write(job.model_dump_json().encode() + b"\n")
        except OSError:
            return False
        return True

    def answered(self) -> bool:
        """Whether it has said that its jobs are over."""
        assert self._process.stdout is not None
        if line := self._process.stdout.read(64):
            self._code = int(line)
        return self._code is not None

    @property
    def sound(self) -> bool:
        """Whether it has answered that its jobs went well, so that it may be given others."""
        return self._code == 0 and not self.ended()

    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    @property
    def signalled(self) -> bool:
        """Whether a signal has ended the process."""
        return (self._process.poll() or 0) < 0

    def progress(self) -> list[tuple[JobRequest, Progress]]:
        """The progress of the jobs in which it has changed since the last call."""
        found = []
        for request in self.requests:
            path = request.folder / PROGRESS
            try:
                changed = path.stat().st_mtime_ns
            except FileNotFoundError:
                continue
            if changed != self._read_at.get(request):
                self._read_at[request], self.moved = changed, time.monotonic()
                with contextlib.suppress(RunDamaged):
                    found.append((request, read_record(path, Progress)))
        return found

    def last_words(self) -> str:
        """How it ended, where a job has no result."""
        code = self._process.returncode if self._code is None else self._code
        if code is not None and code < 0:
            advice = f"; {OUT_OF_MEMORY}" if -code == signal.SIGKILL else ""
            return f"was killed by {signal.Signals(-code).name}{advice}"
        try:
            lines = (self.requests[0].folder / WORKER_LOG).read_text(errors="replace").split("\n")
        except OSError:
            lines = []
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"ended with exit code {code} and without a result" + (f": {last[:200]}" if last else "")

    def kill(self) -> None:
        """End the process, its evaluator and its cell. Calling twice is fine."""
        if self._killed:
            return
        self._killed = True
        # Also where the worker itself has just ended: its evaluator may still be at work.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
