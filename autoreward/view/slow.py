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
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from pathlib import Path

from autoreward.errors import AutorewardError

AT_ONCE = 2
KEPT = 40
"""Results that are kept, in files."""
SECONDS = 180.0
"""That a command may take."""
AGAIN = 30.0
"""Seconds for which a command that has failed is not run again; the machine may have been busy, or a file is mended."""
PATIENCE = 2.0
"""Seconds that an answer waits before it says that it is being made."""


class NotMade(AutorewardError):
    """A command has not made what it was to make; the message is the one that it gave."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.at = time.monotonic()


@dataclass(frozen=True)
class Made:
    """What is made for one subject."""

    state: Hashable
    job: Future[Path]
    before: Path | None
    """What was made for an earlier state."""

    def is_old(self, state: Hashable) -> bool:
        """Whether it has ended, and is of another state, or has failed a while ago."""
        if not self.job.done():
            return False
        error = self.job.exception()
        return self.state != state or (isinstance(error, NotMade) and time.monotonic() - error.at >= AGAIN)


class SlowPages:
    """Runs commands, at most two at once, and keeps what they write."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="autoreward-view-")
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="page")
        self._made: dict[Hashable, Made] = {}
        self._running: set[int] = set()
        self._number = 0
        self._closed = False
        self._lock = threading.Lock()

    def get(self, subject: Hashable, state: Hashable, command: Callable[[Path], Sequence[str]]) -> bytes | None:
        """What a command writes; while it is at work, what it has written for an earlier state, or None.

        Args:
            subject: what is shown.
            state: of the subject; a command is not run again for the same one, unless it has failed a while ago.
            command: the arguments of `autoreward`, given the file to write; standard output, where they do not name it.

        Raises:
            NotMade: it failed.
        """
        with self._lock:
            made = self._made.pop(subject, None)
            if made is None or made.is_old(state):
                made = self._begun(state, command, made)
            self._made[subject] = made
            self._forget()
        try:
            return made.job.result(0 if made.before else PATIENCE).read_bytes()
        except NotYet:
            return made.before.read_bytes() if made.before else None
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

    def _begun(self, state: Hashable, command: Callable[[Path], Sequence[str]], earlier: Made | None) -> Made:
        """A command that has begun; of what was made earlier the last is kept, to be shown meanwhile."""
        before = None
        if earlier:
            before = earlier.before if earlier.job.exception() else earlier.job.result()
            if earlier.before and earlier.before != before:
                earlier.before.unlink(missing_ok=True)
        self._number += 1
        out = Path(self._folder.name) / f"{self._number}"
        return Made(state, self._pool.submit(self._run, command(out), out), before)

    def _forget(self) -> None:
        """Drop the results that nobody has asked for the longest."""
        ended = [subject for subject, made in self._made.items() if made.job.done()]
        for subject in ended[: max(0, len(self._made) - KEPT)]:
            made = self._made.pop(subject)
            for path in (made.before, None if made.job.exception() else made.job.result()):
                if path:
                    path.unlink(missing_ok=True)

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
