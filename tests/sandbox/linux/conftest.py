"""Code that has escaped the reward language: plain Python, with all modules it likes, in a process locked as a cell is.

`PARENT` is what holds the secret and starts such a process, as a worker starts a cell; it is run by `-c`, as root or as
a user without rights. Its arguments: layers to leave out, comma-separated; whether it hides itself; the code; code that
runs before the lock.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = str(Path(__file__).parents[3])
CANARY = "canary-4711"

LOCKED = """
import sys
sys.path.insert(0, sys.argv[1]); import autoreward; sys.path.append(sys.path.pop(0))
import ctypes, errno, gc, json, mmap, os, resource, signal, socket, struct, subprocess, threading, time, traceback
from autoreward.sandbox import child
from autoreward.sandbox.linux.syscalls import call, machine
reply = os.dup(1)
exec(sys.argv[4])
witnessed, _ = child.shut_in(1 << 28, os.getppid(), sys.argv[2].split(","))
results = {}
def attempt(name, function):
    try:
        results[name] = repr(function())
    except OSError as error:
        results[name] = errno.errorcode[error.errno]
    except BaseException as error:
        results[name] = type(error).__name__
exec(sys.argv[3])
os.write(reply, json.dumps([witnessed, results]).encode())
"""

PARENT = """
import os, subprocess, sys
from autoreward.sandbox.linux.process import hide_process
from autoreward.sandbox.launch import environment
if sys.argv[2] == "hidden":
    hide_process()
command = [sys.executable, "-I", "-B", "-c", LOCKED, ROOT, sys.argv[1], sys.argv[3], sys.argv[4]]
sys.exit(abs(subprocess.run(command, env=environment(), cwd="/", start_new_session=True).returncode))
"""
PARENT = f"LOCKED, ROOT = {LOCKED!r}, {ROOT!r}\n" + PARENT

Run = Callable[..., tuple[dict[str, Any], dict[str, str], int]]
"""`run(code, without="", hidden=False, before="")` -> what it witnessed, what its attempts gave, exit code."""


def as_me(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Like the fixture `unprivileged`, as the user who runs the tests."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, env=environment
    )


@pytest.fixture(params=["me", "nobody"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs code in a locked process, as the user who runs the tests (often root) and as one without rights."""
    start = request.getfixturevalue("unprivileged") if request.param == "nobody" else as_me

    def run(
        code: str, without: str = "", hidden: bool = False, before: str = ""
    ) -> tuple[dict[str, Any], dict[str, str], int]:
        hide = "hidden" if hidden else "open"
        found = start(PARENT, without, hide, code, before, AUTOREWARD_CANARY=CANARY, OMP_NUM_THREADS="1")
        assert CANARY not in found.stdout + found.stderr, "the secret has left"
        if not found.stdout:
            return {}, {"stderr": found.stderr}, found.returncode
        witnessed, results = json.loads(found.stdout)
        return witnessed, results, found.returncode

    return run
