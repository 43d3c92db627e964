from __future__ import annotations

import pytest

from autoreward.llm.calls import RecordedCall
from autoreward.llm.contract import CallName, Message, Reply
from autoreward.llm.ledger import ledger

ASK = (Message(role="user", content="x" * 40),)


def call(role: str, round_: int, usd: float | None = 0.5, **reply: int) -> RecordedCall:
    name = CallName.model_validate({"role": role, "round": round_, "candidate": 0})
    said = Reply(text="abcdefgh", usd=usd, seconds=2.0, **reply)
    return RecordedCall(name=name, prompt_hash="", messages=ASK, reply=said)


CALLS = (
    call("designer", 0, prompt_tokens=100, cached_tokens=60, completion_tokens=50, reasoning_tokens=40),
    call("critic", 0, usd=0.25),
    call("designer", 1),
    call("designer", 2),
    call("analyzer", 2),
    call("designer", 3),
)


def test_every_breakdown_adds_up() -> None:
    book = ledger(CALLS, {0: (0, 1), 1: (0, 1), 2: (2, 0), 3: (2, 0)})
    assert (book.total.calls, book.total.usd, book.total.seconds) == (6, 2.75, 12.0)
    for parts in (
        book.by_role.values(),
        book.by_round.values(),
        [*(step.spent for step in book.improvements), book.since],
    ):
        for field in ("calls", "prompt_tokens", "completion_tokens", "usd", "seconds"):
            assert sum(getattr(part, field) for part in parts) == getattr(book.total, field)


def test_tokens_as_counted_else_estimated() -> None:
    first = ledger(CALLS[:2], {}).by_role
    designer, critic = first["designer"], first["critic"]
    assert (designer.prompt_tokens, designer.cached_tokens) == (100, 60)
    assert (designer.completion_tokens, designer.reasoning_tokens) == (50, 40)
    assert (critic.prompt_tokens, critic.completion_tokens) == (10, 2)


def test_a_step_forward_costs_what_was_spent_since_the_one_before() -> None:
    book = ledger(CALLS, {0: (0, 1), 1: (0, 1), 2: (2, 0), 3: (2, 0)})
    assert [(step.round, step.candidate, step.spent.calls) for step in book.improvements] == [(0, 1, 2), (2, 0, 3)]
    assert book.since.calls == 1
    assert book.usd_per_improvement == pytest.approx(2.75 / 2)


def test_without_a_step_forward() -> None:
    book = ledger(CALLS, {0: None, 1: None})
    assert book.improvements == ()
    assert book.since == book.total
    assert book.usd_per_improvement is None


def test_an_unknown_price_is_not_nothing() -> None:
    book = ledger((*CALLS, call("critic", 0, usd=None)), {0: (0, 0)})
    assert book.total.usd is book.by_role["critic"].usd is book.by_round[0].usd is book.usd_per_improvement is None
    assert book.by_role["designer"].usd == 2.0


def test_no_calls() -> None:
    assert ledger((), {0: (0, 0)}).total.usd == 0.0
