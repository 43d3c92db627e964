"""The evaluator: a process of its own that measures policies on the true success.

Covered: it loads policy weights, the environment and the task's expressions; no reward program, no torch, and what it
answers is all that a training's success and score come from. Other processes of the user cannot read or change its
memory (Linux). It ends when its standard input closes. A serving worker keeps it for its next training, since imports
cost more than an evaluation: worlds are made anew for each, and one that has failed, or that a training has left with
a question unanswered, is ended.
Not covered: it trusts the environment's own code, which runs in it, and which may remember what it likes.

Protocol: one JSON object a line. For each training an `Opening`, answered by `{"ready": true}`, then `Request`s; for
each, any number of `{"done": K}` lines and one `{"evaluation": ..., "seconds": ..., "faults": ...}`. Whatever fails is
the last answer: `{"error": ..., "machine": ...}`.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from pydantic import TypeAdapter

from autoreward.environment import Use
from autoreward.envs.contract import BatchEnv
from autoreward.envs.registry import make_env
from autoreward.errors import AutorewardError, MachineFailed
from autoreward.records import Record
from autoreward.sandbox.linux.process import hide_process
from autoreward.task import Task
from autoreward.training.contract import Evaluation
from autoreward.training.evaluation import Act, evaluate
from autoreward.training.policy import Policy

LOWER = "lower slots (trainings at once) or trainer.evaluation_episodes"
"""What helps where memory runs out."""


class Opening(Record):
    """A training begins: what its evaluations are about."""

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


class _Service:
    """The evaluations of one training, in the evaluator's process."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._worlds: dict[str, BatchEnv] = {}
        self._made_for("evaluation")

    @property
    def faults(self) -> int:
        """Simulations that blew up so far."""
        return sum(env.faults for env in self._worlds.values())

    def evaluate(self, request: Request, done: Callable[[int], None]) -> Evaluation:
        """Answer a request; `done` is told how many episodes have finished."""
        env, task = self._made_for(request.use), self._opening.task
        act: Act
        if request.policy is None:
            env.action_space.seed(request.seeds[0])

            def act(obs: Any, mask: Any) -> Any:  # noqa: ANN401 - any observation, any action
                return env.random_actions()
        else:
            drawn = task.trainer.acting == "drawn"
            random = np.random.default_rng(request.seeds[0]) if drawn else None
            act = functools.partial(Policy.load(request.policy).act, random=random)
        episodes = evaluate(env, task, act, request.seeds, record=request.trajectories is not None, done=done)
        if request.trajectories is not None:
            episodes.write(request.trajectories)
        return episodes.summary(request.step)

    def close(self) -> None:
        """Close the worlds."""
        for env in self._worlds.values():
            env.close()

    def _made_for(self, use: Use) -> BatchEnv:
        spec = self._opening.task.env.used_for(use)
        key = spec.model_dump_json()
        if key not in self._worlds:
            self._worlds[key] = make_env(spec, self._opening.num_envs)
        return self._worlds[key]


def serve(lines: Iterator[str], answer: Callable[[dict[str, Any]], None]) -> None:
    """Answer one training's requests after another's, until the lines end."""
    asked: TypeAdapter[Opening | Request] = TypeAdapter(Opening | Request)
    service, before = None, 0.0
    try:
        for line in lines:
            request = asked.validate_json(line)
            if isinstance(request, Opening):
                if service is not None:
                    before = time.process_time()
                    service.close()
                service = _Service(request)
                answer({"ready": True})
            else:
                assert service is not None
                evaluation = service.evaluate(request, lambda count: answer({"done": count}))
                seconds = time.process_time() - before
                answer({"evaluation": evaluation.model_dump(), "seconds": seconds, "faults": service.faults})
    finally:
        if service is not None:
            service.close()


def told(error: Exception) -> dict[str, Any]:
    """The last answer: what failed, and whether the machine has to answer for it, also through an environment."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError | MemoryError | MachineFailed):
        cause = cause.__context__
    if isinstance(cause, MemoryError) or (isinstance(cause, OSError) and cause.errno == errno.ENOMEM):
        return {"error": f"out of memory: {LOWER}", "machine": True}
    return {"error": " ".join(f"{type(error).__name__}: {error}".split()), "machine": cause is not None}


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
        if not isinstance(error, AutorewardError):
            traceback.print_exc()  # before the answer, upon which this process may be ended
        answer(told(error))


if __name__ == "__main__":
    main()
