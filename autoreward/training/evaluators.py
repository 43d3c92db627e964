"""Evaluators as their clients see them: one for each training under way, kept by serving workers for the next."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

from autoreward.errors import MachineFailed, TrainingFailed
from autoreward.records import Record
from autoreward.task import Task
from autoreward.training.contract import Evaluation
from autoreward.training.evaluator import LOWER, Opening, Request

WIDEST = 32
"""Environments stepped together, at most."""


class Evaluator:
    """The process as its client sees it. Requests are answered in order, while the client goes on with its own work."""

    seconds: float
    """CPU seconds that this training's evaluations took so far; a new process's start and imports are among them."""
    faults: int
    """Simulations that blew up in them."""

    def __init__(self, task: Task, episodes: int) -> None:
        """Start it; it gets ready while the caller goes on. `episodes`: of the largest evaluation to come."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "autoreward.training.evaluator"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._replies: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()
        self._says = threading.Thread(target=self._pass_on, daemon=True)
        self._says.start()
        self.seconds, self._earlier, self._closed = 0.0, 0.0, False
        self.open(task, episodes)

    def open(self, task: Task, episodes: int) -> None:
        """Begin a training.

        Raises:
            MachineFailed: the process is gone.
        """
        self._waiting, self._ready = 0, False
        self._earlier += self.seconds
        self.seconds, self.faults = 0.0, 0
        self._send(Opening(task=task, num_envs=_width(episodes)))

    @property
    def uncounted(self) -> float:
        """Those of `seconds` that are not among the CPU seconds of ended children; earlier trainings' are taken off."""
        return -self._earlier if self._closed else self.seconds

    def submit(self, request: Request) -> None:
        """Ask for an evaluation and do not wait for it."""
        self._send(request)
        self._waiting += 1

    def ready(self) -> list[Evaluation]:
        """The evaluations that have come in meanwhile."""
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                if (evaluation := self._understood(self._replies.get_nowait())) is not None:
                    found.append(evaluation)
        return found

    def wait(self, heartbeat: Callable[[], None] = lambda: None) -> list[Evaluation]:
        """All evaluations that have been asked for and not handed out yet; `heartbeat` is called as episodes finish.

        Raises:
            MachineFailed: the evaluator died.
            TrainingFailed: an evaluation failed.
        """
        found = []
        while self._waiting:
            if (evaluation := self._understood(self._replies.get())) is not None:
                found.append(evaluation)
            heartbeat()
        return found

    def give_back(self) -> None:
        """The training is over: the process is kept for the next one, or ended: see `keep`."""
        with contextlib.suppress(TrainingFailed):
            self.ready()
            if _kept is not None and self._ready and not self._waiting and self._process.poll() is None:
                _kept.append(self)
                return
        self.close()

    def close(self) -> None:
        """End the process."""
        self._closed = True
        self._process.kill()
        self._process.wait()
        self._says.join(1.0)  # its last words belong to the log of this training
        said = None if self._says.is_alive() else self._process.stderr  # a pipe that is being read stays open
        for pipe in (self._process.stdin, self._process.stdout, said):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _send(self, record: Record) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(record.model_dump_json() + "\n")
            self._process.stdin.flush()
        except OSError:
            raise self._died() from None

    def _died(self) -> MachineFailed:
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._process.wait(1.0) == -signal.SIGKILL:
                return MachineFailed(
                    f"the evaluator died of SIGKILL; where the system did it for lack of memory, {LOWER}"
                )
        return MachineFailed("the evaluator died; worker.log has its last words")

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError, OSError):
            for line in self._process.stdout:
                self._replies.put(line)
        self._replies.put(None)

    def _pass_on(self) -> None:
        """What it says goes to standard error as it is at that time: a worker's is the log of the training at hand."""
        assert self._process.stderr is not None
        with contextlib.suppress(ValueError, OSError):
            while words := os.read(self._process.stderr.fileno(), 1 << 16):
                os.write(2, words)

    def _understood(self, line: str | None) -> Evaluation | None:
        if line is None:
            raise self._died()
        reply = json.loads(line)
        if "error" in reply:
            raise (MachineFailed if reply["machine"] else TrainingFailed)(f"evaluation failed: {reply['error']}")
        self._ready |= "ready" in reply
        if "evaluation" not in reply:
            return None
        self._waiting -= 1
        self.seconds, self.faults = reply["seconds"], reply["faults"]
        return Evaluation.model_validate(reply["evaluation"])


_kept: list[Evaluator] | None = None
"""Those that have served trainings of this process to their ends, and wait for the next; None: none is kept."""


def keep() -> None:
    """From now on this process, a worker, keeps its evaluators for the trainings to come. They end with it."""
    global _kept
    _kept = [] if _kept is None else _kept


def borrow(task: Task, episodes: int) -> Evaluator:
    """An evaluator for one training, to be given back after it: one that has served others, or else a new one.

    `episodes`: of the largest evaluation to come.
    """
    while _kept:
        evaluator = _kept.pop()
        with contextlib.suppress(MachineFailed):  # it died since: another one, or a new one
            evaluator.open(task, episodes)
            return evaluator
        evaluator.close()
    return Evaluator(task, episodes)


def _width(episodes: int) -> int:
    """Environments for that many episodes: in as few equal waves as `WIDEST` allows."""
    waves = -(-episodes // WIDEST)
    return max(1, -(-episodes // waves))
