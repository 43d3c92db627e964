"""A whole run, again from its own folder, and from a cassette."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoreward.config import RunConfig
from autoreward.engine.replay import ReplayEngine
from autoreward.errors import EndpointError, UserError
from autoreward.llm.cassette import write_cassette
from autoreward.llm.contract import CallName, Message
from autoreward.llm.replay import ReplayChat
from autoreward.llm.scripted import ScriptedChat
from autoreward.search.loop import start
from autoreward.search.observer import Observer
from autoreward.store.folder import RunFolder
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.run import small_run
from autoreward.testing.trainer import CLIMB, line_task


def model(name: CallName, messages: tuple[Message, ...]) -> str:
    """Faulty at first, with an opinion that objects once, and findings that the next prompts hold."""
    if name.role == "critic":
        return '{"verdict": "approve"}' if name.attempt else '{"verdict": "reject", "reasons": ["Too weak."]}'
    if name.role == "analyzer":
        return f'{{"findings": [{{"text": "Seen in {name.round}.{name.candidate}."}}]}}'
    weight = 1 + name.round * 10 + name.candidate * 3 + name.attempt
    return f"Idea: climb\n\n```python\n{CLIMB.replace('2.0', f'{weight}.0')}```\n"


def config(runs: Path, **changes: object) -> RunConfig:
    return small_run(runs, **{"rounds": 2, "repairs": 1} | changes)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    runs = config(tmp_path_factory.mktemp("recorded"))
    return RunFolder.open(start(line_task(), runs, Observer(), chat=ScriptedChat(model), engine=InProcessEngine()))


def test_replies_and_trainings_replayed_give_the_same_run(recorded: RunFolder, tmp_path: Path) -> None:
    """Every prompt is the recorded one, so that nothing is told; calls, candidates and report are the same."""
    told: list[str] = []
    chat, engine = ReplayChat(recorded.path, told.append), ReplayEngine(recorded.path)
    again = RunFolder.open(start(line_task(), config(tmp_path), Observer(), chat=chat, engine=engine))
    assert told == []
    assert list(again.all_candidates()) == list(recorded.all_candidates())
    first, second = recorded.report(), again.report()
    assert first and second
    assert (first.winner, first.rows) == (second.winner, second.rows)
    calls = [sorted(folder.rounds_path.glob("*/calls/*")) for folder in (recorded, again)]
    assert [path.read_text() for path in calls[0]] == [path.read_text() for path in calls[1]]


def test_a_cassette_with_real_training(recorded: RunFolder, tmp_path: Path) -> None:
    write_cassette(recorded.path, tmp_path / "line.jsonl", "scripted, for a test")
    chat = ReplayChat(tmp_path / "line.jsonl")
    again = RunFolder.open(start(line_task(), config(tmp_path), Observer(), chat=chat, engine=InProcessEngine()))
    assert [record.status for record in again.all_candidates()] == ["trained"] * 2


def test_a_longer_run_than_was_recorded_stops_where_the_recording_ends(recorded: RunFolder, tmp_path: Path) -> None:
    longer = config(tmp_path, rounds=1, candidates=2)
    with pytest.raises(EndpointError, match=r"none for designer-1-0 of round 0"):
        start(line_task(), longer, Observer(), chat=ReplayChat(recorded.path, lambda _: None), engine=InProcessEngine())


def test_other_trainings_than_were_recorded_are_named(recorded: RunFolder, tmp_path: Path) -> None:
    longer = config(tmp_path, steps=8000)
    chat = ReplayChat(recorded.path, lambda _: None)
    with pytest.raises(UserError, match=r"holds no result of the training .* at 8000 steps"):
        start(line_task(), longer, Observer(), chat=chat, engine=ReplayEngine(recorded.path))
