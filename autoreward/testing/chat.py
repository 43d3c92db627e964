"""What every `Chat` must do. Plug-in authors call it from their tests, with a chat of their own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from pydantic import BaseModel

from autoreward.errors import EndpointError
from autoreward.llm.contract import CallName, Chat, Message, Reply

QUESTION = (
    Message(role="system", content="You answer with one word."),
    Message(role="user", content="Which is higher, a hopper's torso or its foot? 😀 {{ name }} </s>"),
)
THREADS = 4


class HigherPart(BaseModel):
    """A form that a reply is asked to have."""

    higher: str
    why: str = ""


def check_chat(new_chat: Callable[[], Chat]) -> None:
    """Ask a few small things, one after another and at once, and see that the replies are what the contract says.

    It costs seven calls of a few tokens where the chat asks a real endpoint.

    Args:
        new_chat: makes a chat that can answer seven calls in any order: one conversation of two turns, one reply in
            a form, four at once. It is called once.

    Raises:
        AssertionError: the chat breaks the contract; the message says how.
        EndpointError: the chat has no endpoint to ask.
    """
    chat = new_chat()
    first = _ask(chat, CallName(role="designer", round=0, candidate=0), QUESTION)
    further = (
        *QUESTION,
        Message(role="assistant", content=first.text),
        Message(role="user", content="Say it once more."),
    )
    _ask(chat, CallName(role="designer", round=0, candidate=0, attempt=1), further)
    _ask(chat, CallName(role="critic", round=0, candidate=0), QUESTION, HigherPart)
    names = [CallName(role="analyzer", round=1, candidate=candidate) for candidate in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as threads:
        replies = list(threads.map(lambda name: _ask(chat, name, QUESTION), names))
    assert len(replies) == THREADS


def check_failing_chat(new_chat: Callable[[], Chat]) -> None:
    """See that a chat which can give no reply says so in one line, and goes on saying so.

    Args:
        new_chat: makes a chat without a reply: of an endpoint that is gone, or an empty script. It is called once.

    Raises:
        AssertionError: the chat breaks the contract; the message says how.
    """
    chat = new_chat()
    for candidate in range(2):
        try:
            reply = chat.complete(CallName(role="designer", round=0, candidate=candidate), QUESTION)
        except EndpointError as error:
            assert str(error).strip(), "the EndpointError says nothing"
            assert "\n" not in str(error), f"an EndpointError is one line: {error}"
            continue
        except Exception as error:
            raise AssertionError(f"a chat that fails raises EndpointError, not {type(error).__name__}") from error
        raise AssertionError(f"a chat without a reply gave one: {reply.text[:100]!r}")


def _ask(chat: Chat, name: CallName, messages: tuple[Message, ...], answer: type[BaseModel] | None = None) -> Reply:
    reply = chat.complete(name, messages, answer) if answer else chat.complete(name, messages)
    assert isinstance(reply, Reply), f"complete() gave {type(reply).__name__}; it gives a Reply"
    assert reply.text.strip() or reply.finish or reply.refusal, "the reply is empty, and nothing says why"
    counts = (reply.prompt_tokens, reply.cached_tokens, reply.completion_tokens, reply.reasoning_tokens)
    for count in counts:
        assert count is None or count >= 0, f"token counts are None or at least 0, not {count}"
    for part, whole in ((1, 0), (3, 2)):
        assert (counts[part] or 0) <= (counts[whole] or 0) or counts[whole] is None, (
            f"a part exceeds its whole: {reply}"
        )
    assert reply.usd is None or reply.usd >= 0, f"a price is None or at least 0, not {reply.usd}"
    assert reply.seconds >= 0, f"seconds are at least 0, not {reply.seconds}"
    return reply
