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
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from autoreward.engine.contract import JobRequest, Resources
from autoreward.engine.followed import Followed
from autoreward.engine.memory import memory_of
from autoreward.engine.pool import End
from autoreward.engine.worker import THREADS, Assignment
from autoreward.sandbox.variables import passed_on
from autoreward.training.files import WORKER_LOG

OUT_OF_MEMORY = (
    "where the system did it for lack of memory (`dmesg` tells), lower slots, trainer.num_envs or trainer.rollout"
)
"""What a process that memory has run out for cannot say itself."""


def worker_environment() -> dict[str, str]:
    """What a worker may know of this process's environment: a short list of names, and one thread."""
    return {**passed_on(), **dict.fromkeys(THREADS, "1")}


class Worker:
    """A serving worker, with the jobs that it is at together, or was at last. Implements `Attempt`."""

    requests: tuple[JobRequest, ...]

    def __init__(
        self, log: Path, stirred: Callable[[], None], variables: Mapping[str, str] = {}, where: Path | None = None
    ) -> None:
        """Start it.

        Args:
            log: for what it says before its first job.
            stirred: called, by a thread, whenever it has answered or ended.
            variables: of its environment, beside those that every worker has.
            where: the folder that it works in; None: this process's.

        Raises:
            OSError: the process cannot be started, or the log cannot be written.
        """
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "autoreward.engine.worker", "--serve", "--parent", str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**worker_environment(), **variables},
                start_new_session=True,
                cwd=where,
                bufsize=0,
            )
        self._code: int | None = None
        self._killed = False
        self._stirred = stirred
        threading.Thread(target=self._listen, name="worker", daemon=True).start()

    def begin(self, requests: tuple[JobRequest, ...], resources: Resources, silence: float) -> bool:
        """Give it jobs with the same steps, to train together; False where it has died, whose `end` then tells how.

        `silence`: seconds without any progress after which it is to be ended; more than `resources` allow ends it too.
        """
        assert self._process.stdin is not None
        self.requests, self._code = requests, None
        self._resources, self._silence = resources, silence
        self._followed, self._started = Followed(requests), time.monotonic()
        if self.ended():
            return False
        folders = tuple(request.folder.absolute() for request in requests)
        job = Assignment(folders=folders, steps=requests[0].steps)
        try:
            self._process.stdin.write(job.model_dump_json().encode() + b"\n")
        except OSError:
            return False
        return True

    def end(self) -> End | None:
        """How its jobs ended; None while they go on."""
        if self._code is not None or self.ended():
            # A signal came from outside, unless it ended the worker after it had answered.
            return End(reason=f"the worker {self._last_words()}", innocent=(self._process.poll() or 0) < 0)
        excess = self._excess()
        return None if excess is None else End(reason=f"the worker {excess}, so it was killed", innocent=False)

    @property
    def sound(self) -> bool:
        """Whether it has answered that its jobs went well, so that it may be given others."""
        return self._code == 0 and not self.ended()

    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """End the process, its evaluator and its cell. Calling twice is fine."""
        if self._killed:
            return
        self._killed = True
        # Also where the worker itself has just ended: its evaluator may still be at work.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _listen(self) -> None:
        """Each line that it says is the exit code of its jobs."""
        assert self._process.stdout is not None
        with self._process.stdout as answers:
            for line in answers:
                self._code = int(line)
                self._stirred()
        self._process.wait()
        self._stirred()

    def _excess(self) -> str | None:
        """What it takes more of than it is given."""
        self._followed.news()
        now, given = time.monotonic(), self._resources
        if now - self._followed.moved > self._silence:
            return f"showed no progress for {self._silence:g} s"
        if given.seconds is not None and now - self._started > given.seconds:
            return f"was not done within the {given.seconds:g} s that it was given"
        if given.memory is not None and (taken := memory_of(self._process.pid)) > given.memory:
            return f"took {taken / 1e9:.2g} GB of memory and was given {given.memory / 1e9:.2g}"
        return None

    def _last_words(self) -> str:
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
