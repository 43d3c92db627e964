"""The engine `slurm` against a cluster's words alone: what it asks for, and which job it takes for which."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autoreward.config import EngineConfig
from autoreward.engine.contract import Engine, JobRequest
from autoreward.engine.elsewhere import Errand, Finished
from autoreward.engine.pool import End
from autoreward.engine.registry import find_engine
from autoreward.errors import UserError
from autoreward.records import write_record
from autoreward.testing.engine import line_request
from autoreward.training.contract import TrainingResult
from tests.engine.no_node import NoNode

submitit = pytest.importorskip("submitit", reason="the extra `slurm` is not installed")
PARTITIONS = ("main|infinite|main*", "short|1:00:00|short", "long|1-00:00:00|long")


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NoNode:
    (tmp_path / "slurm").mkdir()
    cluster = NoNode(tmp_path / "slurm", *PARTITIONS)
    for name, value in cluster.variables.items():
        monkeypatch.setenv(name, value)
    return cluster


def engine(**settings: object) -> Engine:
    return find_engine(EngineConfig.model_validate({"name": "slurm", **settings}), slots=0, timeout=60)


def until(there: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + 60
    while not there():
        assert time.monotonic() < end, otherwise
        time.sleep(0.05)


def ends(request: JobRequest, job: int, reason: str) -> None:
    """What a job of SLURM leaves, which is still in the queue then."""
    left = tuple(path for path in (request.result_path,) if path.exists())
    write_record(
        request.folder / ".slurm" / f"{job}_end.json", Finished(end=End(reason=reason, innocent=True), left=left)
    )


def test_a_killed_job_is_done_again_while_slurm_still_tells_that_it_runs(
    cluster: NoNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autoreward.engine.slurm_cluster.LOOK_SECONDS", 0.0)  # every job's state is a look at the queue
    killed, other = (line_request(tmp_path / name) for name in ("killed", "other"))
    with engine() as slurm:
        future, beside = slurm.submit(killed), slurm.submit(other)
        until(lambda: len(cluster.scripts()) == 2, "two jobs were not submitted")
        ends(killed, 1, "the worker was killed by SIGKILL")
        until(lambda: len(cluster.scripts()) == 3 or future.done(), "the job was not submitted again")
        assert not future.done(), "the dead job was taken for the second attempt"
        for request, job in ((killed, 3), (other, 2)):
            write_record(request.result_path, TrainingResult(hash="0", steps=request.steps, status="ok"))
            ends(request, job, "the worker ended with exit code 0")
        assert {future.result(60).status, beside.result(60).status} == {"ok"}


@pytest.mark.parametrize(
    ("settings", "asked", "given"),
    [
        ({}, 24 * 60, None),
        ({"partition": "short"}, 60, None),
        ({"minutes": 120}, 125, 120),
        ({"minutes": 60, "partition": "short"}, 60, 57),
        ({"minutes": 55.5, "partition": "short"}, 60, 55.5),
        ({"minutes": 20, "partition": "short"}, 25, 20),
        ({"minutes": 60, "partition": "short,long"}, 60, 57),
        ({"minutes": 90, "partition": "short,long"}, 95, 90),
    ],
)
def test_no_job_asks_for_more_time_than_its_partition_allows_and_its_worker_ends_before(
    cluster: NoNode, tmp_path: Path, settings: dict[str, object], asked: int, given: float | None
) -> None:
    request = line_request(tmp_path / "job")
    with engine(**settings) as slurm:
        slurm.submit(request)
        until(lambda: len(cluster.scripts()) == 1, "the job was not submitted")
    assert f"#SBATCH --time={asked}\n" in cluster.scripts()[0]
    (pickled,) = (request.folder / ".slurm").glob("*.pkl")
    errand = Errand.model_validate_json(submitit.core.utils.DelayedSubmission.load(pickled).function.text)
    assert errand.resources.seconds == (None if given is None else given * 60)


def test_more_time_than_the_partition_allows_is_refused(cluster: NoNode) -> None:
    told = r"61 minutes, and SLURM's partition short allows 60\. Type --engine\.minutes 60, or --engine\.partition"
    with pytest.raises(UserError, match=told):
        engine(minutes=61, partition="short")
    with pytest.raises(UserError, match=r"partition short or long allows 1440\. Type --engine\.minutes 1440"):
        engine(minutes=1441, partition="short,long")
    with engine(minutes=1441):
        pass
