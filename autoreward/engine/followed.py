"""The progress of jobs as their folders tell it, whoever works on them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

from autoreward.engine.contract import JobRequest
from autoreward.errors import RunDamaged
from autoreward.records import read_record
from autoreward.training.contract import Progress
from autoreward.training.files import PROGRESS


class Followed:
    """The `progress.json` of jobs, each told when it has changed."""

    def __init__(self, requests: Sequence[JobRequest]) -> None:
        self._read_at: dict[JobRequest, int] = dict.fromkeys(requests, 0)
        self.moved = time.monotonic()
        """When one of them last changed."""

    def news(self) -> list[tuple[JobRequest, Progress]]:
        """The jobs whose progress has changed since the last call."""
        found = []
        for request, read_at in self._read_at.items():
            path = request.folder / PROGRESS
            try:
                changed = path.stat().st_mtime_ns
            except OSError:  # not there yet, or on a file system that is away for a moment
                continue
            if changed != read_at:
                self._read_at[request], self.moved = changed, time.monotonic()
                with contextlib.suppress(RunDamaged):
                    found.append((request, read_record(path, Progress)))
        return found
