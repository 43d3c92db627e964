"""A run folder is data, and may come from anywhere: nothing that it names is imported before the user has said so."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import autoreward
from autoreward.cli import main
from autoreward.envs.registry import _describe as describe_once
from autoreward.errors import UserError
from autoreward.records import read_record, write_record
from autoreward.search.observer import Observer
from autoreward.search.trainings import Trainings
from autoreward.store.folder import RunFolder
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.folder import example_run
from autoreward.testing.trainer import line_task
from autoreward.training.contract import RewardSpec, TrainingJob
from autoreward.training.files import JOB

EVIL = """
from pathlib import Path
Path("was_run").touch()
import gymnasium
from autoreward.testing.trainer import NoTrainer
from autoreward.designer.composer import Composer as Designer
def make():
    return gymnasium.make("Reacher-v5")
"""
NAMED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "designer": ({"designer": "evil_run:Designer"}, ["designer: evil_run:Designer"]),
    "environment": ({"task": {"env": {"id": "evil_run:make"}}}, ["task.env.id: evil_run:make"]),
    "any function": ({"task": {"env": {"id": "os:system", "kwargs": {"command": "touch was_run"}}}}, ["os:system"]),
    "our functions too": ({"task": {"env": {"id": "autoreward.records:write_bytes"}}}, ["autoreward.records:"]),
    "interpreter": (
        {"task": {"env": {"python": "/evil/python"}}},
        ["task.env.python: /evil/python", "--trust /evil/python"],
    ),
    "trainer": ({"task": {"trainer": {"name": "evil_run:NoTrainer"}}}, ["task.trainer.name: evil_run:NoTrainer"]),
    "algorithm": (
        {"task": {"trainer": {"name": "sb3", "algorithm": "evil_run:NoTrainer"}}},
        ["task.trainer.algorithm: evil_run:NoTrainer"],
    ),
    "engine": ({"config": {"engine": {"name": "evil_run:make"}}}, ["config.engine.name: evil_run:make"]),
    "cluster": (
        {"config": {"engine": {"name": "ray", "address": "evil:6379"}}},
        ["trainings to be done elsewhere (config.engine.address: evil:6379)", "--trust evil:6379"],
    ),
    "two of them": (
        {"designer": "evil_run:Designer", "task": {"env": {"id": "evil_run:make"}}},
        ["designer: evil_run:Designer; task.env.id: evil_run:make", "--trust evil_run:Designer evil_run:make"],
    ),
    "endpoint": (
        {"designer": "llm", "config": {"llm": {"base_url": "http://127.0.0.1:9/v1"}}},
        ["your OPENAI_API_KEY to be sent to http://127.0.0.1:9/v1", "--trust http://127.0.0.1:9/v1"],
    ),
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "evil_run", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    describe_once.cache_clear()
    Path("evil_run.py").write_text(EVIL)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example_run(tmp_path_factory.mktemp("runs") / "example")


def changed(data: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return data | {
        key: changed(data[key], value) if isinstance(value, dict) and key != "kwargs" else value
        for key, value in changes.items()
    }


def from_elsewhere(finished: Path, changes: dict[str, Any]) -> Path:
    """Somebody's run, whose record says other things."""
    run = Path(shutil.copytree(finished, "run"))
    record = changed(json.loads((run / "run.json").read_text()), changes)
    (run / "run.json").write_text(json.dumps(record))
    return run


@pytest.mark.parametrize("name", NAMED)
def test_resume_says_what_a_run_would_do_and_does_not_do_it(
    name: str, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes, words = NAMED[name]
    run = from_elsewhere(finished, changes)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for command in (["resume", "run"], ["resume", "run", "--trust", "another:one"]):
        assert main(command) == 2
        said = capsys.readouterr().err
        assert "autoreward resume run --trust " in said
        assert all(each in said for each in words), said
    with pytest.raises(UserError, match="--trust"):
        autoreward.resume("run", trust=["another:one"])
    assert not Path("was_run").exists()
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}, "nor is anything written"


def typed(message: str) -> list[str]:
    """The command that a message ends with."""
    found = re.search(r"type: autoreward (.*)$", message.strip())
    assert found, message
    return shlex.split(found[1])


def test_the_command_that_is_told_goes_on_with_the_users_own_run(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from_elsewhere(finished, NAMED["two of them"][0])
    assert main(["resume", "run"]) == 2
    command = typed(capsys.readouterr().err)
    assert main(command) == 0
    assert Path("was_run").exists()


def test_an_endpoint_that_the_user_names_needs_no_other_word(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes, _ = NAMED["endpoint"]
    from_elsewhere(finished, changes)
    assert main(["resume", "run", "--llm.base-url", "http://127.0.0.1:19/v1"]) == 0
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:19/v1")
    assert main(["resume", "run"]) == 0, "it is the one of the environment"


@pytest.mark.parametrize("whole", [True, False], ids=["run", "training"])
def test_export_for_sb3_asks_before_it_makes_the_environment(
    whole: bool, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = from_elsewhere(finished, {"task": {"env": {"id": "evil_run:make"}}})
    if not whole:
        task = RunFolder(run).run().task
        write_record(run / "best" / JOB, TrainingJob(task=task, reward=RewardSpec(kind="human"), seed=0, episodes=2))
    command = ["export", "run" if whole else "run/best", "--sb3", "--to", "out"]
    assert main(command) == 2
    said = capsys.readouterr().err
    assert "task.env.id: evil_run:make" in said
    assert not Path("was_run").exists() and not Path("out").exists()
    assert main(typed(said)) == 0
    assert Path("was_run").exists() and Path("out/policy.zip").exists()


def test_a_package_without_a_policy_imports_nothing(finished: Path) -> None:
    from_elsewhere(finished, {"task": {"env": {"id": "evil_run:make"}}})
    assert main(["export", "run", "--to", "out"]) == 0
    assert main(["inspect", "run"]) == 0
    assert not Path("was_run").exists()


def test_a_sweep_takes_no_designer_from_a_folder(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = RunFolder(finished).run().config.model_dump(mode="json", exclude={"seed"})
    Path("sweep.yaml").write_text(json.dumps({"tasks": ["reacher"], "config": config}))
    run = from_elsewhere(finished, {"designer": "evil_run:Designer"})
    shutil.copytree(run, "sweep/reacher_seed0_base")
    assert main(["sweep", "sweep.yaml", "--folder", "sweep"]) == 2
    assert "names a designer that sweep.yaml does not: evil_run:Designer" in capsys.readouterr().err
    assert not Path("was_run").exists()


def test_a_job_that_lies_in_a_folder_is_not_what_a_worker_reads(tmp_path: Path) -> None:
    task, spec = line_task(), RewardSpec(kind="random")
    job = TrainingJob(task=task, reward=spec, seed=0, episodes=2)
    settings = task.trainer.model_copy(update={"name": "evil_run:NoTrainer"})
    hostile = job.model_copy(update={"task": task.model_copy(update={"trainer": settings})})
    for name, shared in (("run", None), ("lender", tmp_path / "shared"), ("borrower", tmp_path / "shared")):
        folder = RunFolder(tmp_path / name)
        write_record((shared if name == "borrower" and shared else folder.path / "trainings") / job.hash / JOB, hostile)
        Trainings(folder, task, InProcessEngine(), Observer(), shared=shared).run({"random": spec}, [0], episodes=2)
        assert read_record(folder.training_folder(job.hash) / JOB, TrainingJob) == job
    assert not Path("was_run").exists()
