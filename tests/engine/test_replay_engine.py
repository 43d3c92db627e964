from __future__ import annotations

from pathlib import Path

import pytest

from autoreward.engine.contract import JobRequest, run_all
from autoreward.engine.replay import ReplayEngine
from autoreward.errors import UserError
from autoreward.records import read_record
from autoreward.testing.engine import InProcessEngine, check_results, line_request
from autoreward.training.contract import TrainingJob, TrainingResult
from autoreward.training.files import JOB, POLICY, RESULT_FILES, result_name


def record(run: Path, *requests: JobRequest) -> None:
    """A run's trainings, as the run folder holds them: named by hash."""
    for request in requests:
        folder = run / "trainings" / read_record(request.folder / JOB, TrainingJob).hash
        folder.mkdir(parents=True)
        (folder / JOB).write_bytes((request.folder / JOB).read_bytes())
        run_all(InProcessEngine(), [JobRequest(folder=folder, steps=request.steps)], lambda *_: None)


def test_it_keeps_the_contract(tmp_path: Path) -> None:
    bad = line_request(tmp_path / "bad", seed=9, trainer="autoreward.testing.trainer:missing")
    record(tmp_path / "run", *(line_request(tmp_path / str(seed), seed) for seed in range(3)), bad)
    check_results(ReplayEngine(tmp_path / "run"), tmp_path / "checked")


def test_results_and_what_belongs_to_them_are_the_recorded_ones(tmp_path: Path) -> None:
    request = line_request(tmp_path / "asked")
    record(tmp_path / "run", request)
    recorded = next((tmp_path / "run" / "trainings").iterdir())
    result = run_all(ReplayEngine(tmp_path / "run"), [request], lambda *_: None)[request.folder]
    assert result == read_record(recorded / result_name(request.steps), TrainingResult)
    kept = [name for name in RESULT_FILES if (recorded / name).exists()]
    assert POLICY in kept
    for name in kept:
        assert (request.folder / name).read_bytes() == (recorded / name).read_bytes()
    assert result.status == "ok"


def test_a_training_that_was_never_recorded_is_named(tmp_path: Path) -> None:
    known, other = line_request(tmp_path / "known", seed=0), line_request(tmp_path / "other", seed=1)
    longer = JobRequest(folder=known.folder, steps=known.steps + 1)
    record(tmp_path / "run", known)
    name = read_record(other.folder / JOB, TrainingJob).hash
    engine = ReplayEngine(tmp_path / "run")
    with pytest.raises(UserError, match=rf"{name}.*'program', seed 1.*--replay-trainings"):
        run_all(engine, [known, other], lambda *_: None)
    assert not (other.folder / result_name(other.steps)).exists()
    with pytest.raises(UserError, match=f"at {longer.steps} steps"):
        run_all(engine, [longer], lambda *_: None)


def test_a_folder_without_trainings(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no trainings"):
        ReplayEngine(tmp_path)
