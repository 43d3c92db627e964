"""What engines without workers share: a job is done when `submit` returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import Future

from autoreward.engine.contract import Engine, JobRequest, unheard
from autoreward.training.contract import Report, TrainingResult


class Immediate(Engine, ABC):
    """Implements `Engine` in the thread of the caller."""

    @abstractmethod
    def _result(self, request: JobRequest, progress: Report) -> TrainingResult:
        """Do a job whose result is not there."""

    def submit(self, request: JobRequest, progress: Report = unheard) -> Future[TrainingResult]:
        """Do a job; what `progress` raises is raised from here."""
        future: Future[TrainingResult] = Future()
        future.set_result(request.result() or self._result(request, progress))
        return future

    def shutdown(self) -> None:
        """There is nothing to end."""
