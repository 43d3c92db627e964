"""A kernel that lacks something, for real: `python -m tests.weak landlock seccomp -- COMMAND` runs a command in which
these system calls fail as they do on older kernels. A filter on system calls refuses them, and passes on to children.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Sequence

from autoreward.sandbox.linux.syscalls import machine

PRCTL_SECCOMP, SET_SECCOMP, NO_NEW_PRIVS = 22, 2, 38
LOAD, EQUAL, RETURN, ALLOW, ERRNO = 0x20, 0x15, 0x06, 0x7FFF_0000, 0x0005_0000
ENOSYS = 38


def weaken(missing: Sequence[str]) -> None:
    """Take `landlock`, `seccomp` from this process and from all that it starts."""
    refused = {"landlock": ["landlock_create_ruleset"], "seccomp": ["seccomp"]}
    code = [(LOAD, 0, 0, 0)]
    for layer in missing:
        for name in refused[layer]:
            code += [(EQUAL, 0, 1, machine().numbers[name]), (RETURN, 0, 0, ERRNO | ENOSYS)]
    if "seccomp" in missing:  # which has an older name
        code += [(EQUAL, 0, 3, machine().numbers["prctl"]), (LOAD, 0, 0, 16)]
        code += [(EQUAL, 0, 1, PRCTL_SECCOMP), (RETURN, 0, 0, ERRNO | ENOSYS)]
    code.append((RETURN, 0, 0, ALLOW))
    text = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in code))
    program = ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", len(code), ctypes.addressof(text)))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert libc.prctl(PRCTL_SECCOMP, SET_SECCOMP, ctypes.byref(program)) == 0, os.strerror(ctypes.get_errno())


def weak(missing: str, *command: str) -> list[str]:
    """The command that runs a command on such a kernel; `missing` as `landlock seccomp`."""
    return [sys.executable, "-m", "tests.weak", *missing.split(), "--", *command]


if __name__ == "__main__":
    assert platform.system() == "Linux"
    end = sys.argv.index("--")
    weaken(sys.argv[1:end])
    os.execvp(sys.argv[end + 1], sys.argv[end + 1 :])
