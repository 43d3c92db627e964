"""A run that a cap has ended goes on with a larger one, and nothing recorded is asked for or trained again."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from autoreward.cli import parse
from autoreward.commands.run import Resume
from autoreward.config import Budget, LLMConfig
from autoreward.display import outcome
from autoreward.errors import UserError
from autoreward.llm.contract import CallName, Message
from autoreward.llm.scripted import ScriptedChat
from autoreward.search.loop import resume, start
from autoreward.search.observer import Observer
from autoreward.search.reopen import reopen
from autoreward.store.folder import RunFolder, locked
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.run import small_run
from autoreward.testing.trainer import CLIMB, line_task


def model(name: CallName, messages: tuple[Message, ...]) -> str:
    if name.role != "designer":
        return '{"verdict": "approve", "findings": []}'
    return f"Idea: climb\n\n```python\n{CLIMB.replace('2.0', f'{1 + name.round * 10 + name.candidate}.0')}```\n"


def stopped(runs: Path, budget: Budget) -> tuple[RunFolder, ScriptedChat]:
    config = small_run(runs, rounds=2, candidates=2, budget=budget)
    chat = ScriptedChat(model)
    return RunFolder.open(start(line_task(), config, Observer(), chat=chat, engine=InProcessEngine())), chat


@pytest.mark.parametrize("budget", [Budget(llm_calls=3), Budget(env_steps=3 * 4000), Budget(wall_seconds=1)])
def test_a_larger_budget_finishes_the_run(budget: Budget, tmp_path: Path) -> None:
    folder, first = stopped(tmp_path, budget)
    report = folder.report()
    assert report
    assert report.stopped
    assert (report.stopped == "budget.env_steps = 12000 left round 1 with 1 of 2 candidates") == bool(budget.env_steps)
    assert len([record for record in folder.all_candidates() if record.status == "trained"]) < 4
    reopen(folder, Budget())
    second = ScriptedChat(model)
    resume(folder.path, Observer(), chat=second, engine=InProcessEngine())
    assert [(record.name, record.status) for record in folder.all_candidates()] == [
        (name, "trained") for name in ("0.0", "0.1", "1.0", "1.1")
    ]
    asked = [name for chat in (first, second) for name, _ in chat.asked]
    assert len(set(asked)) == len(asked) == 12, "each call once: designer, critic and analyzer of four candidates"
    report = folder.report()
    assert report
    assert report.stopped == ""


@pytest.mark.parametrize("budget", [Budget(llm_calls=1), Budget(env_steps=3999)])
def test_a_cap_before_the_first_candidate_measures_nothing_and_says_how_to_go_on(
    budget: Budget, tmp_path: Path
) -> None:
    folder, _ = stopped(tmp_path, budget)
    report = folder.report()
    assert report
    assert (report.winner, report.rows) == (None, ())
    assert not list(folder.path.glob("trainings/*")), "no baseline was trained for nothing"
    shown = "\n".join(str(part) for part in outcome(folder.path, report))
    assert "could be trained" not in shown
    command = shlex.split(next(line for line in shown.splitlines() if line.startswith("go on")).partition(": ")[2])
    assert command[:3] == ["autoreward", "resume", str(folder.path)]
    reopened = parse(command[1:])
    assert isinstance(reopened, Resume)
    assert reopened.budget == Budget()
    reopen(folder, reopened.budget)
    resume(folder.path, Observer(), chat=ScriptedChat(model), engine=InProcessEngine())
    report = folder.report()
    assert report
    assert [row.name for row in report.rows] == ["random", "sparse", "human", "designed"]


@pytest.fixture(scope="module")
def capped(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return stopped(tmp_path_factory.mktemp("runs"), Budget(llm_calls=3))[0]


@pytest.fixture
def folder(capped: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder.open(Path(shutil.copytree(capped.path, tmp_path / "run")))


def test_a_budget_that_is_no_larger_stops_it_again(folder: RunFolder) -> None:
    reopen(folder, Budget(llm_calls=3))
    resume(folder.path, Observer(), chat=ScriptedChat([]), engine=InProcessEngine())
    report = folder.report()
    assert report
    assert "llm-calls" in report.stopped


def test_another_model_changes_nothing_else(folder: RunFolder) -> None:
    before, report = folder.run(), folder.report()
    after = reopen(folder, llm=LLMConfig(model="another"))
    assert folder.run() == after
    assert after.config.llm.model == "another"
    assert after.model_copy(update={"config": before.config}) == before
    assert folder.report() == report


def test_a_small_effort_is_for_one_grammar(folder: RunFolder) -> None:
    """It is refused as `run` refuses it, and the run stays as it was."""
    run = folder.run()
    signs = run.model_copy(update={"task": run.task.model_copy(update={"grammar": "signs"})})
    folder.write_run(signs)
    with pytest.raises(UserError, match=r"--llm\.effort small knows the grammar terms alone.* is signs"):
        reopen(folder, Budget(), LLMConfig(effort="small"))
    assert folder.run() == signs
    assert folder.report()
    folder.write_run(run)
    assert reopen(folder, llm=LLMConfig(effort="small")).config.llm.effort == "small"


def test_not_while_somebody_is_at_work_on_it(folder: RunFolder) -> None:
    with locked(folder.path), pytest.raises(UserError, match="another process"):
        reopen(folder, Budget())
