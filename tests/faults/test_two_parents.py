"""Two processes on one run: the second is refused, and told who holds it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sweeping import begin, write_sweep

from autoreward.errors import UserError
from autoreward.store.folder import locked


def test_the_second_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    holder = f"process {os.getpid()} on {socket.gethostname()}, since 20"
    for _ in range(2):  # the name of one who has ended is no hindrance
        with locked(tmp_path), pytest.raises(UserError) as refused, locked(tmp_path):
            pytest.fail("two hold one folder")
        assert holder in str(refused.value)


def test_what_a_folder_from_elsewhere_says_is_not_shown(tmp_path: Path) -> None:
    with locked(tmp_path):
        (tmp_path / ".lock").write_text("process \x1b[31mred")
        with pytest.raises(UserError, match=rf"at work on {tmp_path}; wait"), locked(tmp_path):
            pytest.fail("two hold one folder")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_neither_a_second_sweep_nor_a_resume_disturbs_a_sweep_under_way(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    process = begin(tmp_path)
    while not list(tmp_path.glob("sweep/*/trainings/*/progress.json")):
        assert process.exitcode is None, (tmp_path / "said").read_text()
        time.sleep(0.01)
    run = next(tmp_path.glob("sweep/*/run.json")).parent
    second = begin(tmp_path)
    trust = ["--trust", "autoreward.testing.trainer:LineEnv", "short:Short"]
    path = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    typed = [sys.executable, "-m", "autoreward", "resume", str(run), *trust]
    resumed = subprocess.run(typed, capture_output=True, text=True, check=False, env=path)
    process.join(200)
    second.join(60)
    said = (tmp_path / "said").read_text()
    assert (process.exitcode, second.exitcode, resumed.returncode) == (0, 2, 2), said + resumed.stderr
    holder = f"process {process.pid} on {socket.gethostname()}"
    assert f"at work on sweep ({holder}" in said
    assert holder in resumed.stderr
