"""A language model whose replies are given beforehand: for tests, demonstrations and plug-in authors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from autoreward.errors import EndpointError
from autoreward.llm.contract import CallName, Message, Reply

Script = Callable[[CallName, tuple[Message, ...]], str]


class ScriptedChat:
    """Gives prepared replies in order and keeps what it was asked.

    Attributes:
        asked: every call, in order: its name and its messages.
    """

    def __init__(self, replies: Iterable[str] | Mapping[str, Iterable[str]] | Script) -> None:
        """Prepare the replies.

        Args:
            replies: texts in the order of the calls; or such a list for each role (`designer`, `critic`,
                `analyzer`); or a function of call name and messages.
        """
        self.asked: list[tuple[CallName, tuple[Message, ...]]] = []
        self._script: Script = replies if callable(replies) else _in_order(replies)

    def complete(self, name: CallName, messages: tuple[Message, ...]) -> Reply:
        """The next prepared reply; token counts are characters / 4.

        Raises:
            EndpointError: none is left.
        """
        text = self._script(name, messages)
        self.asked.append((name, messages))
        return Reply(
            text=text,
            model="scripted",
            prompt_tokens=sum(len(message.content) for message in messages) // 4,
            completion_tokens=len(text) // 4,
        )


def _in_order(replies: Iterable[str] | Mapping[str, Iterable[str]]) -> Script:
    by_role = {role: iter(texts) for role, texts in replies.items()} if isinstance(replies, Mapping) else None
    shared: Iterator[str] = iter(()) if isinstance(replies, Mapping) else iter(replies)

    def next_reply(name: CallName, messages: tuple[Message, ...]) -> str:
        left = shared if by_role is None else by_role.get(name.role, iter(()))
        text: str | None = next(left, None)
        if text is None:
            raise EndpointError(f"the script holds no reply for the call {name} of round {name.round}; add one")
        return text

    return next_reply
