"""Caps on tokens, money and time of a whole sweep."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from autoreward.config import LLMConfig
from autoreward.llm.contract import CallName, Message, Reply
from autoreward.llm.prices import Prices
from autoreward.records import write_record
from autoreward.sweeps.caps import Account, CappedChat, SweepStopped
from autoreward.sweeps.records import SweepBudget, SweepRecord, SweepSpent
from autoreward.sweeps.state import SPENT, used

ASKED = (Message(role="user", content="x" * 400),)


class Told:
    """A chat whose replies say what they took."""

    def __init__(self, usd: float | None) -> None:
        self.usd, self.calls = usd, 0

    def complete(self, name: CallName, messages: tuple[Message, ...], answer: type[BaseModel] | None = None) -> Reply:
        self.calls += 1
        return Reply(text="yes", prompt_tokens=100, completion_tokens=50, usd=self.usd, seconds=0.1, model="m")


def name(attempt: int) -> CallName:
    return CallName(role="designer", round=0, candidate=0, attempt=attempt)


def asked(budget: SweepBudget, before: SweepSpent | None = None, usd: float | None = 0.01) -> tuple[int, Account]:
    """How many calls are made until the cap is reached."""
    account, chat = Account(budget, before or SweepSpent()), Told(usd)
    prices = Prices(LLMConfig(price_in=100.0, price_out=0.0))
    chats = [CappedChat(chat, account, prices) for _ in range(2)]
    with pytest.raises(SweepStopped):
        for attempt in range(20):
            chats[attempt % 2].complete(name(attempt), ASKED)
    return chat.calls, account


def test_tokens_of_all_runs_count_together() -> None:
    """The first reply is expected to take 1,000 tokens, later ones what replies take: 50, and 100 for the prompt."""
    assert asked(SweepBudget(llm_tokens=1099))[0] == 0
    calls, account = asked(SweepBudget(llm_tokens=1100))
    assert calls == 7
    assert account.spent.llm_tokens == 1050 and "llm_tokens = 1,100" in account.stopped


def test_money_counts_as_the_replies_say_or_by_the_configured_price() -> None:
    assert asked(SweepBudget(llm_usd=0.045))[0] == 4
    calls, account = asked(SweepBudget(llm_usd=0.045), usd=None)
    assert calls == 4, "100 tokens at 100 dollars a million"
    assert account.spent.llm_usd is None, "what it really cost is not known"


def test_what_was_spent_before_counts() -> None:
    assert asked(SweepBudget(llm_tokens=1500), SweepSpent(llm_tokens=400))[0] == 7


def test_a_call_that_fails_costs_nothing_and_is_no_longer_under_way() -> None:
    class Failing(Told):
        def complete(
            self, name: CallName, messages: tuple[Message, ...], answer: type[BaseModel] | None = None
        ) -> Reply:
            raise OSError("gone")

    account = Account(SweepBudget(llm_tokens=1100), SweepSpent())
    chat = CappedChat(Failing(0.0), account, Prices(LLMConfig(price_in=1.0, price_out=1.0)))
    for attempt in range(3):
        with pytest.raises(OSError, match="gone"):
            chat.complete(name(attempt), ASKED)
    assert account.spent.llm_tokens == 0 and not account.stopped and not chat.at_work


def test_time_counts_over_resumptions() -> None:
    account = Account(SweepBudget(wall_seconds=100), SweepSpent(wall_seconds=99.999))
    while not account.out_of_time():
        pass
    with pytest.raises(SweepStopped, match="wall_seconds = 100"):
        account.check()
    assert account.spent.wall_seconds >= 100


def test_a_sweep_that_was_ended_from_outside_has_reached_no_cap(tmp_path: Path) -> None:
    account = Account(SweepBudget(), SweepSpent())
    account.end("interrupted")
    with pytest.raises(SweepStopped, match="interrupted"):
        account.check()
    assert not account.allows("a", 1) and not account.stopped


def test_a_sweep_that_is_killed_has_counted_what_it_used() -> None:
    """Also what calls of no known price are reckoned to cost: the next start begins there."""
    kept: list[SweepSpent] = []
    account = Account(SweepBudget(), SweepSpent(), kept.append)
    chat = CappedChat(Told(None), account, Prices(LLMConfig(price_in=100.0, price_out=0.0)))
    chat.complete(name(0), ASKED)
    assert (kept[-1].llm_tokens, kept[-1].llm_usd) == (150, None)
    assert account.allows("a", 512)
    account.trained("a", 500)
    assert kept[-1].env_steps == 500
    assert asked(SweepBudget(llm_usd=0.045), kept[-1], usd=None)[0] == 3, "one of four was made before"


def test_a_full_disk_ends_no_training() -> None:
    def full(spent: SweepSpent) -> None:
        raise OSError("no room")

    account = Account(SweepBudget(), SweepSpent(), full)
    assert account.allows("a", 512)
    account.trained("a", 512)
    assert account.spent.env_steps == 512


def test_a_cap_that_was_too_small_is_so_from_the_start_when_the_sweep_is_called_again() -> None:
    """Before a run is begun, which would pay for designs."""
    kept: list[SweepSpent] = []
    account = Account(SweepBudget(env_steps=900), SweepSpent(), kept.append)
    assert account.allows("a", 500)
    account.trained("a", 500)
    assert not account.allows("b", 500)
    assert Account(SweepBudget(env_steps=900), kept[-1]).stopped == account.stopped
    assert not Account(SweepBudget(env_steps=1_000), kept[-1]).stopped
    assert Account(SweepBudget(wall_seconds=10), SweepSpent(wall_seconds=11.0)).stopped


@pytest.mark.parametrize("newer", ["spent.json", "sweep.json"])
def test_of_two_accounts_the_newer_counts_and_no_step_is_forgotten(tmp_path: Path, newer: str) -> None:
    """A full disk may have kept either from being written."""
    old, new = SweepSpent(env_steps=5, llm_tokens=900), SweepSpent(env_steps=4, llm_tokens=1_000, wall_seconds=9.0)
    first, second = (new, old) if newer == "spent.json" else (old, new)
    write_record(tmp_path / SPENT, first)
    found = used(tmp_path, SweepRecord(file="s.yaml", runs=(), spent=second))
    assert found == new.model_copy(update={"env_steps": 5})
