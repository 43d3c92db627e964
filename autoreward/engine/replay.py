"""The engine that trains nothing: it hands out the results of a run that is there, by the trainings' hashes."""

from __future__ import annotations

from pathlib import Path

from autoreward.engine.contract import JobRequest
from autoreward.engine.immediate import Immediate
from autoreward.errors import UserError
from autoreward.records import read_record, write_bytes
from autoreward.training.contract import Progress, Report, TrainingJob, TrainingResult
from autoreward.training.files import JOB, RESULT_FILES


class ReplayEngine(Immediate):
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

    def _result(self, request: JobRequest, progress: Report) -> TrainingResult:
        """Hand out a training's files, its result last, since its presence says that the others are whole.

        Raises:
            UserError: the training was never recorded; the message says which.
            RunDamaged: a job or a result does not read.
        """
        job, name = read_record(request.folder / JOB, TrainingJob), request.result_path.name
        source = self._trainings / job.hash
        if not (source / name).exists():
            raise UserError(
                f"{self._trainings} holds no result of the training {job.hash} at {request.steps} steps (reward "
                f"{job.reward.kind!r}, seed {job.seed}). Results are replayed for the same task, settings, rewards, "
                "seeds and version of the trainer; without --replay-trainings it is trained"
            )
        for file in (*RESULT_FILES, name):
            if (source / file).exists():
                write_bytes(request.folder / file, (source / file).read_bytes())
        result = read_record(request.result_path, TrainingResult)
        progress(Progress.ended(result))
        return result
