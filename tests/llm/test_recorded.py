from __future__ import annotations

from pathlib import Path

import pytest

from autoreward.config import Budget
from autoreward.errors import BudgetReached, EndpointError, RunDamaged
from autoreward.llm.contract import CallName, Message
from autoreward.llm.recorded import RecordedChat
from autoreward.llm.scripted import ScriptedChat
from autoreward.testing.chat import check_chat, check_failing_chat

ASK = (Message(role="user", content="x" * 400),)


def name(candidate: int, attempt: int = 0, round_: int = 0) -> CallName:
    return CallName(role="designer", round=round_, candidate=candidate, attempt=attempt)


def test_both_keep_the_contract(tmp_path: Path) -> None:
    check_chat(lambda: ScriptedChat(["one"] * 7))
    check_chat(lambda: RecordedChat(ScriptedChat(["one"] * 7), tmp_path / "rounds", Budget()))
    check_failing_chat(lambda: ScriptedChat([]))
    check_failing_chat(lambda: RecordedChat(ScriptedChat([]), tmp_path / "empty", Budget()))


def test_a_recorded_reply_is_not_asked_for_again(tmp_path: Path) -> None:
    first = RecordedChat(ScriptedChat(["a", "b"]), tmp_path, Budget())
    assert first.complete(name(0), ASK).text == "a"
    assert first.complete(name(0, attempt=1), ASK).text == "b"
    resumed = RecordedChat(ScriptedChat([]), tmp_path, Budget())
    changed = (Message(role="user", content="another prompt"),)
    assert [resumed.complete(name(0, attempt), changed).text for attempt in (0, 1)] == ["a", "b"]
    assert (resumed.calls, resumed.tokens) == (first.calls, first.tokens) == (2, 200)


def test_calls_lie_where_the_run_folder_has_them(tmp_path: Path) -> None:
    RecordedChat(ScriptedChat(["a"]), tmp_path, Budget()).complete(name(3, attempt=1, round_=2), ASK)
    assert "xxxx" in (tmp_path / "02" / "calls" / "designer-3-1.json").read_text()


def test_a_failed_call_leaves_nothing(tmp_path: Path) -> None:
    chat = RecordedChat(ScriptedChat([]), tmp_path, Budget())
    with pytest.raises(EndpointError):
        chat.complete(name(0), ASK)
    assert chat.calls == 0
    assert not list(tmp_path.rglob("*.json"))


def test_the_cap_on_calls_holds_over_resumptions(tmp_path: Path) -> None:
    budget = Budget(llm_calls=1)
    RecordedChat(ScriptedChat(["a"]), tmp_path, budget).complete(name(0), ASK)
    resumed = RecordedChat(ScriptedChat(["b"]), tmp_path, budget)
    assert resumed.complete(name(0), ASK).text == "a"
    with pytest.raises(BudgetReached, match="cap of 1 language-model calls"):
        resumed.complete(name(1), ASK)


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    RecordedChat(ScriptedChat(["a"]), tmp_path, Budget()).complete(name(0), ASK)
    path = tmp_path / "00" / "calls" / "designer-0-0.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(RunDamaged, match=r"designer-0-0\.json"):
        RecordedChat(ScriptedChat(["b"]), tmp_path, Budget())


def test_a_script_can_be_given_for_each_role() -> None:
    chat = ScriptedChat({"designer": ["d"], "critic": ["c"]})
    assert chat.complete(CallName(role="critic", round=0, candidate=0), ASK).text == "c"
    assert chat.complete(name(0), ASK).text == "d"
    assert [str(call) for call, _ in chat.asked] == ["critic-0-0", "designer-0-0"]
