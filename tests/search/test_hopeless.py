"""A search ends where it is not the reward that fails, says why, and goes on where the user wants it to."""

from __future__ import annotations

import shlex
from pathlib import Path

from autoreward.cli import parse
from autoreward.commands.run import Resume
from autoreward.display import outcome
from autoreward.llm.contract import CallName, Message
from autoreward.llm.scripted import ScriptedChat
from autoreward.search.loop import resume, start
from autoreward.search.observer import Observer
from autoreward.search.reopen import reopen
from autoreward.store.folder import RunFolder
from autoreward.task import SuccessRule
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.run import small_run
from autoreward.testing.trainer import CLIMB, line_task

NEVER = {"success": SuccessRule(expression="position > 1000")}


def model(name: CallName, messages: tuple[Message, ...]) -> str:
    if name.role != "designer":
        return '{"verdict": "approve", "findings": []}'
    return f"Idea: climb\n\n```python\n{CLIMB.replace('2.0', f'{1 + name.round * 10 + name.candidate}.0')}```\n"


def test_it_ends_after_two_rounds_says_why_and_can_go_on(tmp_path: Path) -> None:
    """Slow, since it is two whole runs; nothing is trained in them."""
    config, chat = small_run(tmp_path, rounds=3), ScriptedChat(model)
    folder = RunFolder.open(start(line_task(**NEVER), config, Observer(), chat=chat, engine=InProcessEngine()))
    report = folder.report()
    assert report and report.hopeless
    assert folder.rounds() == [0, 1]
    first, second = folder.analysis(0), folder.analysis(1)
    assert first and not first.hopeless, "one round of failures is not enough"
    assert second and second.hopeless and second.hopeless.diagnosis == "not_the_reward"
    assert "never reached by any policy" in second.hopeless.text
    assert report.stopped.startswith("the reward is not the problem: none of 2 designed rewards")
    assert "not the problem" in (folder.path / "report.html").read_text()
    shown = [str(part) for part in outcome(folder.path, report)]
    command = shlex.split(next(line for line in shown if "go on all the same" in line).partition("same: ")[2])
    again = parse(command[1:])
    assert isinstance(again, Resume) and not again.stop_when_hopeless
    reopen(folder, again.budget, again.llm, again.stop_when_hopeless)
    resume(folder.path, Observer(), chat=ScriptedChat(model), engine=InProcessEngine())
    report = folder.report()
    assert report and report.stopped == "" and folder.rounds() == [0, 1, 2]
