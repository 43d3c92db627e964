"""A cell ends at its deadline, when it is killed and with its parent, and says so."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from autoreward.errors import CellFailed
from autoreward.sandbox.process import ProcessCell
from autoreward.testing.cell import PLAIN, SCHEMA
from tests.sandbox.escaped import ESCAPED, HANG, gone, score

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what Linux offers")
pytestmark = pytest.mark.any_user


def test_a_program_that_hangs_is_killed_and_the_cell_can_load_again() -> None:
    cell = ProcessCell(deadline=0.5)
    cell.load(HANG, SCHEMA, "terms")
    pid = cell.pid
    assert pid is not None
    with pytest.raises(CellFailed, match=r"longer than 0\.5 s") as caught:
        score(cell)
    assert caught.value.reason == "deadline" and gone(pid)
    with pytest.raises(CellFailed, match="load"):
        score(cell)
    cell.load(PLAIN, SCHEMA, "terms")
    assert cell.pid not in (None, pid)
    cell.close()


def test_a_definition_that_hangs_is_killed() -> None:
    cell = ProcessCell(load_deadline=0.5)
    with pytest.raises(CellFailed) as caught:
        cell.load(PLAIN + "HUGE = 9 * sum(range(10 ** 12))\n", SCHEMA, "terms")
    assert caught.value.reason == "deadline"


def test_a_cell_that_is_killed_says_so(cell: ProcessCell) -> None:
    cell.load(PLAIN, SCHEMA, "terms")
    assert cell.pid is not None
    os.kill(cell.pid, signal.SIGKILL)
    with pytest.raises(CellFailed, match="SIGKILL") as caught:
        score(cell)
    assert caught.value.reason == "died"


def test_a_cell_that_is_killed_in_the_middle_of_a_call_says_so(cell: ProcessCell) -> None:
    cell.load(HANG, SCHEMA, "terms")
    assert cell.pid is not None
    killer = threading.Timer(0.3, os.kill, (cell.pid, signal.SIGKILL))
    killer.start()
    with pytest.raises(CellFailed, match="SIGKILL") as caught:
        score(cell)
    assert caught.value.reason == "died"
    cell.load(PLAIN, SCHEMA, "terms")
    assert score(cell)


@linux
@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "9 ** 9 ** 9",
        "for number in range(1, 32):\n    if number not in (9, 19):\n        signal.signal(number, signal.SIG_IGN)\n"
        "signal.pthread_sigmask(0, range(1, 32))\nsignal.setitimer(signal.ITIMER_REAL, 0)\nwhile True: time.sleep(1)",
    ],
    ids=["loop", "power", "deaf"],
)
def test_nothing_outlives_its_deadline(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr("autoreward.sandbox.process._BOOT", ESCAPED)
    cell = ProcessCell(load_deadline=0.3)
    cell.start()
    pid = cell.pid
    assert pid is not None
    with pytest.raises(CellFailed) as caught:
        cell.load(code, SCHEMA, "terms")
    assert caught.value.reason == "deadline" and gone(pid)


PARENT = """
import sys, threading, time
from autoreward.testing.cell import PLAIN, SCHEMA, episodes, sample
from autoreward.sandbox.contract import Memory
from autoreward.sandbox.isolation import Isolation
from autoreward.sandbox.process import ProcessCell
cell = ProcessCell(deadline=60.0)
load = lambda: cell.load(open(sys.argv[1]).read(), SCHEMA, "terms")
if sys.argv[2] == "a thread":
    thread = threading.Thread(target=load)
    thread.start()
    thread.join()
else:
    load()
print(cell.pid, flush=True)
cell.score(sample(1, 3), episodes(1, 3), Memory())
time.sleep(60)
"""


@pytest.mark.parametrize("source", [PLAIN, HANG], ids=["idle", "busy"])
@pytest.mark.parametrize("starter", ["the main thread", "a thread"])
def test_a_cell_does_not_outlive_its_parent(source: str, starter: str, tmp_path: Path) -> None:
    program = tmp_path / "reward.py"
    program.write_text(source)
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(program), starter], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    time.sleep(0.1)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone(pid)


def test_a_cell_outlives_the_thread_that_loaded_it(cell: ProcessCell) -> None:
    thread = threading.Thread(target=lambda: cell.load(PLAIN, SCHEMA, "terms"))
    thread.start()
    thread.join()
    time.sleep(0.1)
    assert score(cell)
