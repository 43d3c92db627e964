"""The trainer `batch`: PPO on environments stepped together, one single-threaded process a training.

What a training does is in `loop`; several in one process, for GPUs, in `stacked`.

Imported by workers only (torch).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from autoreward.errors import MachineFailed, TrainingFailed
from autoreward.training.contract import Report, TrainingJob, TrainingResult
from autoreward.training.loop import Training, alone
from autoreward.training.session import Session
from autoreward.training.stacked import Outcome, train_stack
from autoreward.training.untrained import measure_random

LOWER = "lower trainer.num_envs, trainer.rollout or trainer.minibatch"
"""What helps where memory runs out."""


class BatchTrainer:
    """Implements `StackTrainer`. Observations and rewards are normalised by running statistics."""

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Report) -> TrainingResult:
        """Train to `steps` environment steps (at most N - 1 more), and write the folder's files.

        Raises:
            TrainingFailed: the reward program failed, or a reward or the policy is not finite.
            MachineFailed: no cell can be started, the evaluator died, or memory ran out.
        """
        if job.reward.kind == "random":
            return measure_random(job, steps, folder, progress)
        _prepare(job)
        try:
            with Session(job, steps, folder, progress) as session:
                training = Training(session)
                return alone(training.learner, training.run())
        except (MemoryError, RuntimeError) as error:
            told = _told(error, LOWER)
            if told is error:
                raise
            raise told from error

    def train_together(
        self, jobs: Sequence[TrainingJob], steps: int, folders: Sequence[Path], progress: Sequence[Report]
    ) -> Iterator[tuple[int, Outcome]]:
        """See `StackTrainer`."""
        for job in jobs:
            _prepare(job)
        for place, outcome in train_stack(jobs, steps, folders, progress):
            yield place, _told(outcome, f"{LOWER}, or trainer.stack") if isinstance(outcome, Exception) else outcome


def _prepare(job: TrainingJob) -> None:
    if job.task.trainer.use_sde:
        raise TrainingFailed("trainer.use_sde: `batch` has no gSDE; type --trainer.name sb3, or use_sde false")
    torch.set_num_threads(1)


def _told(error: Exception, lower: str) -> Exception:
    """The error, in our words where it is NumPy's or torch's way of saying that memory ran out.

    Torch's on a CPU has no type of its own.
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error):
        return MachineFailed(f"out of memory: {lower}")
    return error
