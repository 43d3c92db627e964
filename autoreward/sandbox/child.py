"""The cell's own process: limits first, then frames in and frames out until its parent closes the pipe."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import Any, BinaryIO

CALL_MARGIN = 2.0
"""An alarm ends the process this many times the deadline after a call began, should the parent be gone by then."""


def main() -> None:
    """Serve one parent. Arguments: memory limit (bytes), deadline (seconds), parent's process id or 0."""
    memory_bytes, deadline, parent = int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    requests, replies = _take_pipes()
    _detach(parent)
    import numpy as np

    import autoreward.sandbox.runner  # noqa: F401 - loaded before the limits

    np.seterr(all="ignore")
    _limit(memory_bytes)
    _serve(requests, replies, deadline)


def _take_pipes() -> tuple[BinaryIO, int]:
    """Move the protocol away from stdin and stdout, which then lead nowhere."""
    requests, replies = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    os.close(nowhere)
    return open(requests, "rb", buffering=1 << 16), replies


def _detach(parent: int) -> None:
    """No new privileges; die with the parent. Linux only: elsewhere the closed pipe and the alarm do it."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
        if parent:
            libc.prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
            if os.getppid() != parent:
                os._exit(1)


def _limit(memory_bytes: int) -> None:
    import resource

    limits = {
        resource.RLIMIT_DATA: memory_bytes,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 16,
        getattr(resource, "RLIMIT_NPROC", None): 0,
    }
    for kind, value in limits.items():
        # A limit that the system lacks is left out; the parent's deadline stands in any case.
        if kind is not None:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(kind, (value, value))


def _serve(requests: BinaryIO, replies: int, deadline: float) -> None:
    from autoreward.sandbox import frames

    _send(replies, frames.encode({"ready": True}, {}))
    session = _Session()
    while prefix := requests.read(frames.PREFIX.size):
        header, payload = frames.lengths(prefix)
        fields, arrays = frames.decode(requests.read(header), requests.read(payload))
        signal.setitimer(signal.ITIMER_REAL, CALL_MARGIN * deadline)
        reply = session.answer(fields, arrays)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _send(replies, reply)


def _send(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class _Session:
    def __init__(self) -> None:
        self.runner: Any = None

    def answer(self, fields: dict[str, Any], arrays: dict[str, Any]) -> bytes:
        """The reply to a request: `load`, or without an operation `score`."""
        from autoreward.errors import RewardRefused
        from autoreward.sandbox import frames
        from autoreward.sandbox.runner import Fault

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
        from autoreward.sandbox import frames
        from autoreward.sandbox.runner import Runner

        self.runner = Runner(fields["source"], fields["fields"], fields["grammar"])
        program = self.runner.program.model_dump(mode="json", exclude={"source"})
        return frames.encode({"program": program}, {})

    def _score(self, arrays: dict[str, Any]) -> bytes:
        import numpy as np

        from autoreward.sandbox import frames

        store = {
            name[7:]: (array, arrays["present." + name[7:]])
            for name, array in arrays.items()
            if name.startswith("memory.")
        }
        inputs = {name: arrays[name] for name in self.runner.program.inputs}
        names, values, seconds = self.runner.score(inputs, arrays["begun"], store)
        reply = {"terms": values, "seconds": np.asarray(seconds)}
        for name, (stored, present) in store.items():
            reply[f"memory.{name}"], reply[f"present.{name}"] = stored, present
        return frames.encode({"names": names}, reply)
