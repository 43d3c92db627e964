"""Caps are looked at before a call, with what it is expected to take."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autoreward.config import Budget, LLMConfig
from autoreward.errors import BudgetReached, EndpointError, UserError
from autoreward.llm.calls import read_calls
from autoreward.llm.contract import CallName, Message, Reply
from autoreward.llm.ledger import ledger
from autoreward.llm.prices import Prices
from autoreward.llm.recorded import RecordedChat
from autoreward.llm.scripted import Script, ScriptedChat

ASK = (Message(role="user", content="x" * 400),)
PRICES = Prices(LLMConfig(base_url="http://localhost/v1", price_in=10, price_out=100))
REPLY = Reply(text="a", prompt_tokens=100, completion_tokens=50, usd=0.006)


def name(candidate: int) -> CallName:
    return CallName(role="designer", round=0, candidate=candidate)


def chat(path: Path, budget: Budget, prices: Prices | None = None, script: Script = lambda *_: REPLY) -> RecordedChat:
    return RecordedChat(ScriptedChat(script), path, budget, prices)


def test_the_first_reply_is_expected_to_take_a_thousand_tokens(tmp_path: Path) -> None:
    with pytest.raises(BudgetReached, match=r"1100 tokens.*1099.*--budget\.llm-tokens"):
        chat(tmp_path, Budget(llm_tokens=1099)).complete(name(0), ASK)
    assert chat(tmp_path, Budget(llm_tokens=1100)).complete(name(0), ASK) == REPLY


def test_later_ones_what_the_role_took_on_average(tmp_path: Path) -> None:
    """150 are used, and 100 + 50 more are expected."""
    chat(tmp_path, Budget()).complete(name(0), ASK)
    with pytest.raises(BudgetReached, match="150 are used"):
        chat(tmp_path, Budget(llm_tokens=299)).complete(name(1), ASK)
    assert chat(tmp_path, Budget(llm_tokens=300)).complete(name(1), ASK) == REPLY


def test_a_cap_on_money(tmp_path: Path) -> None:
    """The first call is expected to cost 100 x $10 and 1000 x $100 a million; the second what the first did."""
    with pytest.raises(BudgetReached, match=r"\$0\.1010.*--budget\.llm-usd"):
        chat(tmp_path, Budget(llm_usd=0.1), PRICES).complete(name(0), ASK)
    dear = chat(tmp_path, Budget(llm_usd=0.1021), PRICES)
    for candidate in range(17):
        dear.complete(name(candidate), ASK)
    assert dear.meter.usd == pytest.approx(17 * 0.006)
    with pytest.raises(BudgetReached, match=r"\$0\.1020 are spent"):
        dear.complete(name(17), ASK)


def test_a_cap_that_cannot_be_kept_is_told_before_anything_is_spent(tmp_path: Path) -> None:
    for prices in (None, Prices(LLMConfig(base_url="http://localhost:8000/v1"))):
        with pytest.raises(UserError, match=r"--llm\.price-in"):
            chat(tmp_path, Budget(llm_usd=1), prices)


def test_an_unknown_price_is_not_nothing(tmp_path: Path) -> None:
    free = chat(tmp_path, Budget(), script=lambda *_: "text")
    free.complete(name(0), ASK)
    assert free.meter.usd is None


def test_a_price_that_was_not_told_is_guessed_for_the_cap_alone(tmp_path: Path) -> None:
    """100 + 50 tokens at the configured prices are $0.006; the ledger's sum and the meter's are the same: unknown."""
    untold = REPLY.model_copy(update={"usd": None})
    dear = chat(tmp_path, Budget(llm_usd=0.107), PRICES, script=lambda *_: untold)
    dear.complete(name(0), ASK)
    assert dear.meter.guessed_usd == pytest.approx(0.006)
    assert dear.meter.usd is ledger(read_calls(tmp_path), {}).total.usd is None
    later = chat(tmp_path, Budget(llm_usd=0.011), PRICES)
    with pytest.raises(BudgetReached, match=r"\$0\.0060 are spent"):
        later.complete(name(1), ASK)
    assert later.meter.usd is None


def test_a_larger_budget_goes_on_where_the_smaller_one_stopped(tmp_path: Path) -> None:
    with pytest.raises(BudgetReached):
        [chat(tmp_path, Budget(llm_calls=2)).complete(name(candidate), ASK) for candidate in range(3)]
    larger = ScriptedChat([REPLY])
    resumed = RecordedChat(larger, tmp_path, Budget(llm_calls=3))
    for candidate in range(3):
        resumed.complete(name(candidate), ASK)
    assert [str(call) for call, _ in larger.asked] == ["designer-2-0"]


def test_calls_under_way_count(tmp_path: Path) -> None:
    """Of eight threads that ask at once, three get through a cap of three."""
    all_asked = threading.Barrier(3)

    def wait(*_: object) -> Reply:
        all_asked.wait(20)
        return REPLY

    class Waiting:
        def complete(self, *_: object) -> Reply:
            return wait()

    capped = RecordedChat(Waiting(), tmp_path, Budget(llm_calls=3))

    def ask(candidate: int) -> bool:
        try:
            capped.complete(name(candidate), ASK)
        except BudgetReached:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(ask, range(8))) == 3
    assert capped.calls == 3


def test_a_failed_call_sets_nothing_aside(tmp_path: Path) -> None:
    capped = RecordedChat(ScriptedChat({"critic": [REPLY]}), tmp_path, Budget(llm_calls=1))
    with pytest.raises(EndpointError):
        capped.complete(name(0), ASK)
    assert capped.complete(CallName(role="critic", round=0, candidate=0), ASK) == REPLY


def test_a_further_cap_is_asked_before_each_call(tmp_path: Path) -> None:
    late = chat(tmp_path, Budget())
    late.complete(name(0), ASK)
    late.meter.further_cap = lambda: "budget.wall_seconds = 60 is reached"
    assert late.complete(name(0), ASK) == REPLY, "what is recorded costs no time"
    with pytest.raises(BudgetReached, match="wall_seconds"):
        late.complete(name(1), ASK)
