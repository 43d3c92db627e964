"""What the language model took: calls, tokens, money and seconds, by role, by round, and for each step forward."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from autoreward.llm.calls import RecordedCall
from autoreward.records import Record


class Tally(Record):
    """Some calls, added up."""

    calls: int = 0
    prompt_tokens: int = 0
    """Where an endpoint counts none, characters / 4; `completion_tokens` likewise."""
    cached_tokens: int = 0
    """Those of the prompts that endpoints said they had in store."""
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    """Those of the replies that endpoints said were thought and not said."""
    usd: float | None = 0.0
    """US dollars; None where the price of any of the calls is not known."""
    seconds: float = 0.0
    """Spent waiting, added up over calls; calls made at once overlap."""


class Improvement(Record):
    """A candidate that became the best so far, and what it took to find since the one before."""

    round: int
    candidate: int
    spent: Tally


class Ledger(Record):
    """What the calls of a run took. The parts of each breakdown add up to `total`."""

    total: Tally
    by_role: dict[str, Tally]
    by_round: dict[int, Tally]
    improvements: tuple[Improvement, ...]
    since: Tally
    """After the last improvement; everything where there was none."""

    @property
    def usd_per_improvement(self) -> float | None:
        """US dollars; None without an improvement, or where a price is not known."""
        if not self.improvements or self.total.usd is None:
            return None
        return self.total.usd / len(self.improvements)


def ledger(calls: Iterable[RecordedCall], incumbents: Mapping[int, tuple[int, int] | None]) -> Ledger:
    """Add up the calls of a run.

    Args:
        calls: as `autoreward.llm.calls.read_calls` gives them.
        incumbents: for each round that was analysed, (round, index) of the best candidate after it, or None.
    """
    calls = list(calls)
    rounds = sorted({call.name.round for call in calls} | set(incumbents))
    of_round = {number: [call for call in calls if call.name.round == number] for number in rounds}
    improvements, waiting, best = [], list[RecordedCall](), None
    for number in rounds:
        waiting += of_round[number]
        now = incumbents.get(number) or best
        if now is not None and now != best:
            improvements.append(Improvement(round=now[0], candidate=now[1], spent=tally(waiting)))
            best, waiting = now, []
    roles = dict.fromkeys(call.name.role for call in calls)
    return Ledger(
        total=tally(calls),
        by_role={role: tally([call for call in calls if call.name.role == role]) for role in roles},
        by_round={number: tally(of_round[number]) for number in rounds if of_round[number]},
        improvements=tuple(improvements),
        since=tally(waiting),
    )


def tally(calls: Sequence[RecordedCall]) -> Tally:
    """Add up some calls."""
    prices = [call.reply.usd for call in calls]
    known = [price for price in prices if price is not None]
    return Tally(
        calls=len(calls),
        prompt_tokens=sum(call.prompt_tokens for call in calls),
        cached_tokens=sum(call.reply.cached_tokens or 0 for call in calls),
        completion_tokens=sum(call.completion_tokens for call in calls),
        reasoning_tokens=sum(call.reply.reasoning_tokens or 0 for call in calls),
        usd=sum(known) if len(known) == len(prices) else None,
        seconds=sum(call.reply.seconds for call in calls),
    )
