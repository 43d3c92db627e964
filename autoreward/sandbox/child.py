"""The cell's own process: it shuts itself in, step by step, and only then reads a program.

Covered: the order of the steps. What holds NumPy's threads comes before NumPy, what forbids files after it; a step
that this system lacks is reported, and the level falls. Programs come when the last filter is in force.
Not covered: deadlines, which are the parent's; what each step does is said where it is written.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from autoreward.sandbox.linux import landlock, probes, process, seccomp
from autoreward.sandbox.linux.syscalls import machine

if TYPE_CHECKING:
    from autoreward.sandbox.shared import Blocks

STACK_BYTES = 64 << 20
OPEN_FILES = 32

_T = TypeVar("_T")


def main() -> None:
    """Serve one parent.

    Arguments: memory [bytes], deadline [s], parent's process id or 0, layers to leave out, descriptors of memory.
    """
    memory_bytes, deadline, parent, without = int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
    descriptors = [int(descriptor) for descriptor in sys.argv[6].split(",") if descriptor]
    requests, replies = _take_pipes()
    witnessed, blocks = shut_in(memory_bytes, parent, without.split(","), descriptors)
    from autoreward.sandbox.serve import serve  # which is loaded by now

    serve(requests, replies, deadline, witnessed, blocks)


def shut_in(
    memory_bytes: int, parent: int, without: Collection[str] = (), descriptors: Sequence[int] = ()
) -> tuple[dict[str, Any], Blocks | None]:
    """Lock this process for good.

    Args:
        memory_bytes: what it may allocate.
        parent: process id with whose thread it is to end, or 0.
        without: layers that are left out, as if the system lacked them: `namespaces`, `landlock`, `seccomp`.
        descriptors: of shared memory, if there is some.

    Returns:
        What it has witnessed (fields of `Isolation`, all but the level), and the shared memory.
    """
    steps = _Steps(without)
    steps.take("protection", lambda: process.protect(parent), None)
    limits = _limit(memory_bytes)
    targets = probes.targets()
    namespaces: tuple[str, ...] = steps.take("namespaces", process.own_namespaces, ())
    version = steps.take("landlock", lambda: landlock.restrict(landlock.readable()), 0)
    steps.take("seccomp", lambda: seccomp.install_first(machine(), os.getpid()), None)
    _load()
    blocks = _map(descriptors)
    steps.take("capabilities", process.drop_capabilities, None)
    steps.take("seccomp", lambda: seccomp.install_last(machine(), os.getpid()), None)
    denied: dict[str, bool] = steps.take("probes", lambda: probes.probe(*targets), {})
    witnessed = {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "landlock": version,
        "filters": steps.taken.count("seccomp"),
        "namespaces": namespaces,
        "probes": denied,
        "limits": limits,
        "missing": steps.missing,
    }
    return witnessed, blocks


class _Steps:
    """What was done, and what could not be."""

    def __init__(self, without: Collection[str]) -> None:
        self._without = without
        self.taken: list[str] = []
        self.missing: dict[str, str] = {}

    def take(self, layer: str, step: Callable[[], _T], otherwise: _T) -> _T:
        if layer in self._without:
            self.missing[layer] = "left out"
            return otherwise
        try:
            result = step()
        except OSError as error:
            self.missing[layer] = error.strerror or str(error)
            return otherwise
        self.taken.append(layer)
        return result


def _take_pipes() -> tuple[BinaryIO, int]:
    """Move the protocol away from stdin and stdout, which then lead nowhere."""
    requests, replies = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    os.close(nowhere)
    return open(requests, "rb", buffering=1 << 16), replies


def _limit(memory_bytes: int) -> dict[str, int]:
    """Limit resources; those that the system lacks are left out. Returns what is in force."""
    import resource

    wanted = {
        "DATA": memory_bytes,
        "STACK": STACK_BYTES,
        "FSIZE": 0,
        "CORE": 0,
        "NOFILE": OPEN_FILES,
        "NPROC": 0,
        "MEMLOCK": 0,
        "MSGQUEUE": 0,
    }
    limits = {}
    for name, value in wanted.items():
        with contextlib.suppress(OSError, ValueError, AttributeError):
            kind = getattr(resource, f"RLIMIT_{name}")
            resource.setrlimit(kind, (value, value))
            limits[name] = value
    return limits


def _load() -> None:
    """Import all that a program needs, and use it once."""
    import autoreward.sandbox.serve  # noqa: F401 - loads all that it needs
    from autoreward.sandbox.warmup import warm_up

    warm_up()


def _map(descriptors: Sequence[int]) -> Blocks | None:
    """Map the memory that is shared with the parent, before the filter that forbids it; inputs can only be read."""
    from autoreward.sandbox.shared import attach  # which needs NumPy

    return attach(*descriptors) if descriptors else None
