"""A language model whose replies are given beforehand: for tests, demonstrations and plug-in authors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from threading import Lock

from pydantic import BaseModel

from autoreward.errors import EndpointError
from autoreward.llm.calls import estimate
from autoreward.llm.contract import CallName, Message, Reply

Scripted = str | Reply
"""A text, or a whole reply: one that was cut off or declined, or that cost something."""
Script = Callable[[CallName, tuple[Message, ...]], Scripted]


class ScriptedChat:
    """Gives prepared replies in order and keeps what it was asked.

    Attributes:
        asked: every call, in order: its name and its messages.
    """

    def __init__(self, replies: Iterable[Scripted] | Mapping[str, Iterable[Scripted]] | Script) -> None:
        """Prepare the replies.

        Args:
            replies: texts or replies in the order of the calls; or such a list for each role (`designer`, `critic`,
                `analyzer`); or a function of call name and messages.
        """
        self.asked: list[tuple[CallName, tuple[Message, ...]]] = []
        self._lock = Lock()
        self._script: Script = replies if callable(replies) else _in_order(replies)

    def complete(self, name: CallName, messages: tuple[Message, ...], answer: type[BaseModel] | None = None) -> Reply:
        """The next prepared reply; token counts of a text are characters / 4.

        Raises:
            EndpointError: none is left.
        """
        with self._lock:
            said = self._script(name, messages)
            self.asked.append((name, messages))
        if isinstance(said, Reply):
            return said
        tokens = {"prompt_tokens": estimate(messages), "completion_tokens": len(said) // 4}
        return Reply(text=said, model="scripted", finish="stop", **tokens)


def _in_order(replies: Iterable[Scripted] | Mapping[str, Iterable[Scripted]]) -> Script:
    by_role = {role: iter(texts) for role, texts in replies.items()} if isinstance(replies, Mapping) else None
    shared: Iterator[Scripted] = iter(()) if isinstance(replies, Mapping) else iter(replies)

    def next_reply(name: CallName, messages: tuple[Message, ...]) -> Scripted:
        left = shared if by_role is None else by_role.get(name.role, iter(()))
        said: Scripted | None = next(left, None)
        if said is None:
            raise EndpointError(f"the script holds no reply for the call {name} of round {name.round}; add one")
        return said

    return next_reply
