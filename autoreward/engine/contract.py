"""The `Engine` contract: where jobs run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from autoreward.records import Record
from autoreward.training.contract import Progress, TrainingResult


class JobRequest(Record):
    """A training's folder (with its job.json) and the steps to reach."""

    folder: Path
    steps: int


class Engine(Protocol):
    """Runs trainings. Implementations pass `autoreward.testing.check_engine`."""

    def run(
        self, requests: Sequence[JobRequest], progress: Callable[[JobRequest, Progress], None]
    ) -> dict[Path, TrainingResult]:
        """Run every request whose result is not there yet, several at once, and return all results by folder.

        A training that dies, hangs or fails gets a result with status `failed`; the others go on. On an interrupt
        the running workers are ended and the interrupt is raised again.
        """
        ...
