"""A recorded run from the command line: replayed offline, stopped by a cap, and gone on with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import autoreward
from autoreward.api import TaskChoice
from autoreward.cli import main, parse
from autoreward.commands.run import Run
from autoreward.config import RunConfig
from autoreward.errors import UserError
from autoreward.llm.cassette import write_cassette
from autoreward.llm.contract import CallName, Message, Reply
from autoreward.llm.scripted import ScriptedChat
from autoreward.prompts.render import BUILT_IN
from autoreward.search.loop import start
from autoreward.search.observer import Observer
from autoreward.store.folder import RunFolder
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.trainer import CLIMB

TASK = TaskChoice(
    env="autoreward.testing.trainer:LineEnv",
    step_limit=10,
    text="Climb above 3.",
    success="obs_0 > 3",
    wishes="Gently.",
)
TRUST = ("autoreward.testing.trainer:LineEnv", "autoreward.testing.trainer:NoTrainer")
FLAGS = [word for name, value in TASK if value is not None for word in ("--" + name.replace("_", "-"), str(value))]
SMALL = {
    "designer": "llm",
    "rounds": 1,
    "candidates": 2,
    "search_seeds": 1,
    "selection_seeds": 1,
    "report_seeds": 1,
    "report_episodes": 2,
    "steps": 512,
    "probe_seconds": 1.5,
    "llm": {"base_url": "http://127.0.0.1:9/v1"},
    "trainer": {"name": "autoreward.testing.trainer:NoTrainer"},
}


def model(name: CallName, messages: tuple[Message, ...]) -> Reply:
    """Costs a known price for the Designer, and an unknown one for the others."""
    if name.role != "designer":
        return Reply(text='{"verdict": "approve", "findings": []}')
    program = CLIMB.replace("position", "obs_0").replace("2.0", f"{name.candidate + 2}.0")
    return Reply(text=f"Idea: climb\n\n```python\n{program}```\n", usd=0.25)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    config = RunConfig.model_validate({**SMALL, "runs": tmp_path_factory.mktemp("recorded")})
    chat, engine = ScriptedChat(model), InProcessEngine()
    return RunFolder(start(TASK.resolve(), config, Observer(), chat=chat, engine=engine))


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the replayed runs go; neither key nor endpoint."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(json.dumps(SMALL))
    return tmp_path / "runs"


def replay(recording: Path, *flags: str) -> int:
    return main(["run", *FLAGS, "--config", "small.yaml", "--llm.replay", str(recording), "--replay-trainings", *flags])


def test_a_replayed_run_is_the_recorded_one(
    recorded: RunFolder, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The beginning of a name will do, also when the new run's name begins likewise and is resumed."""
    runs.symlink_to(recorded.path.parent)
    assert replay(Path(recorded.path.name[:6])) == 0
    assert "differs" not in capsys.readouterr().out
    (path,) = {found.parent for found in runs.resolve().glob("*/run.json")} - {recorded.path}
    again, expected = RunFolder(path), recorded.report()
    report = again.report()
    assert report and expected
    assert (report.winner, report.rows) == (expected.winner, expected.rows)
    (path / "report.json").unlink()
    assert main(["resume", path.name, "--trust", *TRUST]) == 0
    assert again.report() == report


def test_a_recording_alone_says_what_is_replayed(
    recorded: RunFolder, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Task and options are the record's, flags override them, and where runs go is said here."""
    alone = ["run", "--llm.replay", str(recorded.path), "--replay-trainings"]
    assert main(alone) == 2
    said = capsys.readouterr().err
    assert "Python to be imported and run" in said
    trust = [word for name in TRUST for word in ("--trust", name)]
    assert all(f"--trust {name}" in said for name in TRUST)
    assert main([*alone, *trust[:2]]) == 2
    assert not runs.exists()
    assert main([*alone, *trust]) == 0
    assert "differs" not in capsys.readouterr().out
    (path,) = (found.parent for found in runs.glob("*/run.json"))
    again, expected = RunFolder(path), recorded.report()
    report = again.report()
    assert report and expected
    assert (report.winner, report.rows) == (expected.winner, expected.rows)
    assert again.run().task == recorded.run().task
    assert main(["run", "--config", "small.yaml", *alone[1:], *trust, "--dry-run"]) == 0
    assert "at most 2 trainings of 512 steps" in capsys.readouterr().out
    assert main([*alone, *trust, "--candidates", "1", "--dry-run"]) == 0
    assert "at most 1 trainings of 512 steps" in capsys.readouterr().out


def test_a_recorded_configuration_brings_in_no_python_of_its_own(
    recorded: RunFolder, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its task names a trainer of ours, and its configuration another, which would replace it."""
    folder = RunFolder(Path(shutil.copytree(recorded.path, "from_elsewhere")))
    run = folder.run()
    trainer = run.config.trainer.model_copy(update={"name": "evil:Trainer"})
    changed = {"trainer": trainer, "isolation": "C", "runs": Path("elsewhere"), "shared_trainings": Path("lent")}
    task = run.task.model_copy(update={"trainer": run.task.trainer.model_copy(update={"name": "batch"})})
    config = run.config.model_copy(update=changed)
    folder.write_run(run.model_copy(update={"config": config, "task": task}))
    alone = ["run", "--llm.replay", "from_elsewhere", "--trust", TRUST[0]]
    assert main([*alone, "--dry-run"]) == 2
    assert "task.trainer.name: evil:Trainer" in capsys.readouterr().err
    command = parse([*alone, "--trainer.name", TRUST[1]])
    assert isinstance(command, Run)
    taken = command.config
    assert (taken.isolation, taken.runs, taken.shared_trainings) == (None, Path("runs"), None)
    assert main([*alone, "--trainer.name", TRUST[1], "--dry-run"]) == 0, "what the user names is trusted"


def test_prompts_that_differ_are_told_once_for_each_call(
    recorded: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    own = Path("own/critic/system.md.j2")
    own.parent.mkdir(parents=True)
    own.write_text((BUILT_IN / "critic" / "system.md.j2").read_text() + "\nBe kind.\n")
    assert replay(recorded.path, "--llm.prompts", "own") == 0
    said = capsys.readouterr().out
    assert [said.count(f"the prompt of {call} in round 0 differs") for call in ("critic-0-0", "critic-1-0")] == [1, 1]
    assert said.count("differs") == 2


def test_a_cap_is_raised_by_resume(recorded: RunFolder, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also from Python. What resume is not given stays as it was recorded."""
    assert replay(recorded.path, "--budget.llm-calls", "3", "--llm.no-review") == 0
    assert "the search stopped early: the cap of 3 language-model calls" in capsys.readouterr().out
    (path,) = (found.parent for found in runs.glob("*/run.json"))
    assert [record.name for record in RunFolder(path).all_candidates()] == ["0.0", "0.1"]
    assert main(["resume", "--budget.llm-calls", "4", "--trust", *TRUST]) == 0
    assert "stopped early" not in capsys.readouterr().out
    config = RunFolder(path).run().config
    assert (config.budget.llm_calls, config.llm.review, config.llm.replay) == (4, False, str(recorded.path))
    resumed = autoreward.resume(path, budget={"llm_tokens": 10**6}, trust=TRUST)
    assert resumed.record.config.budget.model_dump(exclude_none=True) == {"llm_calls": 4, "llm_tokens": 10**6}
    assert resumed.spent.llm_calls == 4
    assert main(["resume", "--budget.llm-calls", "none", "--trust", *TRUST]) == 0
    assert RunFolder(path).run().config.budget.model_dump(exclude_none=True) == {"llm_tokens": 10**6}
    with pytest.raises(UserError, match="llm_call"):
        autoreward.resume(path, budget={"llm_call": 9})


def test_inspect_shows_what_the_language_model_took(recorded: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    """A price that is not known is never shown as 0."""
    assert recorded.spent().llm_usd is None
    assert main(["inspect", str(recorded.path)]) == 0
    said = capsys.readouterr().out
    lines = {
        line.split("│")[1].strip(): [cell.strip() for cell in line.split("│")[2:]]
        for line in said.splitlines()
        if line.count("│") > 5
    }
    assert (lines["designer"][0], lines["designer"][3]) == ("2", "0.5000")
    assert [lines[part][3] for part in ("in all", "critic", "round 0", "to the best, 0.0")] == ["-"] * 4
    assert "6 LLM calls, US$ -" in said
    assert "wishes    Gently." in said
    assert main(["inspect", str(recorded.path), "--json"]) == 0
    book = json.loads(capsys.readouterr().out)["ledger"]
    assert (book["by_role"]["designer"]["usd"], book["total"]["usd"], book["total"]["calls"]) == (0.5, None, 6)


def test_what_cannot_be_replayed(recorded: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    write_cassette(recorded.path, Path("line.jsonl"), "scripted, for a test")
    assert replay(Path("line.jsonl")) == 2
    assert "line.jsonl holds replies alone; give --llm.replay the folder of a run" in capsys.readouterr().err
    assert replay(Path("nowhere")) == 2
    assert "unknown run 'nowhere'" in capsys.readouterr().err
    assert main(["run", *FLAGS, "--config", "small.yaml", "--replay-trainings"]) == 2
    assert "say which, with --llm.replay RUN" in capsys.readouterr().err
    assert not list(Path("runs").glob("*"))
