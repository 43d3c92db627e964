"""What a sweep has used, and the caps on the whole of it. Safe to use from several threads.

At a cap no further work is begun, and every run is left as it stands: one that was cut short would be compared with
others that were not. What is under way ends. A call of the language model is made where what is used, and what the
calls under way and this one are expected to take (see `autoreward.llm.meter`), stay within the caps; so these are
passed at most by what replies exceed the usual. A cap on environment steps is not passed, and one on time ends
trainings where they are, as an interrupt does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from threading import RLock
from typing import Any

from pydantic import BaseModel

from autoreward.errors import AutorewardError
from autoreward.llm.calls import RecordedCall, estimate
from autoreward.llm.contract import CallName, Chat, Message, Reply
from autoreward.llm.meter import FIRST_REPLY, Expected
from autoreward.llm.prices import Prices
from autoreward.sweeps.records import SweepBudget, SweepSpent


class SweepStopped(AutorewardError):
    """The sweep takes no further work: a cap is reached, or it was interrupted. Its runs can be gone on with."""


class Account:
    """Steps, seconds, tokens and money of a sweep."""

    def __init__(
        self, budget: SweepBudget, before: SweepSpent, keep: Callable[[SweepSpent], None] = lambda spent: None
    ) -> None:
        """Begin to count.

        Args:
            budget: the caps.
            before: what was used until the sweep was stopped.
            keep: told, by any thread but by one at a time, after each training and call, so that a sweep that is killed
                has counted them. An OSError of it is passed over: whoever writes the next record tells it.
        """
        reckoned = max(before.reckoned_usd, before.llm_usd or 0.0)
        self._spent = before.model_copy(update={"reckoned_usd": reckoned})
        self._budget, self._keep, self._began = budget, keep, time.monotonic()
        self._lock = RLock()
        self._begun, self._calls_under_way = dict[str, int](), list[Expected]()
        self._replies, self._reply_tokens = 0, 0
        self._ended = ""
        self.stopped = ""
        """The first cap that was reached, in words; empty while none is."""
        if budget.env_steps is not None and budget.env_steps < before.steps_needed:
            self._stop(_too_few(budget.env_steps, before.steps_needed))
        self.out_of_time()

    @property
    def spent(self) -> SweepSpent:
        """As of now."""
        with self._lock:
            return self._spent.model_copy(update={"wall_seconds": self._seconds()})

    def out_of_time(self) -> bool:
        """Whether the cap on time is reached."""
        cap = self._budget.wall_seconds
        if cap is not None and self._seconds() >= cap:
            self._stop(f"budget.wall_seconds = {cap:,} is reached")
            return True
        return False

    def check(self) -> None:
        """Before any work that takes only time.

        Raises:
            SweepStopped: a cap is reached.
        """
        self.out_of_time()
        if self.stopped or self._ended:
            raise SweepStopped(self.stopped or self._ended)

    # Environment steps ------------------------------------------------------------------------------------------

    def allows(self, training: str, steps: int) -> bool:
        """Whether a training of so many steps fits; it is then under way, until `trained` or `left`."""
        with self._lock:
            cap, needed = self._budget.env_steps, self._spent.env_steps + sum(self._begun.values()) + steps
            if cap is not None and needed > cap:
                self._stop(_too_few(cap, needed))
                self._add({"steps_needed": needed})
            if self.stopped or self._ended:
                return False
            self._begun[training] = steps
            self._add({"under_way": {**self._spent.under_way, training: steps}})
            return True

    def trained(self, training: str, steps: int) -> None:
        """A training is over, and has taken so many steps."""
        with self._lock:
            self._begun.pop(training, None)
            under_way = {name: count for name, count in self._spent.under_way.items() if name != training}
            self._add({"env_steps": self._spent.env_steps + steps, "under_way": under_way})

    def left(self, training: str) -> None:
        """A training goes on without this process: whoever goes on with the sweep counts it."""
        with self._lock:
            self._begun.pop(training, None)

    def found(self, training: str, steps: int) -> None:
        """A training was over before this process asked: it counts, unless it is counted."""
        with self._lock:
            if training in self._spent.under_way:
                self.trained(training, steps)

    # The language model -----------------------------------------------------------------------------------------

    def begin_call(self, prompt: int, prices: Prices) -> Expected:
        """A call with so many tokens is about to be made; what it is expected to take is set aside.

        Raises:
            SweepStopped: it would pass a cap.
        """
        self.check()
        with self._lock:
            caps, under_way = self._budget, self._calls_under_way
            reply = round(self._reply_tokens / self._replies) if self._replies else FIRST_REPLY
            expected = Expected(prompt + reply, prices.usd(prompt, reply) or 0.0)
            tokens = self._spent.llm_tokens + sum(other.tokens for other in under_way) + expected.tokens
            usd = self._spent.reckoned_usd + sum(other.usd for other in under_way) + expected.usd
            if caps.llm_tokens is not None and tokens > caps.llm_tokens:
                self._stop(f"budget.llm_tokens = {caps.llm_tokens:,} is reached")
            if caps.llm_usd is not None and usd > caps.llm_usd:
                self._stop(f"budget.llm_usd = {caps.llm_usd:g} is reached")
            if self.stopped:
                raise SweepStopped(self.stopped)
            under_way.append(expected)
        return expected

    def end_call(self, expected: Expected, call: RecordedCall | None, guess: float | None = None) -> None:
        """A call is over; None: it failed. `guess` is its price where the endpoint's reply knows none."""
        with self._lock:
            self._calls_under_way.remove(expected)
            if call is None:
                return
            usd, before = call.reply.usd, self._spent.llm_usd
            self._replies += 1
            self._reply_tokens += call.completion_tokens
            update = {
                "reckoned_usd": self._spent.reckoned_usd + ((usd if usd is not None else guess) or 0.0),
                "llm_tokens": self._spent.llm_tokens + call.tokens,
                "llm_usd": None if usd is None or before is None else before + usd,
            }
            self._add(update)

    def end(self, why: str) -> None:
        """The sweep is ended from outside; no cap is reached."""
        with self._lock:
            self._ended = self._ended or why

    def _add(self, update: dict[str, Any]) -> None:
        self._spent = self._spent.model_copy(update=update)
        with suppress(OSError):
            self._keep(self.spent)

    def _stop(self, why: str) -> None:
        with self._lock:
            self.stopped = self.stopped or why

    def _seconds(self) -> float:
        return self._spent.wall_seconds + time.monotonic() - self._began


def _too_few(cap: int, needed: int) -> str:
    return f"budget.env_steps = {cap:,} is reached: the next training would make it {needed:,}"


class CappedChat:
    """Asks another chat as long as the sweep's caps allow."""

    def __init__(self, chat: Chat, account: Account, prices: Prices) -> None:
        self._chat, self._account, self._prices = chat, account, prices
        self._asked, self._lock = 0, RLock()

    @property
    def at_work(self) -> bool:
        """Whether a reply is waited for."""
        return self._asked > 0

    def complete(self, name: CallName, messages: tuple[Message, ...], answer: type[BaseModel] | None = None) -> Reply:
        """The chat's reply.

        Raises:
            SweepStopped: the call would pass a cap of the sweep.
            EndpointError: the endpoint failed for good.
        """
        expected = self._account.begin_call(estimate(messages), self._prices)
        call = None
        self._count(1)
        try:
            reply = self._chat.complete(name, messages, answer)
            call = RecordedCall(name=name, prompt_hash="", messages=messages, reply=reply)
        finally:
            self._count(-1)
            guess = self._prices.usd(call.prompt_tokens, call.completion_tokens) if call else None
            self._account.end_call(expected, call, guess)
        return reply

    def _count(self, more: int) -> None:
        with self._lock:
            self._asked += more
