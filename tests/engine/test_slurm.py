"""The engine `slurm`, on a SLURM of one node that is really started."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autoreward.config import EngineConfig
from autoreward.engine.contract import Engine, JobRequest
from autoreward.engine.registry import find_engine
from autoreward.errors import UnknownName, UserError
from autoreward.testing import faulty
from autoreward.testing.engine import check_engine, line_request
from tests.engine.one_node import OneNode, missing

pytest.importorskip("submitit", reason="the extra `slurm` is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(missing()), reason=f"no SLURM here, see `make slurm`: no {', no '.join(missing())}"),
]
ROOT = Path(__file__).parents[2]
RUN = """
import sys
from autoreward.config import RunConfig
from autoreward.search.loop import start
from autoreward.search.observer import Observer
from autoreward.testing.run import small_run
from autoreward.testing.trainer import line_task
from pathlib import Path

trainer = {"name": "autoreward.testing.faulty:Waits"}
config = small_run(Path(sys.argv[1]), designer="composer", search_seeds=2, trainer=trainer, engine="slurm")
start(line_task(), config, Observer(), folder=Path(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def node() -> Iterator[OneNode]:
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:  # pytest's are too long for a socket
        node = OneNode(Path(folder))
        yield node
        node.stop()


@pytest.fixture(autouse=True)
def in_the_cluster(node: OneNode, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(ROOT)
    for name, value in node.variables.items():
        monkeypatch.setenv(name, value)
    yield
    node.end_all()


def engine(**settings: object) -> Engine:
    return find_engine(EngineConfig.model_validate({"name": "slurm", **settings}), slots=0, timeout=60)


def job(folder: Path, trainer: str) -> JobRequest:
    return line_request(folder, trainer=f"autoreward.testing.faulty:{trainer}")


def until(there: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + 120
    while not there():
        assert time.monotonic() < end, otherwise
        time.sleep(0.1)


def attempts(request: JobRequest) -> int:
    return len({line["pid"] for line in faulty.seen_in(request.folder)})


def test_keeps_the_engine_contract(tmp_path: Path) -> None:
    check_engine("tests.engine.engines:slurm", tmp_path)


def test_a_job_that_is_taken_away_is_done_once_more(node: OneNode, tmp_path: Path) -> None:
    request = job(tmp_path / "taken", "Waits")
    with engine() as slurm:
        future = slurm.submit(request)
        until(lambda: attempts(request) == 1, "the job has not begun")
        node.ask("scancel", "--name=autoreward")
        until(lambda: attempts(request) == 2, "the job was not begun again")
        (request.folder / faulty.GO).touch()
        assert future.result(120).status == "ok"


def test_a_node_that_requeues_a_job_has_it_go_on(node: OneNode, tmp_path: Path) -> None:
    """What SLURM does where it needs the machine for others: the signal of which submitit begins anew."""
    request = job(tmp_path / "requeued", "Waits")
    with engine() as slurm:
        future = slurm.submit(request)
        until(lambda: attempts(request) == 1, "the job has not begun")
        node.ask("scancel", "--name=autoreward", "--signal=USR2")
        until(lambda: attempts(request) == 2, "the job was not begun again")
        (request.folder / faulty.GO).touch()
        assert future.result(120).status == "ok"
    assert len(list((request.folder / ".slurm").glob("*_end.json"))) == 1, "it is one job of SLURM's"


def test_jobs_go_on_without_whoever_submitted_them_and_resume_finds_them(node: OneNode, tmp_path: Path) -> None:
    """A run is left by kill -9, then resumed by the command."""
    folder = tmp_path / "runs" / "left"
    run = subprocess.Popen([sys.executable, "-c", RUN, str(folder.parent), str(folder)])
    jobs = folder / "trainings"
    try:
        until(lambda: len(list(jobs.glob(f"*/{faulty.SEEN}"))) == 2, "two jobs have not begun")
    finally:
        run.kill()
        run.wait()
    names = sorted(path.parent for path in jobs.glob(f"*/{faulty.SEEN}"))
    begun = [faulty.seen_in(path) for path in names]
    assert node.ask("squeue", "--noheader", "--states=RUNNING").count("autorewa") == 2, "the jobs go on"
    trust = ("--trust", "autoreward.testing.faulty:Waits", "autoreward.testing.trainer:LineEnv")
    command = [sys.executable, "-m", "autoreward", "resume", str(folder), *trust]
    resumed = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while resumed.poll() is None:
        for path in jobs.iterdir():
            (path / faulty.GO).touch()
        time.sleep(0.5)
    assert resumed.returncode in (0, 1)
    assert [faulty.seen_in(path)[:1] for path in names] == begun
    assert all(len(faulty.seen_in(path)) == 2 for path in names), "a job was submitted that was in the queue"
    assert (folder / "report.json").exists()


def test_a_job_may_have_all_the_time_that_its_partition_allows(tmp_path: Path) -> None:
    """A job that asks SLURM for more than that waits for ever."""
    with engine(partition="short", minutes=60) as slurm:
        assert slurm.submit(job(tmp_path / "whole", "Tells")).result(120).status == "ok"
    with pytest.raises(UserError, match=r"asks for 61 minutes, and SLURM's partition short allows 60\."):
        engine(partition="short", minutes=61)


def test_a_partition_that_does_not_exist(tmp_path: Path) -> None:
    told = r"unknown partition 'mian'\. Closest: main.* Type --engine\.partition with one of main, short"
    with pytest.raises(UnknownName, match=told):
        engine(partition="mian")
    with engine(partition="short", options={"account": "a", "nodelist": "nowhere"}) as slurm:
        future = slurm.submit(job(tmp_path / "refused", "Tells"))
        with pytest.raises(UserError, match=r"SLURM takes no job: .*[Nn]ode"):
            future.result(60)


def test_no_key_reaches_a_job_nor_what_is_this_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-jobs")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    request = job(tmp_path / "looks", "Looks")
    with engine() as slurm:
        assert slurm.submit(request).result(120).status == "ok"
    environ = next(line["environ"] for line in faulty.seen_in(request.folder) if "environ" in line)
    assert environ["PATH"] == os.environ["PATH"]
    assert "CUDA_VISIBLE_DEVICES" not in environ
    kept = [path for path in (tmp_path / "looks").rglob("*") if path.is_file()]
    assert any(path.name.endswith("_submission.sh") for path in kept)
    assert not [path for path in kept if b"sk-not-for-jobs" in path.read_bytes()]


def test_a_cluster_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "none.conf"))
    with pytest.raises(UserError, match="SLURM does not answer: "):
        engine()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UserError, match="there is no sbatch here"):
        engine()
