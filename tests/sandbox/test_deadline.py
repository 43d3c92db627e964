"""A cell's deadline counts what its process used, not what others on the machine did."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from autoreward.sandbox.deadline import PATIENCE, Deadline, cpu_seconds

BUSY, IDLE = "while True: pass", "import time; time.sleep(100)"


@pytest.fixture
def child(request: pytest.FixtureRequest) -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", request.param]) as process:
        yield process.pid
        process.kill()


def passed_after(deadline: Deadline) -> float:
    began = time.monotonic()
    while (remaining := deadline.remaining()) > 0:
        time.sleep(remaining)
    return time.monotonic() - began


@pytest.mark.parametrize("child", [BUSY], indirect=True)
def test_a_process_at_work_has_its_seconds_of_cpu_time(child: int) -> None:
    before = cpu_seconds(child)
    seconds = passed_after(Deadline(0.2, child))
    after = cpu_seconds(child)
    assert before is not None and after is not None
    assert after - before >= 0.2 or seconds >= PATIENCE * 0.2  # on a machine that gave it less than that


@pytest.mark.parametrize("child", [IDLE], indirect=True)
def test_a_process_that_waits_is_waited_for_longer_and_not_for_ever(child: int) -> None:
    assert passed_after(Deadline(0.05, child)) >= PATIENCE * 0.05


def test_of_a_process_that_is_gone_nothing_is_known_and_the_seconds_count() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert cpu_seconds(process.pid) is None
    assert passed_after(Deadline(0.1, process.pid)) >= 0.1


def test_another_users_process_is_told_too() -> None:
    assert cpu_seconds(1) is not None
    assert cpu_seconds(os.getpid()) is not None
