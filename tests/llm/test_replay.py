from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from autoreward.config import Budget
from autoreward.errors import EndpointError, RunDamaged, UserError
from autoreward.llm.cassette import read_cassette, write_cassette
from autoreward.llm.contract import CallName, Message, Reply
from autoreward.llm.recorded import RecordedChat
from autoreward.llm.replay import ReplayChat
from autoreward.llm.scripted import ScriptedChat
from autoreward.testing.chat import check_chat, check_failing_chat

NAME = CallName(role="designer", round=2, candidate=1, attempt=3)
ASK = (Message(role="user", content="Hello?"),)
REPLY = Reply(text="Hi\u2028there.\x85\n", model="live-1", finish="stop", prompt_tokens=3, usd=0.001, seconds=2.5)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder with two calls of a run, which is all of a run that matters here."""
    chat = RecordedChat(ScriptedChat([REPLY, "again"]), tmp_path / "rounds", Budget())
    chat.complete(NAME, ASK)
    chat.complete(NAME.model_copy(update={"again": True}), ASK)
    (tmp_path / "command.txt").write_text("autoreward run reacher\n")
    return tmp_path


@pytest.fixture(params=["folder", "cassette"])
def recording(request: pytest.FixtureRequest, run: Path) -> Path:
    if request.param == "folder":
        return run
    write_cassette(run, run / "reacher.jsonl", "scripted, for a test")
    return run / "reacher.jsonl"


def test_replies_are_given_as_they_were(recording: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chat = ReplayChat(recording)
        assert chat.complete(NAME, ASK) == REPLY
        assert chat.complete(NAME.model_copy(update={"again": True}), ASK).text == "again"


def test_another_prompt_is_told_once_a_call(recording: Path) -> None:
    told: list[str] = []
    chat = ReplayChat(recording, told.append)
    for _ in range(2):
        assert chat.complete(NAME, (Message(role="user", content="Hello!"),)) == REPLY
    assert len(told) == 1
    assert "designer-1-3 in round 2 differs" in told[0]


def test_without_a_listener_it_is_a_python_warning(recording: Path) -> None:
    with pytest.warns(UserWarning, match="differs"):
        ReplayChat(recording).complete(NAME, (Message(role="user", content="Hello!"),))


@pytest.mark.parametrize("change", [{"role": "critic"}, {"round": 1}, {"candidate": 0}, {"attempt": 0}])
def test_a_call_that_was_never_recorded(recording: Path, change: dict[str, object]) -> None:
    chat = ReplayChat(recording)
    with pytest.raises(EndpointError, match=r"holds 2 replies, but none for .* of round .*--replay-trainings"):
        chat.complete(NAME.model_copy(update=change), ASK)


def test_it_keeps_the_contract(tmp_path: Path) -> None:
    check_chat(lambda: RecordedChat(ScriptedChat(["torso"] * 7), tmp_path / "rounds", Budget()))
    check_chat(lambda: ReplayChat(tmp_path))
    check_failing_chat(lambda: ReplayChat(tmp_path / "other.jsonl" if _other(tmp_path) else tmp_path))


def _other(folder: Path) -> bool:
    """A recording of other calls."""
    RecordedChat(ScriptedChat(["x"]), folder / "other" / "rounds", Budget()).complete(NAME, ASK)
    return bool(write_cassette(folder / "other", folder / "other.jsonl", "scripted"))


def test_a_cassette_says_how_it_was_made_and_holds_no_prompt(run: Path) -> None:
    label = write_cassette(run, run / "c.jsonl", "live, by a model that saw only the prompts")
    assert (label, len(read_cassette(run / "c.jsonl")[1])) == (read_cassette(run / "c.jsonl")[0], 2)
    assert label.command == "autoreward run reacher"
    assert label.models == ("live-1", "scripted")
    assert "Hello?" not in (run / "c.jsonl").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-30], "line 3 does not read as Take"),
        (lambda text: "\n".join(text.split("\n")[:2]), "holds 1 calls, and its first line speaks of 2"),
        (lambda text: "", "line 1 does not read as Label"),
        (lambda text: text.replace("designer", "butler"), r"line 2 does not read as Take: name\.role"),
    ],
)
def test_a_damaged_cassette_is_named(run: Path, change: object, message: str) -> None:
    file = run / "c.jsonl"
    write_cassette(run, file, "scripted")
    file.write_text(change(file.read_text()))  # type: ignore[operator]
    with pytest.raises(RunDamaged, match=rf"c\.jsonl.*{message}"):
        ReplayChat(file)


def test_nothing_to_replay(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no call"):
        ReplayChat(tmp_path)
    with pytest.raises(UserError, match="cannot be read"):
        ReplayChat(tmp_path / "missing.jsonl")
