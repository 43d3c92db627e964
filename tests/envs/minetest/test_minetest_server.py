"""The server itself: what is missing or wrong is said, and nothing of it is left behind, whoever dies first."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from autoreward.envs.minetest.env import MinetestEnv
from autoreward.envs.minetest.server import Server, ServerDied, check_version, find
from autoreward.errors import UserError

OWN = """
import sys
from autoreward.envs.minetest.server import Server
server = Server()
print(server.pid, flush=True)
sys.stdin.read()
"""


def program(folder: Path, text: str) -> str:
    file = folder / "minetestserver"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return str(file)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid: int) -> bool:
    """Whether a process ends within some seconds."""
    deadline = time.monotonic() + 20
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_alive(pid)


def test_a_missing_server_is_named_with_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere is no program; type: apt-get install minetest-server"):
        MinetestEnv("diamond_lava", server=str(tmp_path / "nowhere")).reset(seed=0)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("autoreward.envs.minetest.server.ELSEWHERE", str(tmp_path))
    with pytest.raises(UserError, match=r"no Minetest server is installed .*apt-get install minetest-server"):
        gymnasium.make("autoreward.envs.minetest.gym:autoreward/Minetest-DiamondLava-v0").reset(seed=0)


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ("Minetest 0.4.17 (Linux)", r"is Minetest 0\.4\.17; from 5\.4 on, below 6"),
        ("Minetest 5.3.0", "from 5.4 on"),
        ("Luanti 6.0.1", "below 6"),
        ("nginx version 1.2", "is no Minetest server"),
    ],
)
def test_another_version_or_program_is_refused(tmp_path: Path, shown: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Server(program(tmp_path, f"echo '{shown}'"))


def test_versions_that_fit(tmp_path: Path) -> None:
    assert check_version(program(tmp_path, "echo 'Minetest 5.6.1 (Linux)'")) == "Minetest 5.6.1"
    assert check_version(program(tmp_path, "echo Luanti 5.10.0")) == "Luanti 5.10.0"
    assert find(program(tmp_path, "")) == str(tmp_path / "minetestserver")


def test_a_server_that_ends_at_once_is_told_with_its_words(tmp_path: Path) -> None:
    text = 'if [ "$1" = --version ]; then echo Minetest 5.6.1; else echo "ERROR[Main]: Game not found" >&2; exit 1; fi'
    with pytest.raises(UserError, match=r"does not start: .*it ended.*Game not found.*apt-get install"):
        Server(program(tmp_path, text))


def test_another_mod_is_refused(tmp_path: Path) -> None:
    text = 'if [ "$1" = --version ]; then echo Minetest 5.6.1; exit; fi\n'
    text += 'out=$(sed -n "s/autoreward_out = //p" "$2"); echo autoreward 0 5.6.1 > /dev/fd/$out; exec sleep 60'
    with pytest.raises(UserError, match=r"its mod says 'autoreward 0 5\.6\.1', not protocol 1"):
        Server(program(tmp_path, text))


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    """Before anything is started."""
    fits = program(tmp_path, "echo Minetest 5.6.1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        text = f"port {port}: .*in use; leave port out"
        with pytest.raises(UserError, match=text):
            Server(fits, port=port)
    with pytest.raises(UserError, match="port 99999"):
        Server(fits, port=99999)


def left_behind() -> list[Path]:
    """Folders of servers that this user's tests have started."""
    return list(Path(tempfile.gettempdir()).glob("autoreward-minetest-*"))


@pytest.fixture
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Temporary files of this process and of those that it starts lie where nobody else has any."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.mark.slow
@pytest.mark.usefixtures("own_folder")
def test_nothing_is_left_of_a_server_that_was_closed(installed: str) -> None:
    server = Server(installed)
    assert is_alive(server.pid)
    assert left_behind() == []  # it has read all that it needs, and nothing lies about while it runs
    server.close()
    server.close()
    assert not server.alive
    assert not is_alive(server.pid)
    assert left_behind() == []
    with pytest.raises(ServerDied, match="it was ended"):
        server.send("step 0")


@pytest.mark.slow
def test_a_server_lives_on_without_files(installed: str) -> None:
    """Minetest keeps a list of awake blocks in a file every 5 s; there is no folder for it."""
    knobs = {"size": (32, 32, 16), "min_distance": 5, "limit": 1000}
    env = MinetestEnv("hunt_cow", server=installed, knobs=knobs)
    env.reset(seed=0)
    begun = time.monotonic()
    while time.monotonic() - begun < 12:
        *_, info = env.step(np.int64(5))
    assert info["t"] > 20
    env.close()


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_server_that_dies_in_an_episode_is_told_and_replaced(
    installed: str, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    monkeypatch.setattr("autoreward.envs.minetest.server.ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(Server.read_line, "__defaults__", (1.0,))
    env = MinetestEnv("approach_tree", server=installed, knobs={"size": (32, 32, 16), "min_distance": 5})
    env.reset(seed=0)
    env.step(np.int64(1))
    assert env._server is not None
    pid = env._server.pid
    os.kill(pid, how)
    with pytest.raises(ServerDied, match=r"the Minetest server is gone: it (ended|does not answer)"):
        env.step(np.int64(1))
    assert not is_alive(pid)  # no zombie either
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(RuntimeError, match="reset first"):
        env.step(np.int64(1))
    env.reset(seed=0)
    env.step(np.int64(1))
    env.close()


@pytest.mark.slow
@pytest.mark.usefixtures("own_folder")
def test_a_server_ends_with_the_program_that_started_it(installed: str) -> None:
    """Also when that is killed and can clear nothing up."""
    with subprocess.Popen(
        [sys.executable, "-c", OWN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
    assert gone(pid)
    assert left_behind() == []


@pytest.mark.slow
def test_a_user_without_rights_may_run_one(
    installed: str, unprivileged: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    text = "from autoreward.envs.minetest.server import Server; s = Server(); s.close(); print('ended', s.version)"
    assert "ended Minetest" in (ran := unprivileged(text)).stdout, ran.stderr
