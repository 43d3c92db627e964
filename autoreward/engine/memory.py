"""How much memory a process and its descendants take (Linux; elsewhere nothing is known, which counts as nothing)."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")


def memory_of(pid: int) -> int:
    """Bytes of memory of their own that a process and its descendants have in use; 0 where the process is gone.

    Without what several share: files, libraries, and the blocks between a trainer and its cell.
    """
    total, waiting = 0, [pid]
    while waiting:
        process = _PROC / str(waiting.pop())
        try:
            _, resident, shared, *_ = (process / "statm").read_text().split()
            total += (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
            for thread in (process / "task").iterdir():
                waiting += [int(child) for child in (thread / "children").read_text().split()]
        except OSError:  # it has ended meanwhile
            continue
    return total
