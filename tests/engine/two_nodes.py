"""A Ray cluster of two nodes for tests: both are processes of this machine, and talk over its own addresses."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

TOKEN = "0123456789abcdef" * 4
RAY = (sys.executable, "-m", "ray.scripts.scripts")


class TwoNodes:
    """Each has one core; the first one GPU too, as far as Ray is told."""

    def __init__(self, folder: Path) -> None:
        """Start them, and wait until both are there."""
        self._folder = folder
        self.address = f"127.0.0.1:{_free_port()}"
        port = self.address.rpartition(":")[2]
        head = ("--head", f"--port={port}", f"--temp-dir={folder}", "--num-gpus=1", "--node-ip-address=127.0.0.1")
        # Its usual ports may be another cluster's, that of tests beside these for one.
        ports = (f"--ray-client-server-port={_free_port()}", "--include-dashboard=false")
        self._nodes = [self._start("head", *head, *ports)]
        self.wait_for(1)
        self._nodes.append(self._start("second", f"--address={self.address}", "--num-gpus=0"))
        self.wait_for(2)

    def wait_for(self, count: int) -> None:
        """Until so many nodes are alive."""
        end = time.monotonic() + 120
        while self._alive() != count:
            assert time.monotonic() < end, f"there are not {count} nodes: {self._logs()}"
            time.sleep(1)

    def is_second(self, pid: int) -> bool:
        """Whether a process belongs to the second node."""
        return pid in _descendants(self._nodes[1].pid)

    def kill_second(self) -> None:
        """End its raylet, as when a machine dies; what belongs to it notices."""
        for pid in _descendants(self._nodes[1].pid):
            if "raylet/raylet" in _command(pid):
                os.kill(pid, signal.SIGKILL)

    def kill_head(self) -> None:
        """End what the others ask for the cluster's state, as when the first machine dies."""
        for pid in _descendants(self._nodes[0].pid):
            if "gcs_server" in _command(pid):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """End all processes."""
        for node in self._nodes:
            processes = [node.pid, *_descendants(node.pid)]
            node.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                node.wait(20)
            for pid in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            node.wait()

    def _start(self, name: str, *options: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{name}.log").open("wb") as log:
            ports = (f"--dashboard-agent-listen-port={_free_port()}",)
            command = (*RAY, "start", *options, *ports, "--num-cpus=1", "--block", "--disable-usage-stats")
            return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def _alive(self) -> int:
        """Nodes, as `ray status` lists them."""
        command = (*RAY, "status", "--address", self.address)
        try:
            told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout
        except subprocess.TimeoutExpired:
            return 0
        active = told.partition("Active:")[2].partition("Pending:")[0]
        return sum(" node_" in line for line in active.splitlines())

    def _logs(self) -> str:
        return "\n".join(path.read_text()[-2000:] for path in self._folder.glob("*.log"))


def _descendants(pid: int) -> list[int]:
    found, waiting = list[int](), [pid]
    while waiting:
        for children in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                waiting += (new := [int(child) for child in children.read_text().split()])
                found += new
    return found


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
