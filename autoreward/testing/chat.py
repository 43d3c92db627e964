"""What every `Chat` must do. Plug-in authors call it from their tests, with a chat of their own."""

from __future__ import annotations

from autoreward.llm.contract import CallName, Chat, Message, Reply


def check_chat(chat: Chat) -> None:
    """Ask two small things, and see that the replies are what the contract says.

    It costs two calls of a few tokens where the chat asks a real endpoint.

    Raises:
        AssertionError: the chat breaks the contract; the message says how.
        EndpointError: the chat has no endpoint to ask.
    """
    question = (
        Message(role="system", content="You answer with one word."),
        Message(role="user", content="Which is higher, a hopper's torso or its foot? 😀 {{ name }}"),
    )
    first = _ask(chat, CallName(role="designer", round=0, candidate=0), question)
    further = (
        *question,
        Message(role="assistant", content=first.text),
        Message(role="user", content="Say it once more."),
    )
    _ask(chat, CallName(role="designer", round=0, candidate=0, attempt=1), further)


def _ask(chat: Chat, name: CallName, messages: tuple[Message, ...]) -> Reply:
    reply = chat.complete(name, messages)
    assert isinstance(reply, Reply), f"complete() gave {type(reply).__name__}; it gives a Reply"
    assert reply.text.strip(), "the reply is empty; a chat raises EndpointError instead"
    for count in (reply.prompt_tokens, reply.completion_tokens):
        assert count is None or count >= 0, f"token counts are None or at least 0, not {count}"
    assert reply.seconds >= 0, f"seconds are at least 0, not {reply.seconds}"
    return reply
