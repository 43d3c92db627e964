"""The engine that trains nothing: it hands out the results of a run that is there, by the trainings' hashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from autoreward.engine.contract import JobRequest
from autoreward.errors import UserError
from autoreward.records import read_record, write_bytes
from autoreward.training.contract import Progress, TrainingJob, TrainingResult
from autoreward.training.files import EPISODES, FAULT, JOB, POLICY, POLICY_LAST, TRAJECTORIES, result_name

FILES = (POLICY, POLICY_LAST, EPISODES, TRAJECTORIES, FAULT)
"""What a training leaves for those who read its result."""


class ReplayEngine:
    """Implements `Engine` with the trainings of a run folder: the same job gets the same result, to the last digit."""

    def __init__(self, run: Path) -> None:
        """Nothing is read yet.

        Args:
            run: a run folder, finished or not.

        Raises:
            UserError: it holds no training.
        """
        self._trainings = run / "trainings"
        if not self._trainings.is_dir():
            raise UserError(f"{run} holds no trainings, so there are none to replay")

    def run(
        self, requests: Sequence[JobRequest], progress: Callable[[JobRequest, Progress], None]
    ) -> dict[Path, TrainingResult]:
        """Hand out every result; see `Engine`. Recorded failures are handed out too.

        Raises:
            UserError: a training was never recorded; the message says which.
            RunDamaged: a job or a result does not read.
        """
        missing = [request for request in requests if not _path(request).exists() and not self._recorded(request)]
        if missing:
            raise UserError(_never_recorded(missing, self._trainings))
        for request in requests:
            if not _path(request).exists():
                self._hand_out(request, progress)
        return {request.folder: read_record(_path(request), TrainingResult) for request in requests}

    def _source(self, request: JobRequest) -> Path:
        return self._trainings / read_record(request.folder / JOB, TrainingJob).hash

    def _recorded(self, request: JobRequest) -> bool:
        return (self._source(request) / result_name(request.steps)).exists()

    def _hand_out(self, request: JobRequest, progress: Callable[[JobRequest, Progress], None]) -> None:
        """Copy a training's files, its result last, since its presence says that the others are whole."""
        source, result = self._source(request), result_name(request.steps)
        for name in (*FILES, result):
            if (source / name).exists():
                write_bytes(request.folder / name, (source / name).read_bytes())
        ended = read_record(request.folder / result, TrainingResult)
        progress(
            request,
            Progress(
                stage="finished" if ended.status == "ok" else "failed",
                step=ended.trained if ended.status == "ok" else 0,
                steps=request.steps,
                own_return=ended.own_return[-1] if ended.own_return else None,
                success_rate=ended.final.success_rate if ended.final else None,
            ),
        )


def _path(request: JobRequest) -> Path:
    return request.folder / result_name(request.steps)


def _never_recorded(missing: Sequence[JobRequest], trainings: Path) -> str:
    job = read_record(missing[0].folder / JOB, TrainingJob)
    others = f" and of {len(missing) - 1} more" if len(missing) > 1 else ""
    return (
        f"{trainings} holds no result of the training {job.hash} at {missing[0].steps} steps (reward "
        f"{job.reward.kind!r}, seed {job.seed}){others}. Results are replayed for the same task, settings, rewards, "
        "seeds and version of the trainer; without --replay-trainings it is trained"
    )
