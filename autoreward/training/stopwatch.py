"""Where the time of a training goes."""

from __future__ import annotations

import time


class Stopwatch:
    """Adds up wall seconds by part: each `lap` gives its part the time since the lap before."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, part: str) -> None:
        """The time since the last lap went into this part."""
        now = time.perf_counter()
        self.seconds[part] = self.seconds.get(part, 0.0) + now - self._last
        self._last = now

    def resume(self, part: str, seconds: float) -> None:
        """So many seconds more went into this part; the rest of the time since the last lap was others'."""
        self.seconds[part] = self.seconds.get(part, 0.0) + seconds
        self._last = time.perf_counter()
