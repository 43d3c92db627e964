"""The self-test of a cell: it tries what a program must not be able to do, and reports what was denied.

Covered: files, network, processes, code made at run time, and the parent. A probe counts as denied only when the kernel
refused it (EPERM, EACCES); an attempt that failed otherwise would have been allowed. Each attempt is harmless where it
succeeds. Not covered: calls that kill the process in a locked cell; the tests try those.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Callable

from autoreward.sandbox.linux.syscalls import call

_AF_UNIX, _AF_INET, _STREAM, _DATAGRAM = 1, 2, 1, 2
_PROT_ALL, _MAP_PRIVATE_ANONYMOUS = 7, 0x22
_NOWHERE = 1
"""An address at which nothing is mapped."""


def targets() -> tuple[str, str]:
    """A file that this process can read, and one that it could make: to be found before it is locked."""
    readable = next(path for path in ("/etc/passwd", "/etc/hostname", "/dev/null") if os.access(path, os.R_OK))
    folder = next((path for path in ("/tmp", "/dev/shm", "/var/tmp") if os.access(path, os.W_OK)), "/tmp")
    return readable, f"{folder}/autoreward-probe-{os.getpid()}"


def probe(readable: str, writable: str) -> dict[str, bool]:
    """Try everything: probe -> whether it was denied."""
    parent = os.getppid()
    attempts: dict[str, Callable[[], object]] = {
        "read a file": lambda: _open(readable),
        "list a folder": lambda: _open("/"),
        "write a file": lambda: _make(writable),
        "TCP": lambda: _connect(_AF_INET, _STREAM),
        "UDP": lambda: _connect(_AF_INET, _DATAGRAM),
        "UNIX socket": lambda: _connect(_AF_UNIX, _STREAM),
        "fork": _fork,
        "execve": _execute,
        "executable memory": _map_executable,
        "parent's environment": lambda: _open(f"/proc/{parent}/environ"),
        "parent's memory": lambda: _open(f"/proc/{parent}/mem"),
        "read from the parent": lambda: _read_process(parent),
        "signal to the parent": lambda: os.kill(parent, 0),
    }
    return {name: _is_denied(attempt) for name, attempt in attempts.items()}


def _is_denied(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _open(path: str) -> None:
    os.close(os.open(path, os.O_RDONLY))


def _make(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    os.unlink(path)


def _connect(family: int, kind: int) -> None:
    """To a port of this machine, or an abstract name, at which nobody listens."""
    port = struct.pack("=HH4s8x", family, 0x0900, bytes((127, 0, 0, 1)))
    name = struct.pack("=H", family) + b"\0autoreward-probe"
    address = ctypes.create_string_buffer(port if family == _AF_INET else name)
    descriptor = call("socket", family, kind, 0)
    try:
        call("connect", descriptor, ctypes.addressof(address), len(address) - 1)
    finally:
        os.close(descriptor)


def _fork() -> None:
    if (child := os.fork()) == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _execute() -> None:
    """A program that may be run, with arguments that lie nowhere, so that it does not take this one's place."""
    path = ctypes.create_string_buffer(os.fsencode(sys.executable))
    call("execve", ctypes.addressof(path), _NOWHERE, 0)


def _map_executable() -> None:
    size = 4096
    call("munmap", call("mmap", 0, size, _PROT_ALL, _MAP_PRIVATE_ANONYMOUS, -1, 0), size)


def _read_process(process: int) -> None:
    """A byte at an address where nothing lies: the right to read is checked first."""
    byte = ctypes.create_string_buffer(1)
    here = ctypes.create_string_buffer(struct.pack("=QQ", ctypes.addressof(byte), 1))
    there = ctypes.create_string_buffer(struct.pack("=QQ", _NOWHERE, 1))
    call("process_vm_readv", process, ctypes.addressof(here), 1, ctypes.addressof(there), 1, 0)
