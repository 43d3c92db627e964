"""Runs of a sweep are threads, and several of them may write their first page at the same time."""

from __future__ import annotations

import subprocess
import sys

PAGES = """
import sys, threading
from autoreward.report.colours import python
sys.setswitchinterval(1e-6)
faults = []
threading.excepthook = faults.append
threads = [threading.Thread(target=python, args=(f"a = {n}", 1000)) for n in range(6)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
sys.exit(str(faults) if faults else 0)
"""


def test_programs_are_coloured_by_several_threads() -> None:
    for _ in range(4):  # what is imported late is imported by all of them: one time in two, that failed
        done = subprocess.run([sys.executable, "-c", PAGES], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
