"""The `Chat` contract."""

from __future__ import annotations

from typing import Literal, Protocol

from autoreward.records import Record


class Message(Record):
    """One turn."""

    role: Literal["system", "user", "assistant"]
    content: str


class CallName(Record):
    """Names a call by its place in the loop, so that a resumed run finds the recorded reply."""

    role: Literal["designer", "critic", "analyzer"]
    round: int
    candidate: int
    attempt: int = 0

    def __str__(self) -> str:
        """As in the file name: `designer-0-1`."""
        return f"{self.role}-{self.candidate}-{self.attempt}"


class Reply(Record):
    """What the model said, and what it cost."""

    text: str
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float = 0.0


class Chat(Protocol):
    """A language model. Implementations pass `autoreward.testing.check_chat`."""

    def complete(self, name: CallName, messages: tuple[Message, ...]) -> Reply:
        """Ask for the next turn.

        Raises:
            EndpointError: the endpoint failed for good; the message says what to do.
            BudgetReached: the call would pass a cap.
        """
        ...
