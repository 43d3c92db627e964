"""`autoreward sweep`, on a tiny environment with a trainer that learns nothing."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

import pytest

from autoreward.cli import main
from autoreward.designer.contract import Brief, Proposal
from autoreward.errors import EndpointError
from autoreward.records import read_record
from autoreward.store.folder import RunFolder, locked
from autoreward.sweeps.records import SweepRecord
from autoreward.testing.trainer import CLIMB

TASK = {
    "env": "autoreward.testing.trainer:LineEnv",
    "text": "Climb above 3.",
    "success": "obs_0 > 3",
    "step_limit": 10,
}
SMALL: dict[str, Any] = {
    "designer": "test_sweeping:Climbing",
    "rounds": 1,
    "candidates": 1,
    "critic": "smoke",
    "search_seeds": 1,
    "selection_seeds": 1,
    "report_seeds": 2,
    "report_episodes": 4,
    "steps": 512,
    "slots": 1,
    "trainer": {"name": "autoreward.testing.trainer:NoTrainer"},
}
TWO: dict[str, Any] = {
    "tasks": [TASK],
    "seeds": [0],
    "config": SMALL,
    "overrides": [{"name": "one"}, {"name": "more", "candidates": 2}],
}


class Climbing:
    """A Designer whose programs all work."""

    def propose(self, brief: Brief) -> Proposal:
        return Proposal(source=CLIMB.replace("position", "obs_0").replace("2.0", f"{2 + brief.index}.0"))

    def repair(self, brief: Brief, refused: Proposal, reason: str, attempt: int) -> Proposal:
        raise AssertionError(f"none is refused: {reason}")


class Unreachable(Climbing):
    """A Designer that nobody answers in the first run of a process."""

    asked: ClassVar[set[int]] = set()

    def propose(self, brief: Brief) -> Proposal:
        if brief.seed == 0 and not self.asked:
            self.asked.add(brief.seed)
            raise EndpointError("nobody answers")
        return super().propose(brief)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(**changes: Any) -> None:
    Path("line.yaml").write_text(json.dumps({**TWO, **changes}))


def test_a_sweep_is_resumed_where_it_stood(capsys: pytest.CaptureFixture[str]) -> None:
    write()
    assert main(["sweep", "line.yaml"]) == 0
    folder = Path("runs/sweep-line")
    record = read_record(folder / "sweep.json", SweepRecord)
    assert [(run.seed, run.arm, run.status) for run in record.runs] == [
        (0, "one", "finished"),
        (0, "more", "finished"),
    ]
    alone = {RunFolder(folder / run.name).run().config.episodes for run in record.runs}
    assert alone == {"own"}, "runs that are compared do not help each other"
    said = capsys.readouterr().out
    assert "Interquartile mean of success over runs" in said and "Probability that a run" in said
    page = (folder / "summary.html").read_text()
    assert "2 of 2 runs" in page and f"{record.runs[0].name}/report.html" in page and 'src="http' not in page
    with (folder / "runs.csv").open() as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["finished"] * 2
    with (folder / "summary.csv").open() as file:
        assert {row["arm"] for row in csv.DictReader(file)} == {
            "one",
            "more",
            "random",
            "sparse",
            "human or reference",
        }

    (folder / record.runs[1].name / "report.json").unlink()
    assert main(["sweep", "line.yaml"]) == 0
    said = capsys.readouterr().out
    assert f"resumed {folder / record.runs[1].name}" in said
    assert record.runs[0].name not in said.split("Success on fresh seeds")[0], "what is finished is left alone"
    again = read_record(folder / "sweep.json", SweepRecord)
    assert again.runs == record.runs
    assert again.spent.env_steps == record.spent.env_steps, "nothing was trained again"

    # A second sweep waits for no one, and leaves alone what the first has just begun.
    with locked(folder):
        assert main(["sweep", "line.yaml"]) == 2
    assert "another process is at work" in capsys.readouterr().err

    write(config={**SMALL, "rounds": 2})
    assert main(["sweep", "line.yaml"]) == 2
    assert "--folder" in capsys.readouterr().err


def test_a_dry_run_lists_the_runs_and_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    write()
    assert main(["sweep", "line.yaml", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "2 runs" in said and "LineEnv_seed0_one" in said and "LineEnv_seed0_more" in said
    assert not Path("runs").exists()


@pytest.mark.slow
def test_a_cap_on_steps_leaves_runs_to_be_gone_on_with(capsys: pytest.CaptureFixture[str]) -> None:
    """Four trainings are allowed; the run that begins a fifth is left as it stands, and a larger cap ends it."""
    write(overrides=[], seeds=[0, 1], budget={"env_steps": 4 * 512})
    assert main(["sweep", "line.yaml"]) == 1
    said = capsys.readouterr().out
    assert "budget.env_steps = 2,048 is reached" in said and "go on" in said.replace("goes on", "go on")
    record = read_record(Path("runs/sweep-line/sweep.json"), SweepRecord)
    assert record.stopped and 0 < record.spent.env_steps <= 4 * 512
    assert "finished" not in {run.status for run in record.runs}

    write(overrides=[], seeds=[0, 1])
    assert main(["sweep", "line.yaml"]) == 0
    after = read_record(Path("runs/sweep-line/sweep.json"), SweepRecord)
    assert [run.status for run in after.runs] == ["finished"] * 2
    trained = {path.parent.name for path in Path("runs/sweep-line").glob("*/trainings/*/result-512.json")}
    random = 4  # of two seeds each, which train nothing
    assert after.spent.env_steps == 512 * (len(trained) - random), "each training is done, and counted, once"


@pytest.mark.slow
def test_an_interrupt_says_how_to_go_on() -> None:
    """Ctrl-C while runs are under way: exit code 130, and the same command finishes the sweep."""
    write(overrides=[], seeds=[0, 1])
    with subprocess.Popen(
        [sys.executable, "-m", "autoreward", "sweep", "line.yaml"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent)},
        # A shell that started these tests in the background has told them, and so the program, to ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        deadline = time.monotonic() + 60
        while not list(Path("runs").glob("*/*/trainings/*/job.json")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    typed = said.rpartition("go on with: autoreward ")[2].splitlines()[0].split()
    assert typed == ["sweep", "line.yaml", "--folder", "runs/sweep-line"]
    assert {run.status for run in read_record(Path("runs/sweep-line/sweep.json"), SweepRecord).runs} != {"finished"}
    assert main(typed) == 0


@pytest.mark.slow
def test_a_run_that_fails_takes_no_other_along_and_is_gone_on_with(capsys: pytest.CaptureFixture[str]) -> None:
    write(overrides=[], seeds=[0, 1], config={**SMALL, "designer": "test_sweeping:Unreachable"})
    assert main(["sweep", "line.yaml"]) == 1
    assert "LineEnv_seed0_base failed: nobody answers" in capsys.readouterr().out
    record = read_record(Path("runs/sweep-line/sweep.json"), SweepRecord)
    assert [run.status for run in record.runs] == ["failed", "finished"]
    assert main(["sweep", "line.yaml"]) == 0
    record = read_record(Path("runs/sweep-line/sweep.json"), SweepRecord)
    assert [(run.status, run.error) for run in record.runs] == [("finished", "")] * 2


@pytest.mark.slow
def test_runs_that_ask_a_language_model_share_the_sweeps_account(capsys: pytest.CaptureFixture[str]) -> None:
    """Two runs replay one cassette in threads; what they took is added up, and a smaller cap ends the sweep early."""
    cassette = Path(__file__).parents[1] / "llm" / "cassettes" / "reacher.jsonl"
    small = {key: value for key, value in SMALL.items() if key not in ("designer", "critic")}
    config = {**small, "designer": "llm", "probe_seconds": 1.5, "llm": {"replay": str(cassette), "review": False}}
    config["analyzer"] = "statistics"
    write(tasks=["reacher"], seeds=[0, 1], overrides=[], config=config)
    assert main(["sweep", "line.yaml"]) == 0
    record = read_record(Path("runs/sweep-line/sweep.json"), SweepRecord)
    took = [RunFolder(Path("runs/sweep-line") / run.name).spent().llm_tokens for run in record.runs]
    assert all(took) and record.spent.llm_tokens == sum(took)

    write(tasks=["reacher"], seeds=[0, 1], overrides=[], config=config, budget={"llm_tokens": 1})
    assert main(["sweep", "line.yaml", "--folder", "runs/capped"]) == 1
    assert "budget.llm_tokens = 1 is reached" in capsys.readouterr().out
    record = read_record(Path("runs/capped/sweep.json"), SweepRecord)
    assert record.spent.llm_tokens == 0 and "finished" not in {run.status for run in record.runs}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"tasks": []}, "has no run in it: `tasks` is empty; name one, such as tasks: [reacher]"),
        ({"seeds": []}, "has no run in it: `seeds` is empty; write for example seeds: [0]"),
        ({"exclude": [{"seed": [0, 3]}]}, "has no run in it: `exclude` leaves nothing"),
        ({"exclude": [{"seed": 7}]}, "exclude.0 matches no run"),
        ({"exclude": [{}]}, "exclude.0 is empty"),
        ({"include": [{"override": "onne"}]}, "Closest: one"),
        ({"designers": ["compser"]}, "Closest: composer"),
        ({"designers": ["composer"], "overrides": [{"name": "a", "designer": "llm"}]}, "leave one of them out"),
        ({"overrides": [{"name": "a", "slots": 3}]}, "slots is the whole sweep's; put it under `config`"),
        ({"overrides": [{"name": "a", "seed": 3}]}, "put it under `seeds`"),
        ({"budget": {"llm_calls": 3}}, "unknown field 'budget.llm_calls'"),
        ({"config": {**SMALL, "seed": 7}}, "config: a sweep has several seeds; put them under `seeds`"),
        (
            {"config": {**SMALL, "llm": {"base_url": "http://x"}}, "designers": ["llm"], "models": ["a/b", "a_b"]},
            "two arms would be named 'llm-a_b-one'",
        ),
    ],
)
def test_a_matrix_that_is_wrong(capsys: pytest.CaptureFixture[str], changes: dict[str, Any], told: str) -> None:
    write(**changes)
    assert main(["sweep", "line.yaml"]) == 2
    assert told in capsys.readouterr().err
    assert not Path("runs").exists()


def test_settings_that_fit_no_task_are_told_before_anything_is_spent(capsys: pytest.CaptureFixture[str]) -> None:
    write(overrides=[{"name": "good"}, {"name": "bad", "trainer": {"name": "sb3", "algorithm": "DQN"}}])
    assert main(["sweep", "line.yaml"]) == 2
    said = capsys.readouterr().err
    assert "with bad: DQN cannot choose the continuous actions" in said
    assert not list(Path("runs").glob("*/*/run.json"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"designer": "no_such_module:Designer"}, "module 'no_such_module' cannot be imported"),
        ({"designer": "llm"}, "OPENAI_API_KEY"),
        ({"start_from": "nowhere.py"}, "reward file nowhere.py does not exist"),
    ],
)
def test_what_a_late_run_could_not_begin_with_is_told_at_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], said: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    config = {key: value for key, value in SMALL.items() if key not in changes}
    write(config=config, overrides=[{"name": "good", "designer": "composer"}, {"name": "late", **changes}])
    assert main(["sweep", "line.yaml"]) == 2
    error = capsys.readouterr().err
    assert "with late: " in error and said in error
    assert not list(Path("runs").glob("*/*/run.json"))


def test_the_folder_of_the_file_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    write(config={**SMALL, "runs": "/proc/nowhere"})
    assert main(["sweep", "line.yaml"]) == 2
    assert "/proc/nowhere/sweep-line" in (said := capsys.readouterr().err) and "with --folder FOLDER" in said


def test_a_cap_on_money_needs_a_price(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    llm = {"model": "a-model-of-my-own", "base_url": "http://127.0.0.1:9/v1"}
    write(config={**SMALL, "designer": "llm", "llm": llm}, overrides=[], budget={"llm_usd": 1})
    assert main(["sweep", "line.yaml"]) == 2
    assert "the price of the language model a-model-of-my-own is not known" in capsys.readouterr().err
