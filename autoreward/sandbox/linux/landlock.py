"""Landlock: the process gives up all files but those that Python and NumPy are loaded from.

Covered: every right over files that the kernel's version knows, reading of the interpreter's and NumPy's own folders
excepted (not running programs from them); TCP; signals and abstract UNIX sockets towards other processes.
Not covered: whether a file exists, rights and times of files, UDP, UNIX sockets by path before version 9, processes,
and threads that already run; the filters on system calls close these. It comes before NumPy, which starts threads.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable

from autoreward.sandbox.linux.syscalls import call

_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_RIGHTS = {1: (13, 0, 0), 2: (14, 0, 0), 3: (15, 0, 0), 4: (15, 2, 0), 5: (16, 2, 0), 6: (16, 2, 2), 9: (17, 2, 2)}
"""Version -> how many rights over files, over the network, and scopes there are; a version not named adds none."""
_PATH_BENEATH = 1
_VERSION = 1

_SYSTEM = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store", "/gnu/store")
_DETAILS = ("/etc/ld.so.cache", "/sys/devices/system/cpu")
"""Where libraries lie, and how many processors of which kind there are."""


def readable() -> list[str]:
    """What must be readable to import NumPy, RestrictedPython and this package: folders and files that exist."""
    paths = {*_SYSTEM, *_DETAILS, os.path.dirname(os.__file__)}
    paths |= {f"{prefix}/{folder}" for prefix in (sys.prefix, sys.base_prefix) for folder in ("lib", "lib64")}
    # An entry such as `.` or `/` would open everything.
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    paths |= {text for text in libraries if os.path.isabs(text) and os.path.realpath(text) != "/"}
    for package in ("numpy", "RestrictedPython"):
        paths |= {entry for entry in sys.path if os.path.isdir(f"{entry}/{package}")}
    # Of this package its own folder alone: beside it, in a checkout, may lie anything.
    paths.add(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))
    return sorted(path for path in paths if os.path.exists(path))


def restrict(paths: Iterable[str]) -> int:
    """Lock this thread, and what it starts from now on, for good.

    Args:
        paths: folders and files that stay readable.

    Returns:
        The version (ABI) of Landlock.

    Raises:
        OSError: the kernel lacks Landlock, has it switched off, or threads already run.
    """
    if len(os.listdir("/proc/self/task")) > 1:
        raise OSError("threads already run, which Landlock would not hold")
    version = call("landlock_create_ruleset", 0, 0, _VERSION)
    files, network, scopes = _RIGHTS[max(known for known in _RIGHTS if known <= version)]
    rights = struct.pack("=QQQ", *((1 << count) - 1 for count in (files, network, scopes)))
    size = 24 if scopes else 16 if network else 8
    ruleset = call("landlock_create_ruleset", _address(buffer := ctypes.create_string_buffer(rights)), size, 0)
    del buffer
    try:
        for path in paths:
            _allow(ruleset, path)
        call("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)
    return version


def _allow(ruleset: int, path: str) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights = _READ_FILE | (_READ_DIR if os.path.isdir(path) else 0)
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, descriptor))
        call("landlock_add_rule", ruleset, _PATH_BENEATH, _address(rule), 0)
    finally:
        os.close(descriptor)


def _address(buffer: ctypes.Array[ctypes.c_char]) -> int:
    return ctypes.addressof(buffer)
