"""What the language model has used, and whether the budget's caps allow another call.

The rule: a call is made only where what is used, and what the calls under way and this one are expected to take, stay
within every cap. A call is expected to take its prompt (characters / 4) and a reply as long as the role's recorded ones
on average (1,000 tokens while there are none), at the configured model's price. So a cap is passed at most by what the
replies under way exceed that average.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import fmean
from threading import Lock

from autoreward.config import Budget
from autoreward.errors import BudgetReached, UserError
from autoreward.llm.calls import RecordedCall, estimate
from autoreward.llm.contract import CallName, Message
from autoreward.llm.prices import Prices

FIRST_REPLY = 1000
"""Tokens that a role's first reply is expected to take."""
NO_PRICE = (
    "the price of the language model is not known, so the cap on money (--budget.llm-usd) cannot be kept. Give US "
    "dollars per million tokens with --llm.price-in and --llm.price-out, or cap tokens with --budget.llm-tokens"
)


@dataclass(eq=False)
class Expected:
    """What a call under way is expected to take."""

    tokens: int
    usd: float


class Meter:
    """Adds up recorded calls, and asks the caps before each new one. Safe to use from several threads.

    Attributes:
        calls: how many calls are recorded.
        tokens: how many tokens they took.
        usd: what they cost as it was recorded with them; None where the price of any is not known.
        guessed_usd: what the cap on money goes by: the same, and where no price is recorded, the configured model's.
    """

    def __init__(self, budget: Budget, prices: Prices | None, recorded: Iterable[RecordedCall]) -> None:
        """Count what is recorded.

        Raises:
            UserError: money is capped, and no price is known.
        """
        self._budget, self._prices = budget, prices
        self._lock, self._under_way, self._lengths = Lock(), list[Expected](), dict[str, list[int]]()
        self.calls, self.tokens = 0, 0
        self.usd: float | None = 0.0
        self.guessed_usd = 0.0
        self._largest, self._dearest = 0, 0.0
        self.further_cap: Callable[[], str] = lambda: ""
        """Looked at before each call too: gives a cap that is reached in words, else nothing. Such as wall time."""
        if budget.llm_usd is not None and not self._known():
            raise UserError(NO_PRICE)
        for call in recorded:
            self._count(call)

    def reserve(self, name: CallName, messages: tuple[Message, ...]) -> Expected:
        """Set aside what a call is expected to take.

        Raises:
            BudgetReached: it would pass a cap; the message names the cap and its option.
        """
        if over := self.further_cap():
            raise BudgetReached(over)
        with self._lock:
            prompt, reply = estimate(messages), self._usual_reply(name.role)
            expected = Expected(prompt + reply, self._price(prompt, reply) or 0.0)
            self._check(expected)
            self._under_way.append(expected)
        return expected

    def room_for(self, calls: int) -> bool:
        """Whether so many more calls stay within every cap, were each twice as large as the largest so far."""
        budget = self._budget
        with self._lock:
            if budget.llm_calls is not None and self.calls + calls > budget.llm_calls:
                return False
            tokens, usd = 2 * calls * self._largest, 2 * calls * self._dearest
            if budget.llm_tokens is not None and (not tokens or self.tokens + tokens > budget.llm_tokens):
                return False
            return budget.llm_usd is None or (bool(tokens) and self.guessed_usd + usd <= budget.llm_usd)

    def settle(self, expected: Expected, call: RecordedCall | None) -> None:
        """The call is over; None: it failed, and cost nothing that is known."""
        with self._lock:
            self._under_way.remove(expected)
            if call is not None:
                self._count(call)

    def _check(self, expected: Expected) -> None:
        budget, under_way = self._budget, self._under_way
        if budget.llm_calls is not None and self.calls + len(under_way) >= budget.llm_calls:
            raise BudgetReached(f"the cap of {budget.llm_calls} language-model calls is reached (--budget.llm-calls)")
        tokens = self.tokens + sum(other.tokens for other in under_way)
        if budget.llm_tokens is not None and tokens + expected.tokens > budget.llm_tokens:
            raise BudgetReached(
                f"the next call, of about {expected.tokens} tokens, would pass the cap of {budget.llm_tokens} "
                f"language-model tokens; {tokens} are used (--budget.llm-tokens)"
            )
        usd = self.guessed_usd + sum(other.usd for other in under_way)
        if budget.llm_usd is not None and usd + expected.usd > budget.llm_usd:
            raise BudgetReached(
                f"the next call, of about ${expected.usd:.4f}, would pass the cap of ${budget.llm_usd:g} for the "
                f"language model; ${usd:.4f} are spent (--budget.llm-usd)"
            )

    def _count(self, call: RecordedCall) -> None:
        self.calls += 1
        self.tokens += call.tokens
        self._lengths.setdefault(call.name.role, []).append(call.completion_tokens)
        price = call.reply.usd
        self.usd = None if price is None or self.usd is None else self.usd + price
        guess = self._price(call.prompt_tokens, call.completion_tokens) if price is None else price
        self.guessed_usd += guess or 0.0
        self._largest, self._dearest = max(self._largest, call.tokens), max(self._dearest, guess or 0.0)

    def _usual_reply(self, role: str) -> int:
        lengths = self._lengths.get(role)
        return round(fmean(lengths)) if lengths else FIRST_REPLY

    def _price(self, prompt: int, completion: int) -> float | None:
        return self._prices.usd(prompt, completion) if self._prices else None

    def _known(self) -> bool:
        return self._price(1, 1) is not None
