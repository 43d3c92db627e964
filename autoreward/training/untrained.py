"""The baseline that trains nothing: uniform actions, measured."""

from __future__ import annotations

import time
from pathlib import Path

from autoreward.training.contract import Progress, Report, TrainingJob, TrainingResult
from autoreward.training.evaluator import Request
from autoreward.training.evaluators import borrow
from autoreward.training.files import EPISODES, TRAJECTORIES
from autoreward.training.seeds import derive
from autoreward.training.session import process_seconds
from autoreward.training.statistics import EpisodeLog


def measure_random(job: TrainingJob, steps: int, folder: Path, report: Report) -> TrainingResult:
    """Uniform actions: nothing is trained, only measured."""
    started, used = time.monotonic(), process_seconds()
    state = Progress(stage="evaluating", steps=steps)
    report(state)
    evaluator = borrow(job.task, job.episodes)
    try:
        evaluator.submit(
            Request(
                policy=None,
                seeds=tuple(derive(job.seed, "final", job.episodes)),
                step=0,
                use="report" if job.reported else "evaluation",
                trajectories=(folder / TRAJECTORIES).absolute(),
            )
        )
        (final,) = evaluator.wait(lambda: report(state))
    finally:
        evaluator.give_back()
    EpisodeLog(1).write(folder / EPISODES)
    return TrainingResult(
        hash=job.hash,
        steps=steps,
        status="ok",
        final=final,
        seconds=time.monotonic() - started,
        cpu_seconds=process_seconds() - used + evaluator.uncounted,
        evaluator_seconds=evaluator.seconds,
        evaluation_faults=evaluator.faults,
    )
