"""Other interpreters: an environment that needs other packages than autoreward's own names the Python it lives in.

A process belongs to one interpreter for all its life. Workers take on that of their job (`take_on`), and whoever only
looks at an environment (schema, probes, pictures) asks a process of its interpreter (`autoreward.envs.elsewhere`).
"""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import autoreward
from autoreward.environment import EnvSpec
from autoreward.errors import UserError
from autoreward.records import Record
from autoreward.sandbox.variables import THREADS, passed_on

NAMED = "AUTOREWARD_INTERPRETER"
"""Variable: what this process's interpreter is called by the pack that wanted it; `sys.executable` may differ."""
HOME = "AUTOREWARD_HOME_INTERPRETER"
"""Variable: the interpreter that autoreward was started with, where a worker has taken on another one."""
OWN = ("PYTHONHOME", "VIRTUAL_ENV")
"""Variables that belong to the interpreter that they were set for."""
START_SECONDS = 120
"""For an interpreter to say what it is: a cold disk on a cluster takes its time."""
_TELL = """
import importlib.metadata, json, platform
try:
    import autoreward, autoreward.records
    autoreward = autoreward.__version__
except ImportError as error:
    autoreward = "" if error.name == "autoreward" else str(error)
packages = {each.metadata["Name"]: each.version for each in importlib.metadata.distributions()}
print(json.dumps({"autoreward": autoreward, "versions": {"python": platform.python_version(), **packages}}))
"""


class About(Record):
    """What an interpreter says of itself."""

    autoreward: str
    """Its version; empty where there is none, and why where it cannot be imported."""
    versions: dict[str, str]
    """Of Python and of every package."""


def is_own(env: EnvSpec) -> bool:
    """Whether an environment is made in this process."""
    return env.python is None or env.python in (os.environ.get(NAMED), sys.executable)


def wanted(env: EnvSpec) -> str | None:
    """The interpreter that a worker has to take on before it can train in an environment; None: it has it."""
    if env.python is None:
        return os.environ.get(HOME)
    return None if is_own(env) else env.python


def take_on(env: EnvSpec, arguments: Sequence[str]) -> NoReturn:
    """Go on as `python ARGUMENTS` of the environment's interpreter, as the same process with the same descriptors.

    Raises:
        UserError: see `check`.
    """
    if env.python is None:
        python, told = os.environ[HOME], {}
    else:
        check(env)
        python, told = env.python, {NAMED: env.python, HOME: os.environ.get(HOME, sys.executable)}
    kept = {name: value for name, value in os.environ.items() if name not in (NAMED, HOME, *OWN)}
    os.execve(python, [python, *arguments], kept | told)


def start(python: str, arguments: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401 - of Popen
    """Start `python ARGUMENTS`; it knows what it is called, and none of this process's secrets.

    Raises:
        OSError: it cannot be started.
    """
    variables = {name: value for name, value in passed_on().items() if name not in OWN}
    one_thread = dict.fromkeys(THREADS, "1")
    return subprocess.Popen([python, *arguments], env={**variables, **one_thread, NAMED: python}, **options)


def packages() -> dict[str, str]:
    """Versions of Python and of all packages of this process's interpreter."""
    found = {each.metadata["Name"]: each.version for each in importlib.metadata.distributions()}
    return {"python": platform.python_version(), **{name: found[name] for name in sorted(found)}}


def check(env: EnvSpec) -> Mapping[str, str]:
    """Ask an environment's interpreter what it is: its versions; `env.python` is given.

    Raises:
        UserError: there is none, or autoreward of this version is not in it; the message says what to type.
    """
    assert env.python is not None
    return _checked(env.python, env.install)


@functools.cache
def _checked(python: str, install: str) -> Mapping[str, str]:
    about = _about(python, install)
    if about.autoreward == autoreward.__version__:
        return about.versions
    if not about.autoreward:
        fault = "has no autoreward"
    elif about.autoreward[0].isdigit():
        fault = f"has autoreward {about.autoreward}, and this is {autoreward.__version__}"
    else:
        fault = f"cannot import its autoreward ({about.autoreward})"
    raise UserError(f"the interpreter {python} {fault}; type: {_typed(python, install)}")


def _about(python: str, install: str) -> About:
    if not os.path.isfile(python):
        there = "is no file" if os.path.exists(python) else "is not there"
        made = install or f"python3 -m venv {_venv_of(python)} && {_typed(python, '')}"
        raise UserError(f"the interpreter {python} that the environment's pack names {there}; type: {made}")
    try:
        # -P: what is imported must be installed there, and not just lie in the folder at hand.
        process = start(python, ["-P", "-c", _TELL], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with process:
            try:
                out, errors = process.communicate(timeout=START_SECONDS)
            finally:
                process.kill()
        return About.model_validate_json(out)
    except OSError as error:
        said = error.strerror or str(error)
    except subprocess.TimeoutExpired:
        said = f"no answer in {START_SECONDS} s"
    except ValueError:
        lines = [line for line in errors.decode(errors="replace").splitlines() if line.strip()]
        said = (lines or [f"exit code {process.returncode}"])[-1]
    what = f"the interpreter {python} that the environment's pack names is no Python 3.11 or newer"
    raise UserError(f"{what} ({said[:200]}); {f'type: {install}' if install else 'name another one in the pack'}")


def _venv_of(python: str) -> str:
    """The virtual environment that would have its interpreter there."""
    return shlex.quote(str(Path(python).parent.parent))


def _typed(python: str, install: str) -> str:
    """What brings autoreward of this version into an interpreter."""
    root = Path(autoreward.__file__).resolve().parent.parent
    source = f"--editable {shlex.quote(str(root))}" if (root / "pyproject.toml").is_file() else ""
    return install or f"{shlex.quote(python)} -m pip install {source or f'autoreward=={autoreward.__version__}'}"
