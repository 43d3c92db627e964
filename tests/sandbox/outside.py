"""Outer limits for hostile files, and what can be seen of them from outside."""

from __future__ import annotations

import os
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CANARY = "CANARY7Q"
"""In the working folder, in the environment and in a global of this process: no program may bring it out."""
PORT, ABSTRACT = 47391, "\0reward-sink"
WAIT_SECONDS = 120
SECONDS = 280
"""After which everything is ended."""

HARNESS_SECRET = CANARY


class Outside:
    """Markers in folders, and what arrives at sockets."""

    def __init__(self, folders: list[Path]) -> None:
        """Listen. The ports are the machine's: who listens at the first has them, and others wait."""
        self.folders = folders
        self.sockets = {"tcp": listening(), "udp": socket.socket(type=socket.SOCK_DGRAM)}
        self.sockets["udp"].bind(("127.0.0.1", PORT))
        if sys.platform.startswith("linux"):
            self.sockets["unix"] = socket.socket(socket.AF_UNIX)
            self.sockets["unix"].bind(ABSTRACT)
            self.sockets["unix"].listen(64)

    def effects(self) -> list[str]:
        """What has happened since the last call."""
        found = []
        for folder in self.folders:
            for path in folder.glob("PWNED*"):
                found.append(f"wrote {path}")
                path.unlink() if path.is_file() else path.rmdir()
        names = {one.fileno(): name for name, one in self.sockets.items()}
        ready, _, _ = select.select(list(names), [], [], 0)
        for number in ready:
            one = self.sockets[names[number]]
            one.recv(64) if names[number] == "udp" else one.accept()[0].close()
            found.append(f"reached {names[number]}")
        return found

    def close(self) -> None:
        for name in ("unix", "udp", "tcp"):
            if name in self.sockets:
                self.sockets[name].close()


def listening() -> socket.socket:
    """A socket that listens at the port, as soon as nobody else does."""
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


@contextmanager
def working_folder() -> Iterator[Path]:
    """A new folder with a secret, which becomes the working folder."""
    folder, before = Path(tempfile.mkdtemp(prefix="corpus-")), Path.cwd()
    (folder / "secret.txt").write_text(CANARY * 4)
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(before)
        shutil.rmtree(folder, ignore_errors=True)


def limit() -> None:
    """Outer limits, for this process and all that it starts."""
    for kind, value in {
        resource.RLIMIT_CPU: SECONDS,
        resource.RLIMIT_DATA: 3 << 30,
        resource.RLIMIT_FSIZE: 64 << 20,
        resource.RLIMIT_CORE: 0,
    }.items():
        resource.setrlimit(kind, (value, value))
    signal.alarm(SECONDS)


def told(values: NDArray[Any]) -> bool:
    """Whether the canary is in the values, a letter a row."""
    letters = np.nan_to_num(values.reshape(-1).astype(np.float64)).clip(0, 255).astype(np.uint8)
    return CANARY.encode() in letters.tobytes()
