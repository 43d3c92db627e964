"""The evaluator: a process of its own that measures policies on the true success.

Covered: it loads policy weights, the environment and the task's expressions; no reward program, no torch, and what it
answers is all that a training's success and score come from. Other processes of the user cannot read or change its
memory (Linux). It ends when its standard input closes.
Not covered: it trusts the environment's own code, which runs in it.

Protocol: one JSON object a line. First the `Opening`, then `Request`s; for each, any number of `{"done": K}` lines and
one `{"evaluation": ...}` or `{"error": ...}`.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from autoreward.environment import Use
from autoreward.envs.contract import BatchEnv
from autoreward.envs.registry import make_env
from autoreward.errors import AutorewardError, MachineFailed, TrainingFailed
from autoreward.records import Record
from autoreward.sandbox.linux.process import hide_process
from autoreward.task import Task
from autoreward.training.contract import Evaluation
from autoreward.training.evaluation import Act, evaluate
from autoreward.training.policy import Policy

WIDEST = 32
"""Environments stepped together, at most."""


class Opening(Record):
    """What the evaluator is for."""

    task: Task
    num_envs: int


class Request(Record):
    """One evaluation."""

    policy: Path | None
    """None: actions drawn uniformly."""
    seeds: tuple[int, ...]
    """One an episode; the first also seeds the uniform actions."""
    step: int
    """Environment steps of training before it."""
    use: Use = "evaluation"
    """In which worlds: those of evaluations, or those of the report."""
    trajectories: Path | None = None
    """Where `trajectories.npz` is written, if anywhere."""


class Evaluator:
    """The process as its client sees it. Requests are answered in order, while the client goes on with its own work."""

    def __init__(self, task: Task, episodes: int) -> None:
        """Start it; it gets ready while the caller goes on. `episodes`: of the largest evaluation to come."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "autoreward.training.evaluator"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._replies: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._waiting = 0
        threading.Thread(target=self._listen, daemon=True).start()
        self._send(Opening(task=task, num_envs=_width(episodes)))

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

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _send(self, record: Record) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(record.model_dump_json() + "\n")
            self._process.stdin.flush()
        except OSError:
            raise MachineFailed("the evaluator died; worker.log has its last words") from None

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError, OSError):
            for line in self._process.stdout:
                self._replies.put(line)
        self._replies.put(None)

    def _understood(self, line: str | None) -> Evaluation | None:
        if line is None:
            raise MachineFailed("the evaluator died; worker.log has its last words")
        reply = json.loads(line)
        if "error" in reply:
            raise TrainingFailed(f"evaluation failed: {reply['error']}")
        if "evaluation" not in reply:
            return None
        self._waiting -= 1
        return Evaluation.model_validate(reply["evaluation"])


def _width(episodes: int) -> int:
    """Environments for that many episodes: in as few equal waves as `WIDEST` allows."""
    waves = -(-episodes // WIDEST)
    return max(1, -(-episodes // waves))


def serve(lines: Iterator[str], answer: Callable[[dict[str, Any]], None]) -> None:
    """Answer requests until the lines end."""
    opening = Opening.model_validate_json(next(lines))
    worlds: dict[str, BatchEnv] = {}

    def made_for(use: Use) -> BatchEnv:
        spec = opening.task.env.used_for(use)
        key = spec.model_dump_json()
        if key not in worlds:
            worlds[key] = make_env(spec, opening.num_envs)
        return worlds[key]

    try:
        made_for("evaluation")
        for line in lines:
            request = Request.model_validate_json(line)
            env = made_for(request.use)
            act: Act
            if request.policy is None:
                env.action_space.seed(request.seeds[0])

                def act(obs: Any, mask: Any, env: BatchEnv = env) -> Any:  # noqa: ANN401 - any observation, any action
                    return env.random_actions()
            else:
                drawn = opening.task.trainer.acting == "drawn"
                random = np.random.default_rng(request.seeds[0]) if drawn else None
                act = functools.partial(Policy.load(request.policy).act, random=random)
            episodes = evaluate(
                env,
                opening.task,
                act,
                request.seeds,
                record=request.trajectories is not None,
                done=lambda count: answer({"done": count}),
            )
            if request.trajectories is not None:
                episodes.write(request.trajectories)
            answer({"evaluation": episodes.summary(request.step).model_dump()})
    finally:
        for env in worlds.values():
            env.close()


def main() -> None:
    """The process: requests on standard input, replies on what was standard output when it started."""
    hide_process()
    replies: IO[str] = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what an environment prints goes to the log, never between the replies

    def answer(reply: dict[str, Any]) -> None:
        replies.write(json.dumps(reply) + "\n")
        replies.flush()

    try:
        serve(iter(sys.stdin), answer)
    except BrokenPipeError:
        return
    except Exception as error:
        answer({"error": " ".join(f"{type(error).__name__}: {error}".split())})
        if not isinstance(error, AutorewardError):
            raise


if __name__ == "__main__":
    main()
