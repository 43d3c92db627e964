"""A headless Minetest server of one's own: started, spoken to over two pipes, ended.

Covered: it listens on this machine only, keeps its world in memory (what it has read to start is removed at once, so
nothing is left whoever dies first), answers in time or is ended, and ends by itself when this process is gone.
Not covered: the server is a program of the user's with the user's rights; its mod may open files, as Minetest's trusted
mods may.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time
import weakref
from pathlib import Path
from typing import IO

from autoreward.errors import AutorewardError, UserError

MOD = Path(__file__).parent / "mod"
PROTOCOL = 1
"""Of the mod: raised when what it is told or tells changes."""
OLDEST, NEWEST = (5, 4), (5, 99)
"""Versions of the server that have what the mod uses."""
START_SECONDS, ANSWER_SECONDS = 60.0, 30.0
TICK = 0.01
"""Seconds between two looks of the server whether a tick is due; the network makes it wait longer than that."""
PROGRAMS = ("minetestserver", "luantiserver")
ELSEWHERE = "/usr/games"
"""Where Debian puts it, which is not in everybody's path."""
INSTALL = "type: apt-get install minetest-server minetest-data   (or your system's package with Minetest Game)"


class ServerDied(AutorewardError):
    """The Minetest server ended, or did not answer; the message has its last words."""


class Server:
    """A running server.

    Args:
        program: the server's file; None finds an installed one.
        port: UDP port on 127.0.0.1 that it takes; None: any free one.

    Raises:
        UserError: there is no server, it is of another version, the port is taken, or it does not start.
    """

    def __init__(self, program: str | None = None, port: int | None = None) -> None:
        file = find(program)
        self.version = check_version(file)
        port = _free_port(port)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the server
        (inner_in, self._to), (self._from, inner_out) = os.pipe(), os.pipe()
        os.set_blocking(self._to, False)
        self._rest = b""
        with tempfile.TemporaryDirectory(prefix="autoreward-minetest-") as folder:
            try:
                command = _prepare(Path(folder), file, port, inner_in, inner_out)
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=self._log,
                    stderr=self._log,
                    pass_fds=(inner_in, inner_out),
                    cwd="/",
                    env={**os.environ, "HOME": folder, "MINETEST_USER_PATH": folder},
                )
            finally:
                os.close(inner_in)
                os.close(inner_out)
            self._end = weakref.finalize(self, _end, self._process, (self._to, self._from))
            self._greet(file)

    def _greet(self, file: str) -> None:
        try:
            hello = self.read_line(START_SECONDS).split()
        except ServerDied as error:
            raise UserError(f"{file} does not start: {error}; {INSTALL}") from None
        if hello[:2] != ["autoreward", str(PROTOCOL)]:
            self.close()
            raise UserError(f"{file}: its mod says {' '.join(hello)!r}, not protocol {PROTOCOL}; reinstall autoreward")

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    def send(self, line: str, content: bytes = b"") -> None:
        """Tell it a line, and what belongs to it.

        Raises:
            ServerDied: it is not there any more.
        """
        left = memoryview(line.encode() + b"\n" + content)
        deadline = time.monotonic() + ANSWER_SECONDS
        try:
            while left:
                self._await(deadline, writing=True)
                left = left[os.write(self._to, left) :]
        except (BrokenPipeError, OSError):
            raise self._died("it ended") from None

    def read_line(self, seconds: float = ANSWER_SECONDS) -> str:
        """What it answers.

        Raises:
            ServerDied: it ended, or says nothing for so long.
        """
        deadline, parts = time.monotonic() + seconds, [self._rest]
        while b"\n" not in parts[-1]:
            self._await(deadline, writing=False)
            try:
                parts.append(os.read(self._from, 1 << 20))
            except OSError:
                raise self._died("it was ended") from None
            if not parts[-1]:
                raise self._died("it ended")
        line, _, self._rest = b"".join(parts).partition(b"\n")
        return line.decode()

    def _await(self, deadline: float, writing: bool) -> None:
        if not self._end.alive:
            raise self._died("it was ended")
        left = max(deadline - time.monotonic(), 0)
        ready = select.select([] if writing else [self._from], [self._to] if writing else [], [], left)
        if not any(ready):
            raise self._died("it does not answer")

    def _died(self, how: str) -> ServerDied:
        self.close()
        words = _last_words(self._log)
        return ServerDied(f"the Minetest server is gone: {how}{words}; the next reset starts another one")

    @property
    def alive(self) -> bool:
        """Whether it can be spoken to."""
        return self._end.alive and self._process.poll() is None

    def close(self) -> None:
        """End it; a second time does nothing."""
        self._end()


def find(program: str | None = None) -> str:
    """The server's file.

    Raises:
        UserError: there is none; the message says how to get it.
    """
    paths = os.pathsep.join((os.environ.get("PATH", os.defpath), ELSEWHERE))
    for name in PROGRAMS if program is None else (program,):
        if (file := shutil.which(name, path=paths)) is not None:
            return file
    missing = f"{program} is no program" if program else f"no Minetest server is installed ({' or '.join(PROGRAMS)})"
    raise UserError(f"{missing}; {INSTALL}")


def check_version(file: str) -> str:
    """The server's version.

    Raises:
        UserError: it is too old or too new, or is no Minetest server.
    """
    try:
        shown = subprocess.run([file, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as error:
        raise UserError(f"{file} does not say its version: {error}") from None
    match = re.match(r"\s*(?:Minetest|Luanti)\s+(\d+)\.(\d+)\S*", shown)
    if match is None:
        raise UserError(f"{file} is no Minetest server: --version says {shown[:60].strip()!r}; {INSTALL}")
    if not OLDEST <= (int(match[1]), int(match[2])) <= NEWEST:
        raise UserError(f"{file} is {match[0].strip()}; from {'.'.join(map(str, OLDEST))} on, below 6, is needed")
    return match[0].strip()


def _free_port(wanted: int | None) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", wanted or 0))
        except (OSError, OverflowError) as error:
            raise UserError(f"port {wanted}: {error}; leave port out, and a free one is taken") from None
        return int(probe.getsockname()[1])


def _prepare(folder: Path, file: str, port: int, inbox: int, outbox: int) -> list[str]:
    """Write world and configuration; the command that starts the server."""
    world = folder / "world"
    shutil.copytree(MOD, world / "worldmods" / "autoreward")
    (world / "world.mt").write_text(
        "gameid = minetest\nauth_backend = files\n"
        "backend = dummy\nplayer_backend = dummy\nmod_storage_backend = dummy\n"  # nothing is kept on disk
    )
    settings = {
        "bind_address": "127.0.0.1",
        "server_announce": "false",
        "secure.trusted_mods": "autoreward",
        "autoreward_in": inbox,
        "autoreward_out": outbox,
        "mg_name": "singlenode",
        "dedicated_server_step": TICK,
        "liquid_update": 0,  # liquids flow on in each tick
        "abm_interval": 1e9,  # grass, fire and the like act by chance: no episode could be played again
        "nodetimer_interval": 1e9,
        "active_block_mgmt_interval": 0.05,
        "max_forceloaded_blocks": 4096,
        "server_unload_unused_data_timeout": 1e9,
        "server_map_save_interval": 1e9,
        "enable_damage": "true",
        "time_speed": 0,
    }
    (folder / "conf").write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    conf, log = str(folder / "conf"), str(folder / "engine.log")
    return [file, "--config", conf, "--world", str(world), "--port", str(port), "--logfile", log, "--quiet"]


def _last_words(log: IO[bytes]) -> str:
    """The first complaints in its log."""
    log.seek(0)
    words = re.findall(r"ERROR\S* +(.*)", log.read().decode(errors="replace"))
    return f" ({' / '.join(words[:3])})" if words else ""


def _end(process: subprocess.Popen[bytes], pipes: tuple[int, int]) -> None:
    """Let a server go: without its pipe it ends by itself, and is killed if it does not."""
    for pipe in pipes:
        os.close(pipe)
    try:
        process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
