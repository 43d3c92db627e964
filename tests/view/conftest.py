"""Runs in several states, and a server over them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autoreward.testing.folder import example_run
from autoreward.view.server import serve

DONE, OPEN = "2026-11-02T1200_reacher_aaaa", "sweep-small/reacher_seed0_base"
WORK = """
import sys, time
from pathlib import Path
from autoreward.store.folder import locked
with locked(Path(sys.argv[1])):
    print("at work", flush=True)
    time.sleep(600)
"""


@contextmanager
def at_work(run: Path) -> Iterator[Callable[[], None]]:
    """A process that is at work on a run; what is given kills it."""
    process = subprocess.Popen([sys.executable, "-c", WORK, str(run)], stdout=subprocess.PIPE, text=True)

    def kill() -> None:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    try:
        assert process.stdout and process.stdout.readline() == "at work\n"
        yield kill
    finally:
        if process.poll() is None:
            kill()
        assert process.stdout
        process.stdout.close()


def make_runs(runs: Path) -> Path:
    """A finished run, one of a sweep that was killed, and a damaged one."""
    example_run(runs / DONE)
    example_run(runs / OPEN, finished=False)
    shutil.copytree(runs / DONE, runs / "damaged")
    (runs / "damaged" / "report.json").write_text('{"winner": ')
    return runs


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_runs(tmp_path_factory.mktemp("view") / "runs")


@pytest.fixture(scope="session")
def url(runs: Path) -> Iterator[str]:
    with serve(runs) as served:
        yield served.url
