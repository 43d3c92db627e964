"""`doctor`: what this machine offers to autoreward."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from rich.text import Text

import autoreward
from autoreward.api import check_writable
from autoreward.commands.arguments import Command
from autoreward.display import new_console, table
from autoreward.errors import CellFailed, UserError
from autoreward.llm.failures import without_password
from autoreward.report.text import isolation_text
from autoreward.sandbox.isolation import is_enough

PACKAGES = ("gymnasium", "mujoco", "numpy", "torch", "stable-baselines3", "pydantic", "tyro", "openai")

_RENDER = """
import gymnasium
env = gymnasium.make("Reacher-v5", render_mode="rgb_array")
env.reset(seed=0)
assert env.render().std() > 0
"""
"""Run in a process of its own: where GL is broken, the renderer may take the process with it."""

_GPU = "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else '')"
"""Run in a process of its own, which has torch's import behind it and the GPU's memory free when it ends."""


class Doctor(Command):
    """Say what this machine offers: versions, cores, worlds, GPU, isolation, rendering, LLM endpoint, runs folder."""

    runs: Path = Path("runs")
    """Folder that holds run folders."""

    def execute(self) -> int:
        """Print the table; 0 where a run can start."""
        writable, runs = _runs(self.runs)
        rows = [
            ("autoreward", autoreward.__version__),
            ("python", f"{platform.python_version()} ({sys.executable})"),
            ("machine", f"{platform.system()} {platform.release()} {platform.machine()}"),
            ("cores", cores()),
            *((name, _version(name)) for name in PACKAGES),
            ("worlds", worlds()),
            ("GPU", gpu()),
            *isolation(),
            ("rendering", rendering()),
            ("LLM endpoint", endpoint()),
            ("runs folder", runs),
        ]
        console = new_console()
        console.print(table(("what", "here"), rows))
        if not writable:
            console.print(Text("a run cannot start: the runs folder cannot be written"))
        return 0 if writable else 1


def isolation() -> list[tuple[str, str]]:
    """What a cell witnesses here: its level, the kernel, and what became of each probe."""
    from autoreward.sandbox.process import witness

    try:
        found = witness()
    except CellFailed as error:
        return [("isolation", f"no reward program can be run: {error}")]
    kernel = f"{found.system}; Landlock {f'ABI {found.landlock}' if found.landlock else 'is not there'}"
    rows = [
        ("isolation", isolation_text(found)),
        ("cell", f"{kernel}; {found.filters} filters on system calls"),
        *((f"probe: {name}", "denied" if denied else "NOT DENIED") for name, denied in found.probes.items()),
    ]
    rows += [(f"missing: {layer}", why) for layer, why in found.missing.items()]
    if found.namespaces:
        rows.append(("namespaces", f"of its own: {', '.join(found.namespaces)}"))
    if not is_enough(found.level, "B"):
        rows.append(("programs", "those of a language model or your own are refused here without --isolation C"))
    return rows


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return f"missing; install it with: pip install {package}"


def cores() -> str:
    """Cores that this process may use, of those that there are."""
    there = os.cpu_count() or 1
    # Not every system can tie a process to some of its cores.
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else there
    return f"{usable} of {there}"


def worlds() -> str:
    """What steps MuJoCo's robots in a training."""
    version = re.match(r"(\d+)\.(\d+)", _version("mujoco"))  # not imported: it refuses to be where GL is set wrong
    if version is None or (int(version[1]), int(version[2])) < (3, 17):
        return "one by one, which is slower: mujoco.batch came with MuJoCo 3.17; pip install 'mujoco>=3.17'"
    return "MuJoCo's robots together (mujoco.batch, from MuJoCo 3.17 on); all else one by one"


def gpu() -> str:
    """Whether a training can use a GPU: torch's, and mujoco-warp's for the worlds."""
    from autoreward.envs.registry import MANY

    warp = "installed" if importlib.util.find_spec("mujoco_warp") else "not installed: pip install 'autoreward[gpu]'"
    found = subprocess.run([sys.executable, "-c", _GPU], capture_output=True, text=True, check=False).stdout.strip()
    used = f"{found}, used from {MANY:,} environments on" if found else "torch finds none, trainings use the CPU"
    return f"{used}; worlds on a GPU (mujoco-warp): {warp}"


def rendering() -> str:
    """Whether MuJoCo draws a picture here, and with which GL; tried in a process of its own."""
    from autoreward.report.apart import BACKENDS, NO_GL

    asked = os.environ.get("MUJOCO_GL")
    for backend in [asked] if asked else BACKENDS:
        try:
            done = subprocess.run(
                [sys.executable, "-c", _RENDER],
                env={**os.environ, "MUJOCO_GL": backend},
                capture_output=True,
                timeout=60,
                check=False,
            )
        except (subprocess.TimeoutExpired, OSError):
            continue
        if done.returncode == 0:
            return f"works with MUJOCO_GL={backend}"
    unset = f"MUJOCO_GL={asked} does not work here, unset it; " if asked else ""
    return f"none, pictures are skipped: {unset}{NO_GL.partition(';')[0]}"


def endpoint() -> str:
    """Whether a language model is configured; neither the key nor a URL's password is ever shown."""
    key, url = os.environ.get("OPENAI_API_KEY"), os.environ.get("OPENAI_BASE_URL")
    if not (key or url):
        return "none configured: the composer designs (set OPENAI_API_KEY, or OPENAI_BASE_URL, for the LLM)"
    where = shown_url(url) if url else "the default of the OpenAI SDK"
    return f"{where}, {'with a key' if key else 'without a key'}"


def shown_url(url: str) -> str:
    """An endpoint's URL without user and password; what does not read as one may be all password, and is left out."""
    try:
        shown = without_password(url)
        reads = urlsplit(shown).scheme in ("http", "https") and "@" not in shown
    except ValueError:
        reads = False
    return shown if reads else "(not the URL of an endpoint)"


def _runs(folder: Path) -> tuple[bool, str]:
    try:
        check_writable(folder)
    except UserError as error:
        return False, str(error)
    return True, f"{folder.resolve()} can be written"
