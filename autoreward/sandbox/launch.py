"""Starts a cell's process, and ends it: nothing of the parent's goes in, nothing of the cell's stays behind.

Covered: a fresh interpreter, an environment made from nothing, no descriptor but the pipes and the shared memory, a
session of its own that is killed as a whole, death with the parent however that ends. Output of the process goes to a
pipe that nobody has to read: what it does not hold is lost. Not covered: what the process may do; see `child.py`.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from autoreward.errors import MACHINE, CellFailed
from autoreward.sandbox.shared import Blocks
from autoreward.sandbox.variables import THREADS

_ROOT = str(Path(__file__).resolve().parents[2])


@dataclass
class Child:
    """A cell's process, as its parent holds it."""

    process: subprocess.Popen[bytes]
    errors: int
    """Descriptor of what the process has written to its standard output and errors."""
    owner: int
    """Process id of the parent: a fork of it holds copies, and no right to end the child."""
    core: int = -1
    """On which the child was last put."""

    def approach(self) -> set[int]:
        """Keep the calling thread and the child on one core for as long as the one waits for the other.

        Woken on another, idle core either begins late (45 us on a virtual machine), with no warm cache.

        Returns:
            The cores that the thread may use, for `leave`; empty where there is nothing to give back.
        """
        if (core := _core()) < 0:
            return set()
        try:
            if core != self.core:
                os.sched_setaffinity(self.process.pid, {core})
                self.core = core
            cores = os.sched_getaffinity(0)
            if len(cores) > 1:
                os.sched_setaffinity(0, {core})
                return cores
        except OSError:  # it has ended, or the system allows neither
            pass
        return set()

    @staticmethod
    def leave(cores: set[int]) -> None:
        """The calling thread may use these cores again, if there are some."""
        if cores:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(0, cores)

    @property
    def pipes(self) -> tuple[int, int]:
        """Descriptors towards the child and from it."""
        assert self.process.stdin is not None and self.process.stdout is not None
        return self.process.stdin.fileno(), self.process.stdout.fileno()

    def last_words(self) -> str:
        """The last line that the process wrote, or an empty text."""
        os.set_blocking(self.errors, False)
        with contextlib.suppress(OSError):
            lines = os.read(self.errors, 1 << 16).decode(errors="replace").strip().splitlines()
            return lines[-1][:300] if lines else ""
        return ""

    def exit_code(self) -> int | None:
        """How the process ended, as `Popen.returncode`; None when it has not ended within a second."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(1.0)
        return None

    def end(self) -> None:
        """Kill the process group, collect the process, close the pipes. A fork of the owner only closes its copies."""
        if os.getpid() == self.owner and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        with contextlib.suppress(OSError):
            os.close(self.errors)


def _find_core() -> Callable[[], int]:
    try:
        return ctypes.CDLL(None).sched_getcpu
    except (OSError, AttributeError, TypeError):  # not Linux
        return lambda: -1


_core = _find_core()
"""The core that the calling thread runs on; -1 where the system does not tell."""


def launch(boot: str, memory_bytes: int, deadline: float, without: Collection[str], blocks: Blocks | None) -> Child:
    """Start a process that serves a cell by running `boot`; see `child.main`. The descriptors of `blocks` are closed.

    Raises:
        CellFailed: it cannot be started.
    """
    descriptors = blocks.descriptors if blocks else ()
    command = [sys.executable, "-I", "-B", "-c", boot, _ROOT, str(memory_bytes), str(deadline), str(os.getpid())]
    command += [",".join(without), ",".join(map(str, descriptors))]
    read_errors, write_errors = os.pipe()
    os.set_blocking(write_errors, False)

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=write_errors,
            bufsize=0,
            cwd="/",
            env=environment(),
            start_new_session=True,
            pass_fds=descriptors,
        )

    try:
        with _ONE_STARTER:
            starter = _starter(os.getpid())
        return Child(starter.submit(start).result(), read_errors, os.getpid())
    except OSError as error:
        os.close(read_errors)
        raise CellFailed(f"{MACHINE}the cell's process cannot be started: {error.strerror}", "start") from None
    finally:
        os.close(write_errors)
        if blocks:
            blocks.close_descriptors()


_ONE_STARTER = threading.Lock()
"""Two threads that ask at once must not make two starters: the one that is dropped would take its cells along."""


@functools.cache
def _starter(owner: int) -> ThreadPoolExecutor:
    """A thread that lasts as long as the process `owner`; a fork of it needs one of its own.

    The signal at a parent's death comes when the *thread* that started the child ends.
    """
    return ThreadPoolExecutor(1, "cells")


def environment() -> dict[str, str]:
    """Built from nothing: no key, no path, no name of the parent's. LD_LIBRARY_PATH alone, which Python may need."""
    # Without the threshold, glibc gives memory back after each call and asks for it again in the next.
    fixed = {"LANG": "C.UTF-8", "MALLOC_TRIM_THRESHOLD_": "268435456", **dict.fromkeys(THREADS, "1")}
    return fixed | {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
