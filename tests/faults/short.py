"""What the sweeps of these tests are made of: a trainer that takes a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from autoreward.testing.trainer import NoTrainer
from autoreward.training.contract import Progress, TrainingJob, TrainingResult

SECONDS, PARTS = 0.2, 4


class Short(NoTrainer):
    """Leaves every file of a training, after a moment, and a success that its job alone decides."""

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Callable[[Progress], None]) -> TrainingResult:
        for part in range(PARTS):
            progress(Progress(stage="training", step=part * steps // PARTS, steps=steps))
            time.sleep(SECONDS / PARTS)
        result = super().train(job, steps, folder, progress)
        assert result.final is not None
        final = result.final.model_copy(update={"success_rate": int(job.hash, 16) % 101 / 100})
        return result.model_copy(update={"final": final})
