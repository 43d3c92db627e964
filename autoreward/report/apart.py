"""Drawing in a process of its own: OpenGL can abort a process, and whatever goes wrong becomes a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from autoreward.engine.processes import worker_environment
from autoreward.errors import UserError
from autoreward.records import Record, RecordT, read_record, write_record

TIMEOUT = 120
"""Seconds for the whole drawing, start of Python and OpenGL included, where the caller does not say."""
BACKENDS = ("egl", "osmesa")
"""Tried in this order for MuJoCo where MUJOCO_GL does not say which."""
NO_GL = (
    "MuJoCo needs OpenGL: on Debian, apt install libegl1 libgl1-mesa-dri (or libosmesa6); `autoreward doctor` tries it"
)


class Drawn(Record):
    """What the drawing process answers."""

    error: str = ""
    """Empty where the picture is there."""
    mujoco: bool = False
    """Whether MuJoCo was to draw, so that a missing OpenGL may be why it did not."""


def draw_apart(module: str, job: Record, env_id: str, seconds: float = TIMEOUT) -> None:
    """Have a module draw, with the first of MuJoCo's ways to reach OpenGL that works.

    Args:
        module: run as `python -m MODULE ASKED ANSWERED`; its main program is `answer`.
        job: what it is told.
        env_id: of the environment, for the message.
        seconds: until it counts as stuck.

    Raises:
        UserError: nothing could be drawn on this machine; the message says what is missing.
    """
    asked = os.environ.get("MUJOCO_GL")
    with tempfile.TemporaryDirectory(prefix="autoreward-picture-") as folder:
        for backend in [asked] if asked else BACKENDS:
            drawn = _attempt(module, job, Path(folder), backend, seconds)
            if not drawn.error:
                return
            if not drawn.mujoco:
                break
    told = drawn.error if drawn.error.startswith(env_id) else f"{env_id} cannot be drawn: {drawn.error}"
    raise UserError(told + (f". {NO_GL}" if drawn.mujoco else ""))


def _attempt(module: str, job: Record, folder: Path, backend: str, seconds: float) -> Drawn:
    asked, answered = folder / "job.json", folder / "answer.json"
    write_record(asked, job)
    answered.unlink(missing_ok=True)
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, str(asked), str(answered)],
            env={**worker_environment(), "MUJOCO_GL": backend, "SDL_VIDEODRIVER": "dummy"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Drawn(error=f"it took longer than {seconds:.0f} s", mujoco=True)
    except OSError as error:
        return Drawn(error=f"the drawing process did not start: {error}")
    if answered.exists():
        return read_record(answered, Drawn)
    return Drawn(error=f"the drawing process died (exit {done.returncode})", mujoco=True)


def answer(asked: Path, answered: Path, model: type[RecordT], draw: Callable[[RecordT], None]) -> None:
    """The drawing process: read the job, draw, answer."""
    error = ""
    try:
        draw(read_record(asked, model))
    except Exception as fault:  # OpenGL, pygame and environments raise whatever they like
        error = " ".join(str(fault).split()).rstrip(".") or type(fault).__name__
    # MuJoCo counts as loaded where its import failed for want of OpenGL, too: one of its parts then stays behind.
    drawn = Drawn(error=error, mujoco=any(name.partition(".")[0] == "mujoco" for name in sys.modules))
    write_record(answered, drawn)
