"""The commands that train, on a tiny environment with a trainer that learns nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import autoreward
from autoreward.cli import main
from autoreward.records import read_record
from autoreward.store.folder import RunFolder, locked
from autoreward.testing.trainer import CLIMB
from autoreward.training.contract import TrainingJob

LINE = ["--env", "autoreward.testing.trainer:LineEnv", "--step-limit", "10"]
TASK = [*LINE, "--text", "Climb above 3.", "--success", "obs_0 > 3"]
SIGNS = """\
IDEA = "Up counts."

def sparse(state, action, next_state, memory):
    return {"top": next_state["obs_0"] > 3.0}

def dense(state, action, next_state, memory):
    return {"up": next_state["obs_0"] - state["obs_0"]}
"""
TRUST = ("autoreward.testing.trainer:NoTrainer", "autoreward.testing.trainer:LineEnv")
SMALL: dict[str, Any] = {
    "designer": "composer",
    "rounds": 1,
    "candidates": 1,
    "search_seeds": 1,
    "selection_seeds": 1,
    "report_seeds": 2,
    "report_episodes": 4,
    "steps": 512,
    "probe_seconds": 1.5,
    "trainer": {"name": "autoreward.testing.trainer:NoTrainer"},
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(json.dumps(SMALL))


def test_run_ends_with_the_table_and_the_paths(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *TASK, "--config", "small.yaml"]) == 0
    said = capsys.readouterr().out
    (folder,) = (path.parent for path in Path("runs").glob("*/run.json"))
    assert all(label in said for label in ("random", "sparse", "own reward", "designed", "2 seeds x 4 episodes"))
    assert "0.0 trained: true success" in said
    for path in (folder / "best" / "reward.py", folder / "best" / "policy.safetensors", folder / "report.html"):
        assert str(path) in said
        assert path.exists()
    assert main(["resume", "--trust", *TRUST]) == 0
    assert "seed 3000" not in capsys.readouterr().out


def test_run_from_python() -> None:
    run = autoreward.run(
        env="autoreward.testing.trainer:LineEnv", step_limit=10, text="Climb above 3.", success="obs_0 > 3", **SMALL
    )
    assert run.report
    assert run.report.winner == (0, 0)
    assert run.record.config.report_episodes == 4


def test_an_interrupt_says_how_to_go_on() -> None:
    """Ctrl-C while trainings run: exit code 130, and `resume` finishes the run."""
    program = [sys.executable, "-m", "autoreward", "run", *TASK, "--config", "small.yaml", "--slots", "1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        program,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        # A shell that started these tests in the background has told them, and so the program, to ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        deadline = time.monotonic() + 60
        while not list(Path("runs").glob("*/trainings/*/job.json")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    (folder,) = (path.parent for path in Path("runs").glob("*/run.json"))
    assert process.returncode == 130
    assert "Traceback" not in said
    typed = said.rpartition("go on with: autoreward ")[2].splitlines()[0].split()
    assert typed == ["resume", str(folder), "--trust", *TRUST]
    assert main(typed) == 0
    assert RunFolder(folder).report()


def test_train_measures_a_file_beside_the_baselines(capsys: pytest.CaptureFixture[str]) -> None:
    Path("climb.py").write_text(CLIMB.replace("position", "obs_0"))
    given = ["climb.py", *LINE[:2], "--success", "obs_0 > 3", "--steps", "1024", "--seeds", "1", "--episodes", "3"]
    trainer = ["--trainer.name", SMALL["trainer"]["name"]]
    assert main(["train", *given, *trainer, "--baselines"]) == 0
    said = capsys.readouterr().out
    assert all(label in said for label in ("climb", "sparse", "human", "1 seed x 3 episodes", "policy of seed 0"))
    assert {path.name.split("-")[1] for path in Path("runs/episodes").glob("*/*.npz")} >= {"sparse", "human"}
    assert main(["train", "climb.py", *LINE[:2], "--seeds", "1"]) == 2
    assert "--success" in capsys.readouterr().err


def test_train_takes_a_file_named_like_a_baseline() -> None:
    Path("sparse.py").write_text(CLIMB.replace("position", "obs_0"))
    given = ["sparse.py", *LINE[:2], "--success", "obs_0 > 3", "--seeds", "1", "--episodes", "2"]
    train = ["train", *given, "--trainer.name", SMALL["trainer"]["name"]]
    assert main([*train, "--steps", "512", "--baselines"]) == 0
    (folder,) = Path("runs").glob("train-sparse-*")
    jobs = [read_record(path, TrainingJob) for path in folder.glob("trainings/*/job.json")]
    assert sorted(job.reward.kind for job in jobs) == ["human", "program", "sparse"]

    # A training of another length is another training: the policy of the first stays what it was.
    (first,) = (path.parent for path in folder.glob("trainings/*/job.json") if '"program"' in path.read_text())
    before = {path: path.stat().st_mtime_ns for path in first.iterdir()}
    for steps in ("1024", "512"):
        assert main([*train, "--steps", steps]) == 0
    assert {path: path.stat().st_mtime_ns for path in first.iterdir()} == before
    assert len(list(folder.glob("trainings/*/job.json"))) == 4
    with locked(folder):
        assert main([*train, "--steps", "512"]) == 2


def test_a_reference_is_trained_in_its_own_grammar() -> None:
    Path("reference.py").write_text(CLIMB.replace("position", "obs_0"))
    task = {"text": "Climb.", "success": {"expression": "obs_0 > 3"}, "reference": "reference.py"}
    Path("line.yaml").write_text(json.dumps({"env": {"id": LINE[1], "step_limit": 10}, "tasks": {"climb": task}}))
    Path("signs.py").write_text(SIGNS)
    given = ["signs.py", "--env", "line.yaml", "--trust", "line.yaml", "--grammar", "signs"]
    given += ["--seeds", "1", "--episodes", "2"]
    trainer = ["--trainer.name", SMALL["trainer"]["name"], "--steps", "512"]
    assert main(["train", *given, *trainer, "--baselines"]) == 0
    jobs = [read_record(path, TrainingJob) for path in Path("runs").glob("train-signs-*/trainings/*/job.json")]
    grammars = {job.reward.source: job.reward.grammar for job in jobs if job.reward.kind == "program"}
    assert grammars == {SIGNS: "signs", Path("reference.py").read_text(): "terms"}
