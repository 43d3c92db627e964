"""The level is what a cell has witnessed: each layer alone, and as root and as a user without rights."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autoreward.sandbox.isolation import Isolation, IsolationTooWeak, level_of
from autoreward.sandbox.process import ProcessCell, witness
from autoreward.testing.cell import PLAIN, SCHEMA
from tests.sandbox.linux.conftest import Run

Unprivileged = Callable[..., subprocess.CompletedProcess[str]]
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what Linux offers")
ALONE = {
    "": "A",
    "namespaces": "A",
    "landlock": "B",
    "namespaces,landlock": "B",
    "seccomp": "C",
    "namespaces,landlock,seccomp": "C",
}
FILES_AND_PARENT = {
    *("read a file", "list a folder", "write a file", "TCP", "execve", "parent's environment", "parent's memory"),
    *("read from the parent", "signal to the parent"),
}
"""What Landlock denies by itself."""


@pytest.mark.any_user
@linux
def test_level_a_is_reached_here() -> None:
    found = witness()
    assert found.level == "A" and found.filters == 2 and found.landlock >= 1
    assert all(found.probes.values()) and len(found.probes) >= 13
    assert found.limits["DATA"] == 1 << 30 and found.limits["FSIZE"] == found.limits["CORE"] == 0
    assert found.system.startswith("Linux")


@linux
def test_a_user_without_rights_reaches_level_a_and_the_cell_keeps_its_contract(unprivileged: Unprivileged) -> None:
    found = unprivileged(
        "import os\n"
        "from autoreward.sandbox.process import ProcessCell, witness\n"
        "from autoreward.testing.conformance import check_cell\n"
        "assert witness().level == 'A' and witness().limits['NPROC'] == 0, witness()\n"
        "check_cell(lambda: ProcessCell(deadline=1.0), every=40)\n"
        "print(os.geteuid())"
    )
    assert found.returncode == 0, found.stderr
    assert int(found.stdout) != 0, "it was not root who tried"


ORPHAN = """
import os, signal, sys, threading
from autoreward.sandbox.process import ProcessCell
cell = ProcessCell()
thread = threading.Thread(target=cell.start)
thread.start()
thread.join()
print(cell.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@linux
def test_a_cell_of_a_user_without_rights_ends_with_its_parent(unprivileged: Unprivileged) -> None:
    pid = int(unprivileged(ORPHAN).stdout)
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.05)
    raise AssertionError("the cell has outlived its parent")


@linux
@pytest.mark.parametrize("without", ALONE)
def test_each_layer_is_worth_what_it_is(run: Run, without: str) -> None:
    found, _, _ = run("", without)
    probes = found["probes"]
    assert level_of(probes, found["filters"], found["landlock"]) == ALONE[without]
    if "seccomp" not in without:
        assert all(probes.values()), "the filters alone deny everything"
    elif "landlock" not in without:
        assert {name for name, denied in probes.items() if denied} >= FILES_AND_PARENT
        assert not probes["UDP"] and not probes["executable memory"]
    else:
        assert not probes["read a file"] and not probes["write a file"] and not probes["executable memory"]
    assert set(found["missing"]) >= set(without.split(",")) - {""}, "what is left out is said"


@pytest.mark.any_user
@linux
def test_a_cell_below_the_level_asked_for_is_refused_and_ended() -> None:
    cell = ProcessCell(without=("seccomp",))
    with pytest.raises(IsolationTooWeak, match=r"level C.*--isolation C"):
        cell.load(PLAIN, SCHEMA, "terms")
    assert cell.pid is None
    assert cell.isolation is not None and cell.isolation.level == "C"
    accepting = ProcessCell(without=("seccomp",), least="C")
    accepting.load(PLAIN, SCHEMA, "terms")
    accepting.close()


@linux
def test_a_cell_is_started_once() -> None:
    cell = ProcessCell()
    assert cell.isolation is None
    first = cell.start()
    pid = cell.pid
    assert cell.start() is first and cell.pid == pid
    cell.load(PLAIN, SCHEMA, "terms")
    assert cell.pid == pid and cell.isolation is first
    cell.close()


def test_one_filter_is_not_enough() -> None:
    denied = {"read a file": True}
    assert level_of(denied, 1, 7) == "C", "files are closed by the second one"
    assert level_of(denied, 2, 7) == "A" and level_of(denied, 2, 0) == "B"
    assert level_of({**denied, "TCP": False}, 2, 7) == "C" and level_of({}, 2, 7) == "C"


def test_what_was_witnessed_is_kept_as_a_record() -> None:
    found = Isolation(level="B", missing={"landlock": "Function not implemented"})
    assert Isolation.model_validate(json.loads(found.model_dump_json())) == found
