"""Every call of a run, recorded: a recorded reply is given again without asking, and caps hold over resumptions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel

from autoreward.config import Budget
from autoreward.llm.calls import RecordedCall, call_path, prompt_hash, read_calls
from autoreward.llm.contract import CallName, Chat, Message, Reply
from autoreward.llm.meter import Meter
from autoreward.llm.prices import Prices
from autoreward.records import read_record, write_bytes, write_record

ROOM = 2**18
"""Bytes that are held for the record of a call: request and reply."""


class RecordedChat:
    """Asks another chat, and records request, reply, usage and seconds in the run folder.

    A call is found again by its name alone (role, round, candidate, attempt), so a resumed run goes on with the
    replies it has, also after a change of templates.

    Attributes:
        meter: what the recorded calls took, those of earlier starts of the run included.
    """

    def __init__(self, chat: Chat, rounds: Path, budget: Budget, prices: Prices | None = None) -> None:
        """Count what is recorded.

        Args:
            chat: the one that is asked.
            rounds: the run folder's `rounds`.
            budget: its caps on calls, tokens and money are checked before each call.
            prices: what tokens cost; needed for a cap on money.

        Raises:
            RunDamaged: a recorded call does not read.
            UserError: money is capped, and no price is known.
        """
        self._chat, self._rounds = chat, rounds
        self.meter = Meter(budget, prices, read_calls(rounds))

    @property
    def calls(self) -> int:
        """How many calls are recorded."""
        return self.meter.calls

    @property
    def tokens(self) -> int:
        """How many tokens these calls took."""
        return self.meter.tokens

    def complete(self, name: CallName, messages: tuple[Message, ...], answer: type[BaseModel] | None = None) -> Reply:
        """The recorded reply, or a new one, which is recorded before it is returned.

        Raises:
            BudgetReached: the call would pass a cap.
            EndpointError: the endpoint failed for good.
            RunDamaged: the recorded call does not read.
            OSError: there is no room for its record; nothing was asked.
        """
        path = call_path(self._rounds, name)
        if path.exists():
            return read_record(path, RecordedCall).reply
        expected, call = self.meter.reserve(name, messages), None
        try:
            with _room(path):
                reply = self._chat.complete(name, messages, answer)
            call = RecordedCall(name=name, prompt_hash=prompt_hash(messages), messages=messages, reply=reply)
            write_record(path, call)
        finally:
            self.meter.settle(expected, call)
        return reply


@contextmanager
def _room(path: Path) -> Iterator[None]:
    """Hold room for a record on its disk: a reply that cannot be written would be paid for, and asked for again."""
    held = path.with_name(f".{path.name}.room")
    write_bytes(held, bytes(ROOM))
    try:
        yield
    finally:
        held.unlink(missing_ok=True)
