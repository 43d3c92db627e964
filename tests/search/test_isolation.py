"""Runs refuse less isolation than they ask for: on kernels that really lack what the levels need (`tests.weak`)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from autoreward.config import RunConfig
from autoreward.engine.contract import JobRequest
from autoreward.errors import MACHINE
from autoreward.records import read_record, write_record
from autoreward.sandbox.isolation import Isolation, Level
from autoreward.search.observer import Observer
from autoreward.search.roles import least_isolation
from autoreward.search.trainings import Trainings
from autoreward.store.folder import RunFolder
from autoreward.store.records import RunRecord
from autoreward.task import load_task
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.folder import example_run
from autoreward.testing.trainer import CLIMB, line_task
from autoreward.training.contract import Report, RewardSpec, TrainingJob, TrainingResult
from autoreward.training.files import JOB, result_name
from tests.weak import weak

ROOT = Path(__file__).parents[2]
linux = pytest.mark.skipif(sys.platform != "linux", reason="kernels are weakened by a filter on system calls")
RUN = """
import sys
from pathlib import Path
from autoreward.search.loop import start
from autoreward.search.observer import Observer
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.run import small_run
from autoreward.testing.trainer import line_task

class Told(Observer):
    def note(self, text):
        print("note:", text)

config = small_run(Path(sys.argv[3]), designer=sys.argv[1], isolation=sys.argv[2] or None)
try:
    start(line_task(), config, Told(), engine=InProcessEngine())
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def on_weak(missing: str, *command: str) -> subprocess.CompletedProcess[str]:
    """A Python command on a kernel without these layers."""
    return subprocess.run(
        weak(missing, sys.executable, *command), cwd=ROOT, capture_output=True, text=True, check=False, timeout=200
    )


@pytest.mark.parametrize(
    ("designer", "changes", "task", "least"),
    [
        ("composer", {}, "reacher", "C"),
        ("composer", {}, "ant_lie_down", "C"),
        ("composer", {"isolation": "A"}, "reacher", "A"),
        ("composer", {"start_from": Path("mine.py")}, "reacher", "B"),
        ("llm", {}, "reacher", "B"),
        ("llm", {"isolation": "C"}, "reacher", "C"),
        ("module:Own", {}, "reacher", "B"),
    ],
)
def test_what_a_run_asks_for(designer: str, changes: dict[str, object], task: str, least: Level) -> None:
    assert least_isolation(RunConfig.model_validate(changes), designer, load_task(task)) == least


def test_a_reference_of_somebody_else_is_not_ours() -> None:
    task = load_task("ant_lie_down")
    assert task.reference
    other = task.model_copy(update={"reference": task.reference + "\n"})
    assert least_isolation(RunConfig(), "composer", other) == "B"


@pytest.mark.any_user
@linux
def test_a_run_is_refused_before_anything_is_spent(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    done = on_weak("seccomp", "-c", RUN, "tests.search.test_loop:Scripted", "", str(runs))
    assert done.returncode == 1
    for words in ("IsolationTooWeak", "at level C", "level B is asked for", "autoreward doctor", "--isolation C"):
        assert words in done.stderr
    assert not runs.exists()


@pytest.mark.any_user
@linux
def test_level_a_is_refused_without_landlock_and_b_is_not(tmp_path: Path) -> None:
    refused = on_weak("landlock", "-c", RUN, "composer", "A", str(tmp_path / "refused"))
    assert "would run at level B here, and level A is asked for" in refused.stderr
    assert not (tmp_path / "refused").exists()
    done = on_weak("landlock", "-c", RUN, "composer", "B", str(tmp_path / "runs"))
    assert done.returncode == 0, done.stderr
    (run,) = (path.parent for path in tmp_path.glob("runs/*/run.json"))
    assert RunFolder(run).run().isolation.level == "B"
    assert "at level" not in done.stdout, "B is no cause for a notice"
    shown = subprocess.run(
        [sys.executable, "-m", "autoreward", "inspect", run], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert "isolation level B" in shown
    assert "without landlock: Function not implemented" in shown
    assert "without landlock" in (run / "report.html").read_text()


@linux
def test_the_composers_own_programs_run_at_level_c_with_a_notice(tmp_path: Path) -> None:
    done = on_weak("seccomp", "-c", RUN, "composer", "", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "note: reward programs run at level C" in done.stdout
    (run,) = (path.parent for path in tmp_path.glob("*/run.json"))
    assert "not denied: " in (run / "report.html").read_text()
    folder = RunFolder(run)
    assert folder.run().isolation.level == "C"
    (job,) = {read_record(path, TrainingJob).least_isolation for path in run.glob(f"trainings/*/{JOB}")}
    assert job == "C"


REACH = """
IDEA = "Nearer is better."
WEIGHTS = {"near": 1.0}

def compute_reward(state, action, next_state, memory):
    return {"near": -np.linalg.norm(next_state["target_offset"], axis=-1)}
"""


@linux
def test_a_reward_file_is_refused_unless_less_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(REACH)
    arguments = ["-m", "autoreward", "verify", str(file), "--env", "reacher"]
    refused = on_weak("seccomp", *arguments)
    assert refused.returncode == 2
    assert "accept less with `--isolation C`" in refused.stderr
    accepted = on_weak("seccomp", *arguments, "--isolation", "C")
    assert accepted.returncode == 0, accepted.stderr
    runs = tmp_path / "runs"
    arguments[2] = "train"
    refused = on_weak("seccomp", *arguments, "--runs", str(runs))
    assert refused.returncode == 2
    assert "accept less with `--isolation C`" in refused.stderr
    assert not list(runs.glob("*")), "nothing was trained"


WORKER = """
import sys
from pathlib import Path
from autoreward.engine.worker import run_job
result = run_job(Path(sys.argv[1]), 64, lambda progress: None)
print(result.status, result.isolation, result.error)
"""


@pytest.mark.any_user
@linux
@pytest.mark.parametrize(
    ("least", "said"),
    [("B", f"failed None {MACHINE}reward programs would run at level C here"), ("C", "ok C None")],
)
def test_a_worker_refuses_by_itself(tmp_path: Path, least: Level, said: str) -> None:
    spec = RewardSpec(kind="program", source=CLIMB)
    write_record(tmp_path / JOB, TrainingJob(task=line_task(), reward=spec, seed=0, episodes=2, least_isolation=least))
    done = on_weak("seccomp", "-c", WORKER, str(tmp_path))
    assert done.stdout.startswith(said), done.stdout + done.stderr


class Elsewhere(InProcessEngine):
    """An engine whose workers are another machine's, and were told wrongly, or lie, about what is asked for."""

    def _result(self, request: JobRequest, progress: Report) -> TrainingResult:
        result = super()._result(request, progress).model_copy(update={"isolation": "C"})
        write_record(request.result_path, result)
        return result


@pytest.mark.parametrize(("least", "status"), [("B", "failed"), ("C", "ok")])
def test_a_result_of_less_than_was_asked_for_is_a_failed_training(tmp_path: Path, least: Level, status: str) -> None:
    trainer = line_task().trainer.model_copy(update={"name": "autoreward.testing.trainer:NoTrainer"})
    shared = tmp_path / "shared"
    trainings = Trainings(RunFolder(tmp_path), line_task(trainer=trainer), Elsewhere(), Observer(), least, shared)
    found = trainings.run({"x": RewardSpec(kind="program", source=CLIMB)}, [0], episodes=2)["x"][0]
    recorded = read_record(tmp_path / "trainings" / found.hash / result_name(4_000), TrainingResult)
    assert found.status == recorded.status == status
    assert (found.error is None) == (status == "ok")
    assert status == "ok" or "at isolation level C, and level B is asked for" in (found.error or "")
    assert found.failure == (None if status == "ok" else "machine")
    assert shared.exists() == (status == "ok"), "other runs are lent what ended well"


def test_a_training_of_less_isolation_is_not_borrowed(tmp_path: Path) -> None:
    trainer = line_task().trainer.model_copy(update={"name": "autoreward.testing.trainer:NoTrainer"})
    task, spec = line_task(trainer=trainer), {"x": RewardSpec(kind="program", source=CLIMB)}
    levels: dict[str, Level] = {"lender": "C", "careful": "B", "careless": "C"}
    found = {}
    for name, least in levels.items():
        engine = Elsewhere() if name == "lender" else InProcessEngine()
        folder = RunFolder(tmp_path / name)
        found[name] = Trainings(folder, task, engine, Observer(), least, tmp_path / "shared").run(spec, [0], 2)["x"][0]
    assert (found["lender"].isolation, found["careful"].isolation, found["careless"].isolation) == ("C", None, "C")


def test_how_a_training_is_isolated_does_not_change_what_it_is(tmp_path: Path) -> None:
    job = TrainingJob(task=line_task(), reward=RewardSpec(kind="program", source=CLIMB), seed=0, episodes=2)
    stricter = job.model_copy(update={"least_isolation": "A"})
    assert job.hash == stricter.hash
    assert "least_isolation" not in job.model_dump_json(exclude={"least_isolation"})
    folder = RunFolder(tmp_path)
    assert folder.add_training(job) == folder.add_training(stricter)
    assert read_record(folder.training_folder(job.hash) / JOB, TrainingJob) == stricter, "a worker reads the new level"


def test_runs_of_earlier_versions_still_read(tmp_path: Path) -> None:
    run = example_run(tmp_path / "run")
    record = RunFolder(run).run()
    assert record.schema_version == 2
    data = record.model_dump(mode="json") | {"schema_version": 1, "isolation": "level C: a process of its own"}
    old = RunRecord.model_validate(data)
    assert old.isolation == Isolation(level="C")
    assert old.config == record.config
