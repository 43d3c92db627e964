"""Pages that take seconds: each is made by a command of ours in a process of its own, and kept until its runs change.

Covered: what draws and measures (matplotlib, simulations, cells) is never in the process that serves; a command that
hangs is ended with all that it has started; Python is not looked for in the current folder.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path

from autoreward.errors import AutorewardError

AT_ONCE = 2
KEPT = 40
"""Results that are kept, in files."""
SECONDS = 180.0
"""That a command may take."""
PATIENCE = 2.0
"""Seconds that an answer waits before it says that it is being made."""


class NotMade(AutorewardError):
    """A command has not made what it was to make; the message is the one that it gave."""


class SlowPages:
    """Runs commands, at most two at once, and keeps what they write."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="autoreward-view-")
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="page")
        self._jobs: dict[Hashable, Future[Path]] = {}
        self._running: set[int] = set()
        self._number = 0
        self._closed = False
        self._lock = threading.Lock()

    def get(self, key: Hashable, command: Callable[[Path], Sequence[str]]) -> bytes | None:
        """What a command writes; None while it is at work.

        Args:
            key: what it depends on; the same key does not run a command again.
            command: the arguments of `autoreward`, given the file to write; standard output, where they do not name it.

        Raises:
            NotMade: it failed.
        """
        with self._lock:
            job = self._jobs.pop(key, None)
            if job is None:
                self._number += 1
                out = Path(self._folder.name) / f"{self._number}"
                job = self._pool.submit(self._run, command(out), out)
            self._jobs[key] = job
            self._forget()
        try:
            return job.result(PATIENCE).read_bytes()
        except NotYet:
            return None
        except FileNotFoundError:
            raise NotMade("nothing was written") from None

    def close(self) -> None:
        """End what is at work, and delete what was kept."""
        with self._lock:
            self._closed = True
            for process in self._running:
                _end(process)
        self._pool.shutdown(cancel_futures=True)
        self._folder.cleanup()

    def _forget(self) -> None:
        """Drop the results that nobody has asked for the longest."""
        for key in [key for key, job in self._jobs.items() if job.done()][: max(0, len(self._jobs) - KEPT)]:
            job = self._jobs.pop(key)
            if not job.exception():
                job.result().unlink(missing_ok=True)

    def _run(self, arguments: Sequence[str], out: Path) -> Path:
        typed = [sys.executable, "-P", "-m", "autoreward", *arguments]
        with out.open("wb") as file, self._lock:
            if self._closed:
                raise NotMade("the server has ended")
            process = subprocess.Popen(
                typed, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.PIPE, start_new_session=True
            )
            self._running.add(process.pid)
        try:
            said = process.communicate(timeout=SECONDS)[1].decode(errors="replace").strip()
        except subprocess.TimeoutExpired:
            said = f"it took more than {SECONDS:.0f} s"
        finally:
            _end(process.pid)
            process.wait()
            with self._lock:
                self._running.discard(process.pid)
        if process.returncode:
            raise NotMade(said.removeprefix("error: ") or f"its process ended with code {process.returncode}")
        return out


def _end(process: int) -> None:
    """End a command and what it has started, which is a process group of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
