"""What a process may do to itself: hide from others, end with its parent, leave namespaces and capabilities behind.

Covered: no new privileges, no memory dump, death with the parent's thread, a network without interfaces.
Not covered: files and system calls; those are Landlock's and the filters'.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import struct

from autoreward.sandbox.linux.syscalls import call

_SET_DEATH_SIGNAL, _SET_DUMPABLE, _SET_NO_NEW_PRIVS = 1, 4, 38
_NAMESPACES = {"user": 0x1000_0000, "net": 0x4000_0000, "ipc": 0x0800_0000, "uts": 0x0400_0000}


def hide_process() -> None:
    """Keep other processes of this user, cells above all, from reading this one's environment and memory.

    It holds until the process runs another program, and not for processes that it starts: each worker calls it for
    itself. Debuggers and profilers can no longer attach, there are no core dumps, and `/proc/PID` belongs to root.
    Does nothing on systems other than Linux.
    """
    with contextlib.suppress(OSError):
        call("prctl", _SET_DUMPABLE, 0, 0, 0, 0)


def protect(parent: int) -> None:
    """No new privileges, no memory dump; with a `parent` (its process id), die with the thread that started this one.

    Raises:
        OSError: the kernel refuses.
    """
    call("prctl", _SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    call("prctl", _SET_DUMPABLE, 0, 0, 0, 0)
    if parent:
        call("prctl", _SET_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def own_namespaces() -> tuple[str, ...]:
    """Leave the parent's network, IPC and host name; as an ordinary user by way of a user namespace.

    Root keeps its own user namespace until `drop_capabilities`: it may have to read files of others to load Python.

    Raises:
        OSError: the system does not allow it, as many containers and Ubuntu do.
    """
    names = tuple(name for name in _NAMESPACES if name != "user" or os.geteuid() != 0)
    flags = 0
    for name in names:
        flags |= _NAMESPACES[name]
    call("unshare", flags)
    return names


def drop_capabilities() -> None:
    """Give up whatever root may do beyond an ordinary user.

    Raises:
        OSError: the kernel refuses.
    """
    version_3 = 0x2008_0522
    header = ctypes.create_string_buffer(struct.pack("=Ii", version_3, 0))
    nothing = ctypes.create_string_buffer(24)
    call("capset", ctypes.addressof(header), ctypes.addressof(nothing))
