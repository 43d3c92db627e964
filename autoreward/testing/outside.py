"""What programs do outside their cell, as it is seen from there: files, bytes of files, sockets, processes.

Covered: what the collections of `autoreward.testing.arm` try (files `PWNED*`, a port of the loopback, an abstract
socket), files that programs would want to change, child processes. Not covered: what nobody looks at.
"""

from __future__ import annotations

import select
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from autoreward.training.files import EPISODES, JOB, POLICY, TRAJECTORIES, result_name

PORT, ABSTRACT = 47391, "\0reward-sink"
"""Where hostile programs of the collections send what they have found."""
WAIT_SECONDS = 120
EXAMPLE_RUN = "20260101-000000-reacher"


class Outside:
    """Markers in folders, bytes of files that nothing may change, and what arrives at sockets."""

    def __init__(self, folders: Sequence[Path], kept: Path | None = None) -> None:
        """Listen. The ports are the machine's: who listens at the first has them, and others wait.

        Args:
            folders: where files `PWNED*` would lie.
            kept: a folder whose every byte must stay.
        """
        self.folders, self.kept = list(folders), kept
        self._before = contents(kept) if kept else {}
        self.sockets = {"tcp": listening(), "udp": socket.socket(type=socket.SOCK_DGRAM)}
        self.sockets["udp"].bind(("127.0.0.1", PORT))
        if sys.platform.startswith("linux"):
            self.sockets["unix"] = socket.socket(socket.AF_UNIX)
            self.sockets["unix"].bind(ABSTRACT)
            self.sockets["unix"].listen(64)

    def effects(self) -> list[str]:
        """What has happened since the last call."""
        return [*self._written(), *self._changed(), *self._reached()]

    def _written(self) -> list[str]:
        found = []
        for folder in self.folders:
            for path in folder.glob("PWNED*"):
                found.append(f"wrote {path}")
                path.unlink() if path.is_file() else path.rmdir()
        return found

    def _changed(self) -> list[str]:
        if self.kept is None:
            return []
        now = contents(self.kept)
        names = sorted(name for name in now.keys() | self._before.keys() if now.get(name) != self._before.get(name))
        self._before = now
        return [f"changed {name}" for name in names]

    def _reached(self) -> list[str]:
        found = []
        names = {one.fileno(): name for name, one in self.sockets.items()}
        ready, _, _ = select.select(list(names), [], [], 0)
        for number in ready:
            one = self.sockets[names[number]]
            one.recv(64) if names[number] == "udp" else one.accept()[0].close()
            found.append(f"reached {names[number]}")
        return found

    def close(self) -> None:
        """Listen no longer."""
        for name in ("unix", "udp", "tcp"):
            if name in self.sockets:
                self.sockets[name].close()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write_valuables(folder: Path) -> None:
    """What a program would change for a better rank, where it would look for it: in its working folder, under `runs`.

    A policy, its result and its episodes, another candidate's, the run's record and report.
    """
    run = folder / "runs" / EXAMPLE_RUN
    for place in (folder, run / "trainings" / "mine", run / "trainings" / "another"):
        place.mkdir(parents=True, exist_ok=True)
        for name in (POLICY, JOB, EPISODES, TRAJECTORIES, result_name(1000)):
            (place / name).write_bytes(f"{name} of {place.name}".encode())
    for name in ("run.json", "report.json", "report.html"):
        (run / name).write_text(f"{name} of the run")


def children() -> set[int]:
    """Processes that this one has started and that have not ended; none where there is no /proc."""
    found = set()
    for path in Path("/proc/self/task").glob("*/children"):
        try:
            found |= {int(child) for child in path.read_text().split()}
        except OSError:  # a thread that has ended
            continue
    return found


def locks(pid: int) -> dict[str, int]:
    """What the kernel says of a process: `NoNewPrivs`, `Seccomp` (2: a filter) and `Seccomp_filters`, where it does."""
    lines = (line.partition(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {name: int(value) for name, _, value in lines if name in ("NoNewPrivs", "Seccomp", "Seccomp_filters")}


def listening() -> socket.socket:
    """A socket that listens at `PORT`, as soon as nobody else does."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", PORT))
            one.listen(64)
            return one
        except OSError:
            one.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
