"""The cell's side of the protocol: frames in and frames out, until the parent closes the pipe."""

from __future__ import annotations

import dataclasses
import os
import signal
from typing import Any, BinaryIO

import numpy as np

from autoreward.errors import RewardRefused
from autoreward.sandbox import frames
from autoreward.sandbox.runner import Fault, Runner, Store
from autoreward.sandbox.shared import Block, Blocks

CALL_MARGIN = 30.0
"""Where no signal comes at the parent's death, an alarm ends the process this many deadlines after a call began; the
parent waits for half as many (`deadline.PATIENCE`)."""


def serve(
    requests: BinaryIO, replies: int, deadline: float, witnessed: dict[str, Any], blocks: Blocks | None = None
) -> None:
    """Say what this process has witnessed of its isolation, then answer requests.

    Args:
        requests: pipe from the parent.
        replies: descriptor of the pipe to the parent.
        deadline: seconds that a call may take.
        witnessed: fields of `Isolation`.
        blocks: memory that is shared with the parent.
    """
    np.seterr(all="ignore")
    _send(replies, frames.encode({"ready": witnessed}, {}))
    inputs = blocks.inputs if blocks else None
    session = _Session(blocks.outputs if blocks else None)
    alone = "protection" in witnessed["missing"]
    while prefix := requests.read(frames.PREFIX.size):
        header, payload = frames.lengths(prefix)
        fields, arrays = frames.decode(requests.read(header), requests.read(payload), inputs)
        if alone:
            signal.setitimer(signal.ITIMER_REAL, CALL_MARGIN * deadline)
        reply = session.answer(fields, arrays)
        if alone:
            signal.setitimer(signal.ITIMER_REAL, 0)
        _send(replies, reply)


def _send(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class _Session:
    def __init__(self, outputs: Block | None) -> None:
        self._outputs = outputs
        self.runner: Runner | None = None
        self._asked: tuple[dict[str, Any], dict[str, Any], Store] | None = None

    def answer(self, fields: dict[str, Any], arrays: dict[str, Any]) -> bytes:
        """The reply to a request: `load`, or without an operation `score`."""
        try:
            return self._load(fields) if "source" in fields else self._score(arrays)
        except RewardRefused as error:
            refusal = {"message": str(error), "rule": error.rule, "line": error.line, "column": error.column}
            return frames.encode({"refused": refusal}, {})
        except Fault as error:
            return frames.encode({"fault": str(error), "reason": error.reason, "line": error.line}, {})
        except MemoryError:
            message = "MemoryError: it needs more memory than the cell allows"
            return frames.encode({"fault": message, "reason": "memory", "line": None}, {})

    def _load(self, fields: dict[str, Any]) -> bytes:
        self._asked = None
        self.runner = Runner(fields["source"], fields["fields"], fields["grammar"])
        program = dataclasses.asdict(self.runner.program)
        return frames.encode({"program": {**program, "source": ""}}, {})

    def _score(self, arrays: dict[str, Any]) -> bytes:
        assert self.runner is not None  # the parent asks for scores when a program is loaded
        if self._asked is None or self._asked[0] is not arrays:
            self._asked = arrays, {name: arrays[name] for name in self.runner.program.inputs}, _stored(arrays)
        _, inputs, given = self._asked
        store, place = dict(given), self._outputs.place("terms") if self._outputs else None
        names, values, seconds = self.runner.score(inputs, arrays["begun"], store, place)
        reply = {"terms": values, "seconds": np.asarray(seconds)}
        for name, (stored, present) in store.items():
            reply[f"memory.{name}"], reply[f"present.{name}"] = stored, present
        return frames.encode({"names": names}, reply, self._outputs)


def _stored(arrays: dict[str, Any]) -> Store:
    """Memory among the arrays of a request."""
    return {
        name[7:]: (array, arrays["present." + name[7:]]) for name, array in arrays.items() if name.startswith("memory.")
    }
