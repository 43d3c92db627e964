"""What the tests of a cell's process share: hostile code that has escaped the language, and looks at a process."""

import contextlib
import time
from pathlib import Path

import numpy as np

from autoreward.sandbox import process
from autoreward.sandbox.contract import Cell, Memory
from autoreward.testing.cell import episodes, sample

HANG = """
WEIGHTS = {"a": 1.0}
def compute_reward(state, action, next_state, memory):
    t = 0.0
    for i in range(10 ** 9):
        for j in range(10 ** 9):
            t += i * j
    return {"a": t}
"""

# A real cell, locked as ever, that runs what it is given as plain Python: code that has escaped the language.
ESCAPED = (
    process._BOOT.partition("from autoreward.sandbox.child")[0]
    + """
import ctypes, gc, mmap, os, resource, signal, socket, struct, time
from autoreward.sandbox import child
from autoreward.sandbox.linux.syscalls import call
loaded = child._load
def load():
    loaded()
    from autoreward.sandbox import serve
    def run(session, fields):
        exec(fields["source"], {**globals(), "tell": tell})
    def tell(value):
        raise serve.Fault(str(value))
    serve._Session._load = run
child._load = load
child.main()
"""
)


def score(cell: Cell, rows: int = 3) -> dict[str, np.ndarray]:
    return cell.score(sample(1, rows), episodes(1, rows), Memory()).terms


def gone(pid: int, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]:
                time.sleep(0.02)
                continue
        return True
    return False
