"""Several trainings in one worker: who is put together, and that each ends by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from autoreward.engine.contract import JobRequest, run_all
from autoreward.engine.local import LocalEngine
from autoreward.engine.processes import worker_environment
from autoreward.records import read_record, write_record
from autoreward.testing.engine import line_request
from autoreward.testing.trainer import NoTrainer, line_task
from autoreward.training.contract import Progress, Report, RewardSpec, StackTrainer, TrainingJob, TrainingResult
from autoreward.training.files import JOB, PROGRESS, WORKER_LOG, result_name

STEPS = 512


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers find the trainers of this file from where they are started."""
    monkeypatch.chdir(Path(__file__).parents[2])


class Namer:
    """A trainer that leaves the seeds of those that it has trained together."""

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Report) -> TrainingResult:
        (folder / "seeds").write_text(str(job.seed))
        return TrainingResult(hash=job.hash, steps=steps, status="ok")

    def train_together(
        self, jobs: Sequence[TrainingJob], steps: int, folders: Sequence[Path], progress: Sequence[Report]
    ) -> Iterator[tuple[int, TrainingResult | Exception]]:
        for report in progress:
            report(Progress(stage="training", step=1, steps=steps))
        for place, (job, folder) in enumerate(zip(jobs, folders, strict=True)):
            (folder / "seeds").write_text(" ".join(str(each.seed) for each in jobs))
            yield place, self.ended(job, steps)

    def ended(self, job: TrainingJob, steps: int) -> TrainingResult | Exception:
        return TrainingResult(hash=job.hash, steps=steps, status="ok")


class Fails(Namer):
    """With an odd seed, if together."""

    def ended(self, job: TrainingJob, steps: int) -> TrainingResult | Exception:
        return ZeroDivisionError("of all things") if job.seed % 2 else super().ended(job, steps)


class Breaks(Namer):
    """Ends all, once the first has ended."""

    def ended(self, job: TrainingJob, steps: int) -> TrainingResult | Exception:
        if job.seed:
            raise ZeroDivisionError("of all things")
        return super().ended(job, steps)


class Dies(Namer):
    """Takes its process with it, once the first has ended."""

    def ended(self, job: TrainingJob, steps: int) -> TrainingResult | Exception:
        if job.seed:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().ended(job, steps)


class Hangs(Namer):
    """Where others are beside it, once the first has ended."""

    def ended(self, job: TrainingJob, steps: int) -> TrainingResult | Exception:
        if job.seed:
            time.sleep(600)
        return super().ended(job, steps)


def request(folder: Path, seed: int, trainer: str = "Namer", kind: Any = "human", **changes: Any) -> JobRequest:
    name = f"tests.engine.test_stack:{trainer}" if trainer.isalpha() and trainer[0].isupper() else trainer
    settings = line_task().trainer.model_copy(update={"name": name, "stack": 3, **changes})
    job = TrainingJob(task=line_task(trainer=settings), reward=RewardSpec(kind=kind), seed=seed, episodes=3)
    write_record(folder / JOB, job)
    return JobRequest(folder=folder, steps=STEPS)


def run(requests: Sequence[JobRequest], timeout: float = 60.0) -> dict[Path, TrainingResult]:
    return run_all(LocalEngine(slots=1, timeout=timeout), requests, lambda *_: None)


def seeds(requests: Sequence[JobRequest]) -> list[str]:
    return [(request.folder / "seeds").read_text() for request in requests]


def test_as_many_as_asked_for_are_put_together(tmp_path: Path) -> None:
    requests = [request(tmp_path / str(seed), seed) for seed in range(4)]
    assert all(result.status == "ok" for result in run(requests).values())
    assert seeds(requests) == ["0 1 2"] * 3 + ["3"]


def test_only_what_is_alike_is_put_together(tmp_path: Path) -> None:
    requests = [
        request(tmp_path / "0", 0),
        request(tmp_path / "1", 1, epochs=7),
        request(tmp_path / "2", 2, kind="sparse"),
        request(tmp_path / "3", 3, kind="random"),
        request(tmp_path / "4", 4, stack=1),
        request(tmp_path / "5", 5, epochs=7),
        request(tmp_path / "6", 6).model_copy(update={"steps": STEPS + 1}),
    ]
    run(requests)
    assert seeds(requests) == ["0 2", "1 5", "0 2", "3", "4", "1 5", "6"]


def test_a_result_that_is_there_is_not_trained_again_with_the_others(tmp_path: Path) -> None:
    requests = [request(tmp_path / str(seed), seed) for seed in range(3)]
    run(requests[1:2])
    run(requests)
    assert seeds(requests) == ["0 2", "1", "0 2"]


def test_a_trainer_that_knows_one_at_a_time_trains_one_after_the_other(tmp_path: Path) -> None:
    assert not isinstance(NoTrainer(), StackTrainer)
    requests = [request(tmp_path / str(seed), seed, "autoreward.testing.trainer:NoTrainer") for seed in range(3)]
    requests.append(request(tmp_path / "bad", 3, "autoreward.testing.trainer:missing"))
    results = run(requests)
    assert [results[each.folder].status for each in requests] == ["ok"] * 3 + ["failed"]


def test_one_that_fails_has_its_result_and_its_log(tmp_path: Path) -> None:
    requests = [request(tmp_path / str(seed), seed, "Fails") for seed in range(3)]
    results = run(requests)
    assert [results[each.folder].status for each in requests] == ["ok", "failed", "ok"]
    assert results[requests[1].folder].error == "ZeroDivisionError: of all things"
    assert "ZeroDivisionError: of all things" in (requests[1].folder / WORKER_LOG).read_text()
    assert read_record(requests[1].folder / PROGRESS, Progress).stage == "failed"
    assert read_record(requests[2].folder / PROGRESS, Progress).stage == "finished"


def test_what_ends_the_trainer_fails_those_that_have_not_ended(tmp_path: Path) -> None:
    requests = [request(tmp_path / str(seed), seed, "Breaks") for seed in range(3)]
    results = run(requests)
    assert [results[each.folder].status for each in requests] == ["ok", "failed", "failed"]


@pytest.mark.parametrize("trainer", ["Dies", "Hangs"])
def test_those_that_another_may_have_taken_along_are_trained_alone(trainer: str, tmp_path: Path) -> None:
    requests = [request(tmp_path / str(seed), seed, trainer) for seed in range(3)]
    results = run(requests, timeout=5.0)
    assert [results[each.folder].status for each in requests] == ["ok"] * 3
    assert seeds(requests) == ["0 1 2", "1", "2"]


def test_the_command_trains_the_jobs_of_several_folders(tmp_path: Path) -> None:
    """Really: candidates with programs and seeds of their own, by the trainer `batch`."""
    requests = [line_request(tmp_path / str(seed), seed, trainer="batch") for seed in range(2)]
    for each in requests:
        job = read_record(each.folder / JOB, TrainingJob)
        task = job.task.model_copy(update={"trainer": job.task.trainer.model_copy(update={"stack": 2})})
        write_record(each.folder / JOB, job.model_copy(update={"task": task}))
    folders = [str(each.folder) for each in requests]
    command = [sys.executable, "-m", "autoreward.engine.worker", *folders, "--steps", str(STEPS)]
    subprocess.run(command, check=True, env=worker_environment(), timeout=120)
    for each in requests:
        result = read_record(each.folder / result_name(STEPS), TrainingResult)
        assert (result.status, result.isolation is None) == ("ok", False)
        assert "evaluate" in result.timers, "a training alone has no such part"
