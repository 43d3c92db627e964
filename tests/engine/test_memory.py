"""How much memory processes take."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from autoreward.engine.memory import memory_of

MEGABYTES = 64
HOLDS = f"held = bytearray(b'x' * {MEGABYTES << 20}); print('there', flush=True); input()"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLDS!r}])"


@pytest.fixture(params=[HOLDS, PARENT], ids=["its own", "a child's"])
def process(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", request.param]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdin
        assert process.stdout.readline() == "there\n"
        yield process
        process.stdin.close()


@pytest.mark.any_user
@pytest.mark.skipif(sys.platform != "linux", reason="is read from /proc")
def test_memory_of_a_process_and_its_children(process: subprocess.Popen[str]) -> None:
    assert MEGABYTES << 20 <= memory_of(process.pid) < 3 * MEGABYTES << 20


@pytest.mark.skipif(sys.platform != "linux", reason="is read from /proc")
def test_a_process_that_is_gone_takes_none() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert memory_of(gone.pid) == 0
