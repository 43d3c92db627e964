"""How long a cell's process may take: by its own CPU time, so that a busy machine is no program's fault."""

from __future__ import annotations

import time

PATIENCE = 15.0
"""Times its seconds that a call may take by the wall: on a machine so busy, or from a process that only sleeps."""


class Deadline:
    """Passes when a process has used so many seconds of CPU time, or `PATIENCE` times as many have gone by.

    Where the system tells no CPU time of other processes, it passes after the seconds themselves.
    """

    def __init__(self, seconds: float, process: int) -> None:
        """Begin now.

        Args:
            seconds: that the call may take.
            process: id of the process that is waited for.
        """
        began = time.monotonic()
        self._ends, self._at_most = began + seconds, began + PATIENCE * seconds
        self._seconds, self._process, self._before = seconds, process, cpu_seconds(process)

    def remaining(self) -> float:
        """Seconds that may be waited before this is asked again; none: it has passed."""
        now = time.monotonic()
        if now < self._ends:  # a process cannot use more
            return self._ends - now
        spent = cpu_seconds(self._process)
        if self._before is None or spent is None:
            return 0.0
        return min(self._before + self._seconds - spent, self._at_most - now)


def cpu_seconds(process: int) -> float | None:
    """CPU time that a process has used, all its threads together; None where the system does not tell."""
    clock = (~process << 3) | 2  # what clock_getcpuclockid(3) gives on Linux
    try:
        return time.clock_gettime(clock)
    except (OSError, AttributeError):
        return None
