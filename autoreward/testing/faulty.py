"""Trainers that misbehave, or tell what they see: what `check_engine` has the workers of an engine do. None learns."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from autoreward.sandbox.isolation import Level
from autoreward.sandbox.process import witness
from autoreward.training.contract import Progress, Report, TrainingJob, TrainingResult

SEEN = "seen.jsonl"
"""What the trainer saw: two lines an attempt, at its beginning and its end."""
GO = "go"
"""The file that `Waits` waits for."""
SAID = 8 << 20
"""Bytes that `Chatters` writes to standard error."""
TAKEN = 1 << 30
"""Bytes of memory that `Takes` takes, at most."""


class Tells:
    """Finishes at once and leaves which process it was, and when; those below do something in between."""

    level: ClassVar[Level | None] = None

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Report) -> TrainingResult:
        """See `Trainer`."""

        def alive() -> None:
            progress(Progress(stage="training", steps=steps))

        seen = {"pid": os.getpid(), "began": time.time()}
        say(folder, seen)
        alive()
        level = self.act(folder, alive)
        say(folder, {**seen, "ended": time.time()})
        return TrainingResult(hash=job.hash, steps=steps, status="ok", isolation=level)

    def act(self, folder: Path, alive: Callable[[], None]) -> Level | None:
        """Do what the class is named after; `alive` shows progress. The isolation of cells, where it has looked."""
        return None


class Raises(Tells):
    """A fault that nobody has thought of."""

    def act(self, folder: Path, alive: Callable[[], None]) -> Level | None:  # noqa: D102
        raise ZeroDivisionError("of all things\nin two lines")


class Exits(Tells):
    """Ends its process as a library in C might."""

    def act(self, folder: Path, alive: Callable[[], None]) -> Level | None:  # noqa: D102
        os._exit(9)


class Works(Tells):
    """Takes a second."""

    def act(self, folder: Path, alive: Callable[[], None]) -> Level | None:  # noqa: D102
        for _ in range(10):
            alive()
            time.sleep(0.1)
        return None


class Hangs(Tells):
    """Shows progress for ten minutes and comes to no end."""

    def act(self, folder: Path, alive: Callable[[], None]) -> Level | None:  # noqa: D102
        for _ in range(2_400):
            alive()
            time.sleep(0.25)
        return None


class Waits(Tells):
    """Goes on until the file `GO` is there."""

    def act(self, folder: Path, alive: Callable[[], None]) -> Level | None:  # noqa: D102
        while not (folder / GO).exists():
            alive()
            time.sleep(0.1)
        return None


class Takes(Tells):
    """Takes more and more memory, within two seconds or so, and holds it for three."""

    def act(self, folder: Path, alive: Callable[[], None]) -> Level | None:  # noqa: D102
        part, parts = 32 << 20, []
        for _ in range(TAKEN // part):
            alive()
            parts.append(np.ones(part, dtype=np.uint8))
            time.sleep(0.05)
        time.sleep(3.0)
        return None


class Chatters(Tells):
    """Writes megabytes to standard error."""

    def act(self, folder: Path, alive: Callable[[], None]) -> Level | None:  # noqa: D102
        line = "x" * 1023 + "\n"
        for _ in range(SAID // len(line)):
            sys.stderr.write(line)
        return None


class Looks(Tells):
    """Leaves its environment and the threads that NumPy adds, and tells the isolation of cells."""

    def act(self, folder: Path, alive: Callable[[], None]) -> Level | None:  # noqa: D102
        before = _threads()
        square = np.ones((400, 400))
        _ = square @ square
        say(folder, {"environ": dict(os.environ), "threads": _threads() - before})
        return witness().level


def say(folder: Path, seen: object) -> None:
    """Add a line to what the trainer of a folder has seen."""
    with (folder / SEEN).open("a") as file:
        file.write(json.dumps(seen) + "\n")


def seen_in(folder: Path) -> list[dict[str, Any]]:
    """The lines that are there."""
    path = folder / SEEN
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _threads() -> int:
    """Threads of this process, those of libraries among them where the system tells."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else threading.active_count()
