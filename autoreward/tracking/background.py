"""A sink that is told by a thread of its own, since a network may be slow and a search shall not wait for it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping

from autoreward.tracking.contract import Sink

PATIENCE = 60.0
"""Seconds that the end of a run waits for what has not been sent."""


class Background:
    """A `Sink` before another one. What that one raises is raised by the next call here, whatever that tells."""

    def __init__(self, sink: Sink, patience: float = PATIENCE) -> None:
        self.id = sink.id
        self._sink, self._patience = sink, patience
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._fault: Exception | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
        self._thread.start()

    def scalars(self, series: str, step: int, values: Mapping[str, float]) -> None:
        """Later."""
        self._later(lambda: self._sink.scalars(series, step, values))

    def text(self, name: str, text: str) -> None:
        """Later."""
        self._later(lambda: self._sink.text(name, text))

    def close(self, finished: bool) -> None:
        """Wait until all is sent.

        Raises:
            TimeoutError: it is not, within the patience that there is.
        """

        def end() -> None:
            self._closed = True
            self._sink.close(finished)

        self._later(end)
        self._thread.join(self._patience)
        if self._thread.is_alive():
            raise TimeoutError(f"not all was sent within {self._patience:g} s")
        if self._fault:
            raise self._fault

    def _later(self, call: Callable[[], None]) -> None:
        if self._fault:
            raise self._fault
        self._calls.put(call)

    def _work(self) -> None:
        while not self._closed and self._fault is None:
            try:
                self._calls.get()()
            except Exception as fault:  # whatever a tracker's client raises
                self._fault = fault
