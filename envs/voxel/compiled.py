"""Compiled copies of the kernels' functions, kept in a folder that belongs to exactly these sources.

numba looks only at the file of the function itself to tell whether a kept compilation is still good, not at what it
calls or at the tables that it reads; so the folder's name carries a hash of all of them. It lies in `NUMBA_CACHE_DIR`
where that is set, else beside the package, else in the user's cache folder; where nothing can be written, in a folder
that ends with the process. No folder that others can write is used: what lies there is run.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import numba

from autoreward.envs.voxel import columns, kernel, loops, steps, tables, view

MODULES = (kernel, steps, view)
"""The scalar bodies, in the order in which they use one another."""


def compiled(
    modules: tuple[ModuleType, ...], compiler: Callable[[Any], Any], using: SimpleNamespace | None = None
) -> SimpleNamespace:
    """Every function of the modules, compiled, calling the compiled forms of the others.

    Args:
        modules: in the order in which they use one another.
        compiler: such as `numba.njit`.
        using: functions that are compiled already.
    """
    scope: dict[str, Any] = {}
    for module in modules:
        scope |= vars(module)
    found: dict[str, Any] = dict(vars(using)) if using is not None else {}
    scope |= found
    for module in modules:
        for name, value in vars(module).items():
            if isinstance(value, FunctionType) and value.__module__ == module.__name__:
                copy = FunctionType(value.__code__, scope, name, value.__defaults__)
                copy.__module__ = module.__name__
                found[name] = scope[name] = compiler(copy)
    return SimpleNamespace(**found)


@functools.cache
def cpu() -> SimpleNamespace:
    """The loops and what they call, for the CPU. They let other threads run (no GIL)."""
    with kept_in(cache_folder()):
        return compiled((*MODULES, loops), numba.njit(cache=True, nogil=True, error_model="numpy"))


@contextlib.contextmanager
def kept_in(folder: Path) -> Iterator[None]:
    """Have numba keep what is decorated here in a folder."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


@functools.cache
def cache_folder() -> Path:
    """A folder of the user's own for exactly these sources."""
    name = f"voxel-{_digest()}"
    given = os.environ.get("NUMBA_CACHE_DIR")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    choices = [Path(given)] if given else [Path(__file__).parent / "__pycache__", cache / "autoreward"]
    for choice in choices:
        folder = choice / name
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.access(folder, os.W_OK) and _own(folder):
                return folder
    return Path(_process_folder().name)


def _own(folder: Path) -> bool:
    """Whether nobody else can have put anything there."""
    state = folder.stat()
    return not hasattr(os, "getuid") or (state.st_uid == os.getuid() and not state.st_mode & 0o022)


@functools.cache
def _process_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="autoreward-numba-")


def _digest() -> str:
    files = [Path(str(module.__file__)) for module in (columns, tables, *MODULES, loops)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
