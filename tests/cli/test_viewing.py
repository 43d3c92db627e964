"""`autoreward view` as a process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autoreward.cli import main
from autoreward.store.folder import locked
from autoreward.testing.folder import example_run
from tests.view.asking import ask


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_is_opened_in_the_browser_and_ends_when_it_is_told_to(tmp_path: Path, stop: signal.Signals) -> None:
    """Given one run, its report is what is opened."""
    run = example_run(tmp_path / "runs" / "run")
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/new && mv {tmp_path}/new {tmp_path}/opened\n')
    browser.chmod(0o755)
    one = stop == signal.SIGTERM
    (tmp_path / "kept").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "autoreward", "view", str(run if one else run.parent)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"BROWSER": f"{browser} %s", "TMPDIR": str(tmp_path / "kept")},
    )
    assert process.stdout
    address = process.stdout.readline().strip()
    url = address.removesuffix("run/run")
    assert (address != url) == one
    assert ">run</" in ask(url, "/").text
    assert "Ctrl-C ends it" in process.stdout.readline()
    process.send_signal(stop)
    rest, complaints = process.communicate(timeout=60)
    assert (process.returncode, rest, complaints) == (0, "", "")
    assert (tmp_path / "opened").read_text() == address + "\n"
    assert not list((tmp_path / "kept").iterdir()), "what it kept is deleted"


def test_bad_input_says_what_to_type(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", str(tmp_path / "none"), "--no-browser"]) == 2
    assert "start a run with `autoreward run reacher`" in capsys.readouterr().err
    assert main(["view", str(tmp_path), "--port", "99999", "--no-browser"]) == 2
    assert "--port 99999: input should be less than or equal to 65535" in capsys.readouterr().err


def test_a_run_at_work_is_not_told_to_be_resumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = example_run(tmp_path / "a run", finished=False)
    with locked(run):
        assert main(["inspect", str(run)]) == 0
    told = capsys.readouterr().out
    assert "a run: running: a process is at work on it" in told
    assert "resume" not in told
    assert main(["inspect", str(run)]) == 0
    assert f"not finished; go on with: autoreward resume '{run}'" in capsys.readouterr().out
