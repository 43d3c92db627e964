"""A trainer that only sleeps, and a Designer whose programs all differ: for measuring what surrounds a training."""

from __future__ import annotations

import time
from pathlib import Path

from autoreward.designer.contract import Brief, Proposal
from autoreward.testing.trainer import CLIMB
from autoreward.training.contract import Evaluation, Progress, Report, TrainingJob, TrainingResult

STEPS_A_SECOND = 10_000
"""So the steps of a job say how long it sleeps: workers are told nothing else."""


class Sleeper:
    """Implements `Trainer`: sleeps, and leaves a result alone, with a success that its job decides."""

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Report) -> TrainingResult:
        """Sleep."""
        progress(Progress(stage="training", step=0, steps=steps))
        time.sleep(steps / STEPS_A_SECOND)
        success = int(job.hash, 16) % 101 / 100
        final = Evaluation(step=steps, episodes=job.episodes, success_rate=success, score=None, length=10.0)
        ended = {"hash": job.hash, "steps": steps, "status": "ok", "final": final, "shipped_step": steps}
        return TrainingResult.model_validate({**ended, "seconds": steps / STEPS_A_SECOND})


class Numbered:
    """Implements `Designer` with programs that differ in a weight."""

    def propose(self, brief: Brief) -> Proposal:
        """The next one."""
        return Proposal(source=CLIMB.replace("position", "obs_0").replace("2.0", f"{2 + brief.index}.0"))

    def repair(self, brief: Brief, refused: Proposal, reason: str, attempt: int) -> Proposal:
        """None is refused."""
        raise AssertionError(reason)
