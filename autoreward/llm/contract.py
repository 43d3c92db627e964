"""The `Chat` contract."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, BeforeValidator

from autoreward.records import Record


def encodable(text: Any) -> Any:  # noqa: ANN401 - whatever is no text stays as it is
    """Text that can be written and sent: half of a surrogate pair, which JSON lets through, becomes a `?`."""
    return text.encode("utf-8", "replace").decode() if isinstance(text, str) else text


Words = Annotated[str, BeforeValidator(encodable)]


def without_turns(text: str) -> str:
    """Marks such as <|im_end|> broken up: servers of open models may take them for the end of a turn anywhere."""
    return text.replace("<|", "< |").replace("|>", "| >")


class Message(Record):
    """One turn."""

    role: Literal["system", "user", "assistant"]
    content: Words


class CallName(Record):
    """Names a call by its place in the loop, so that a resumed run finds the recorded reply."""

    role: Literal["designer", "critic", "analyzer"]
    round: int
    candidate: int
    attempt: int = 0
    again: bool = False
    """The same question once more, since the first reply to it could not be read."""

    def __str__(self) -> str:
        """As in the file name: `designer-0-1`, `designer-0-1-again`."""
        return f"{self.role}-{self.candidate}-{self.attempt}{'-again' if self.again else ''}"


class Reply(Record):
    """What the model said, and what it cost. Whatever the endpoint did not tell is None."""

    text: Words
    model: Words = ""
    """As the endpoint names it."""
    finish: Words = ""
    """Why the reply ended, in the endpoint's words: `stop`, `length`, `content_filter` ..."""
    refusal: Words = ""
    """What the model or the endpoint said in declining; empty where it did not."""
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    """Those of `prompt_tokens` that the endpoint had in store, and mostly charges less for."""
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    """Those of `completion_tokens` that were thought and not said."""
    usd: float | None = None
    """Price in US dollars; None where it is not known, which is not the same as nothing."""
    seconds: float = 0.0

    @property
    def cut(self) -> bool:
        """Whether the reply ended at the limit on its length."""
        return self.finish == "length"

    @property
    def declined(self) -> bool:
        """Whether the model, or a filter before it, would not answer."""
        return bool(self.refusal) or self.finish == "content_filter"


class Chat(Protocol):
    """A language model. Implementations pass `autoreward.testing.chat.check_chat`."""

    def complete(self, name: CallName, messages: tuple[Message, ...], answer: type[BaseModel] | None = None) -> Reply:
        """Ask for the next turn; called from several threads at once.

        Args:
            name: the call's place in the loop.
            messages: the conversation so far.
            answer: the reply is to be a JSON object of this form. A chat that cannot hold the model to it leaves it
                out: the messages say the same, and whoever asks checks the reply.

        Returns:
            what the model said, which may be nothing, cut off, or a refusal.

        Raises:
            EndpointError: the endpoint failed for good; the message says what to do, in one line.
            BudgetReached: the call would pass a cap.
        """
        ...
