from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from autoreward.engine.contract import JobRequest, run_all
from autoreward.engine.devices import Shares
from autoreward.engine.local import LocalEngine
from autoreward.engine.processes import Worker, worker_environment
from autoreward.engine.worker import failed_result
from autoreward.errors import MACHINE, MachineFailed, RunDamaged
from autoreward.records import read_record, write_record
from autoreward.testing.engine import InProcessEngine, check_engine, check_results, line_request
from autoreward.training.contract import Progress, RewardSpec, TrainingJob, TrainingResult
from autoreward.training.files import JOB, PROGRESS, WORKER_LOG, result_name

SLEEPER = "tests.engine.test_local:Sleeper"
CHATTER = "tests.engine.test_local:Chatter"
NAMER = "tests.engine.test_local:Namer"
TRAITOR = "tests.engine.test_local:Traitor"


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers find the trainers of this file from where they are started."""
    monkeypatch.chdir(Path(__file__).parents[2])


class Sleeper:
    """A trainer that hangs, and leaves its process id."""

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Callable[[Progress], None]) -> TrainingResult:
        progress(Progress(stage="training", step=1, steps=steps))
        (folder / "pid").write_text(str(os.getpid()))
        time.sleep(600)
        raise AssertionError("nobody waits so long")


class Chatter:
    """A trainer that is slow but shows progress, and then says what it was given."""

    SEEN: ClassVar[float] = 9.0

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Callable[[Progress], None]) -> TrainingResult:
        end = time.monotonic() + self.SEEN
        while time.monotonic() < end:
            progress(Progress(stage="training", steps=steps))
            time.sleep(0.1)
        (folder / "environ").write_text("\n".join(f"{name}={value}" for name, value in os.environ.items()))
        return TrainingResult(hash=job.hash, steps=steps, status="ok")


class Namer:
    """A trainer that says which process it ran in."""

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Callable[[Progress], None]) -> TrainingResult:
        (folder / "pid").write_text(str(os.getpid()))
        return TrainingResult(hash=job.hash, steps=steps, status="ok")


class Traitor:
    """A trainer with an unexpected fault."""

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Callable[[Progress], None]) -> TrainingResult:
        raise ZeroDivisionError("of all things\nin two lines")


def quiet(request: JobRequest, progress: Progress) -> None:
    pass


def wait_for(path: Path, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not path.exists() or not path.read_text():
        assert time.monotonic() < end, f"{path} did not appear"
        time.sleep(0.05)


def gone(pid: int, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
def test_keeps_the_engine_contract(tmp_path: Path) -> None:
    check_engine("tests.engine.engines:local", tmp_path)


def test_the_engine_without_processes_gives_the_same_results(tmp_path: Path) -> None:
    check_results(InProcessEngine(), tmp_path)


@pytest.mark.any_user
def test_a_killed_worker_fails_alone(tmp_path: Path) -> None:
    victim, other = line_request(tmp_path / "victim", trainer=SLEEPER), line_request(tmp_path / "other", seed=1)

    def kill(request: JobRequest, progress: Progress) -> None:
        if request == victim and progress.stage == "training":
            wait_for(victim.folder / "pid")
            os.kill(int((victim.folder / "pid").read_text()), signal.SIGKILL)

    results = run_all(LocalEngine(slots=2, timeout=60), [victim, other], kill)
    assert results[other.folder].status == "ok"
    assert results[victim.folder].status == "failed"
    told = results[victim.folder].error or ""
    assert "SIGKILL" in told and results[victim.folder].failure == "machine"
    assert "lack of memory" in told and all(name in told for name in ("slots", "trainer.num_envs", "trainer.rollout"))
    assert read_record(victim.folder / result_name(victim.steps), TrainingResult) == results[victim.folder]


class OnceKilled:
    """A trainer whose process dies the first time, as if memory had run out."""

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Callable[[Progress], None]) -> TrainingResult:
        if not (folder / "died").exists():
            (folder / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return TrainingResult(hash=job.hash, steps=steps, status="ok")


def test_a_worker_killed_once_is_no_failure_of_its_reward(tmp_path: Path) -> None:
    request = line_request(tmp_path / "once", trainer="tests.engine.test_local:OnceKilled")
    assert run_all(LocalEngine(slots=1, timeout=60), [request], quiet)[request.folder].status == "ok"


class Unlucky(LocalEngine):
    """Its first worker ends before it is given its job, as one does that cannot import what it needs."""

    begun = 0

    def _new(self, request: JobRequest, gpus: Shares) -> Worker:
        self.begun += 1
        if self.begun > 1:
            return super()._new(request, gpus)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "executable", shutil.which("false"))
            worker = super()._new(request, gpus)
        while not worker.ended():
            time.sleep(0.05)
        return worker


def test_a_worker_that_ends_before_it_has_its_job_takes_no_other_job_along(tmp_path: Path) -> None:
    requests = [line_request(tmp_path / str(seed), seed) for seed in range(3)]
    with Unlucky(slots=1, timeout=60) as engine:
        results = run_all(engine, requests, quiet)
    first, *others = (results[request.folder] for request in requests)
    assert first.error == f"{MACHINE}the worker ended with exit code 1 and without a result"
    assert [result.status for result in others] == ["ok", "ok"]


def test_a_hanging_worker_is_killed_and_fails(tmp_path: Path) -> None:
    request = line_request(tmp_path / "hangs", trainer=SLEEPER)
    result = run_all(LocalEngine(slots=1, timeout=5.0), [request], quiet)[request.folder]
    assert result.status == "failed"
    assert "no progress for 5 s" in (result.error or "") and result.failure == "machine"
    assert gone(int((request.folder / "pid").read_text()))


def test_a_slow_worker_that_shows_progress_is_left_alone_and_is_given_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-workers")
    monkeypatch.setenv("SOME_TOKEN", "not-for-workers-either")
    request = line_request(tmp_path / "slow", trainer=CHATTER)
    # Starting Python and importing takes its time on a busy machine, hence not less than this.
    result = run_all(LocalEngine(slots=1, timeout=8.0), [request], quiet)[request.folder]
    assert result.status == "ok", result.error
    environment = (request.folder / "environ").read_text()
    assert "not-for-workers" not in environment
    assert "OMP_NUM_THREADS=1" in environment
    assert "PATH=" in environment
    assert "OPENAI_API_KEY" not in worker_environment()


def test_an_unexpected_fault_is_one_line_in_the_result_and_a_traceback_in_the_log(tmp_path: Path) -> None:
    request = line_request(tmp_path / "faulty", trainer=TRAITOR)
    result = run_all(LocalEngine(slots=1, timeout=60), [request], quiet)[request.folder]
    assert (result.error, result.failure) == ("ZeroDivisionError: of all things in two lines", "reward")
    assert "Traceback" in (request.folder / WORKER_LOG).read_text()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device"),
        (MemoryError("too much"), "MemoryError: too much"),
        (MachineFailed("the evaluator died"), "the evaluator died"),
    ],
)
def test_a_fault_of_the_machine_is_told_as_such(fault: Exception, told: str) -> None:
    assert failed_result("0", 1, fault, 0.0).failure == "machine"
    assert failed_result("0", 1, fault, 0.0).error == f"{MACHINE}{told}"


def test_workers_are_kept_for_the_next_jobs_and_end_with_the_engine(tmp_path: Path) -> None:
    engine = LocalEngine(slots=1, timeout=60)
    requests = [line_request(tmp_path / str(seed), seed, trainer=NAMER) for seed in range(3)]
    run_all(engine, requests[:2], quiet)
    run_all(engine, requests[2:], quiet)
    pids = {int((request.folder / "pid").read_text()) for request in requests}
    assert len(pids) == 1
    (pid,) = pids
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    later = line_request(tmp_path / "later", 9, trainer=NAMER)
    assert run_all(engine, [later], quiet)[later.folder].status == "ok", "a worker that died while idle is replaced"
    del engine
    assert gone(int((later.folder / "pid").read_text()))


def test_a_worker_keeps_its_evaluator_for_the_next_job(tmp_path: Path) -> None:
    """Each of these trainings does nothing but evaluate: the second pays for no start and no import."""
    requests = [line_request(tmp_path / str(seed), seed, trainer="batch") for seed in range(2)]
    for request in requests:
        job = read_record(request.folder / JOB, TrainingJob)
        write_record(request.folder / JOB, job.model_copy(update={"reward": RewardSpec(kind="random")}))
    results = run_all(LocalEngine(slots=1, timeout=60), requests, quiet)
    first, second = (results[request.folder] for request in requests)
    assert first.status == second.status == "ok"
    assert first.evaluator_seconds > 2 * second.evaluator_seconds > 0


def test_an_interrupt_ends_the_workers_and_leaves_nothing_as_finished(tmp_path: Path) -> None:
    request = line_request(tmp_path / "interrupted", trainer=SLEEPER)

    def interrupt(request: JobRequest, progress: Progress) -> None:
        wait_for(request.folder / "pid")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all(LocalEngine(slots=1, timeout=60), [request], interrupt)
    assert gone(int((request.folder / "pid").read_text()))
    assert not (request.folder / result_name(request.steps)).exists()


@pytest.mark.any_user
def test_workers_die_with_a_killed_orchestrator_and_leave_nothing_as_finished(tmp_path: Path) -> None:
    request = line_request(tmp_path / "orphan", trainer=SLEEPER)
    program = (
        "import sys, pathlib\n"
        "from autoreward.engine.contract import JobRequest, run_all\n"
        "from autoreward.engine.local import LocalEngine\n"
        "request = JobRequest(folder=pathlib.Path(sys.argv[1]), steps=512)\n"
        "run_all(LocalEngine(1, 60), [request], lambda request, progress: None)\n"
    )
    orchestrator = subprocess.Popen([sys.executable, "-c", program, str(request.folder)])
    wait_for(request.folder / "pid")
    orchestrator.kill()
    orchestrator.wait()
    assert gone(int((request.folder / "pid").read_text()))
    assert not (request.folder / result_name(request.steps)).exists()
    assert (request.folder / PROGRESS).exists()


def test_a_folder_without_a_job_is_said_to_be_damaged(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunDamaged, match=r"job\.json"):
        run_all(LocalEngine(slots=1, timeout=60), [JobRequest(folder=tmp_path / "empty", steps=5)], quiet)
