"""For tests of engines: an engine without processes, and the conformance check."""

from __future__ import annotations

from pathlib import Path

from autoreward.engine.contract import Engine, JobRequest, run_all
from autoreward.engine.immediate import Immediate
from autoreward.engine.worker import run_job
from autoreward.records import read_record, write_record
from autoreward.testing.trainer import CLIMB, line_task
from autoreward.training.contract import Progress, Report, RewardSpec, TrainingJob, TrainingResult
from autoreward.training.files import JOB, result_name


class InProcessEngine(Immediate):
    """Implements `Engine` in this process, one training after another."""

    def _result(self, request: JobRequest, progress: Report) -> TrainingResult:
        return run_job(request.folder, request.steps, progress)


def line_request(folder: Path, seed: int = 0, steps: int = 512, trainer: str = "", source: str = CLIMB) -> JobRequest:
    """A folder with a small job in it; `trainer` as in `TrainerSettings.name`, by default `NoTrainer`."""
    settings = line_task().trainer.model_copy(update={"name": trainer or "autoreward.testing.trainer:NoTrainer"})
    task = line_task(trainer=settings)
    job = TrainingJob(task=task, reward=RewardSpec(kind="program", source=source), seed=seed, episodes=3)
    write_record(folder / JOB, job)
    return JobRequest(folder=folder, steps=steps)


def check_engine(engine: Engine, folder: Path) -> None:
    """Check that an engine keeps the contract, with trainings that take no time.

    Args:
        engine: the one to check.
        folder: an empty folder to work in, which its workers reach.

    Raises:
        AssertionError: it does not; the message says where.
    """
    good = [line_request(folder / str(seed), seed) for seed in range(3)]
    bad = line_request(folder / "bad", seed=9, trainer="autoreward.testing.trainer:missing")
    seen: list[tuple[Path, Progress]] = []

    def watch(request: JobRequest, progress: Progress) -> None:
        seen.append((request.folder, progress))

    results = run_all(engine, [*good, bad], watch)
    assert set(results) == {request.folder for request in [*good, bad]}, "not every request has a result"
    assert all(results[request.folder].status == "ok" for request in good), "a failure has taken others with it"
    assert results[bad.folder].status == "failed", "a training that cannot start must fail"
    assert results[bad.folder].error, "a failure says why"
    assert {folder for folder, _ in seen} >= {request.folder for request in good}, "progress was not passed on"
    for request in good:
        stored = read_record(request.folder / result_name(request.steps), TrainingResult)
        assert stored == results[request.folder], "the stored result is another one"
    seen.clear()
    assert run_all(engine, [*good, bad], watch) == results, "results that are there must be returned as they are"
    assert not seen, "a training whose result is there was run again"
