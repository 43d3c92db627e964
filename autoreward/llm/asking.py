"""Asking for something that can be read, and once more where it could not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel

from autoreward.llm.contract import CallName, Chat, Message, Reply, without_turns
from autoreward.llm.reading import object_fault, read_object

SHOWN = 4000
"""Characters of an unreadable reply that its own model is shown again."""

FoundT = TypeVar("FoundT")
ModelT = TypeVar("ModelT", bound=BaseModel)


def ask(
    chat: Chat,
    name: CallName,
    messages: tuple[Message, ...],
    read: Callable[[Reply], FoundT | None],
    wanted: str,
    answer: type[BaseModel] | None = None,
    why: Callable[[Reply], str] = lambda _: "",
) -> tuple[FoundT | None, Reply]:
    """Ask, and once more where the reply cannot be read.

    Args:
        chat: the language model.
        name: of the call; the second one has the same with `again`.
        messages: the conversation.
        read: what is made of a reply; None where nothing can be.
        wanted: the sentence that says what the second reply has to be.
        answer: as in `Chat.complete`.
        why: what is wrong with a reply that could not be read, in our words; nothing where the reply itself says it.

    Returns:
        What was read, or None where the second reply could not be read either; and the last reply.

    Raises:
        EndpointError: the endpoint failed for good.
        BudgetReached: a call would pass a cap.
    """
    reply = chat.complete(name, messages, answer)
    found = read(reply)
    if found is not None:
        return found, reply
    further = (
        *messages,
        Message(role="assistant", content=without_turns(reply.text.strip()[:SHOWN]) or "(nothing)"),
        Message(role="user", content=f"{fault(reply, why(reply))} {wanted}"),
    )
    reply = chat.complete(name.model_copy(update={"again": True}), further, answer)
    return read(reply), reply


def ask_object(chat: Chat, name: CallName, messages: tuple[Message, ...], model: type[ModelT]) -> ModelT | None:
    """Ask for a JSON object, as `ask` does; None where neither reply held one."""
    found, _ = ask(
        chat,
        name,
        messages,
        lambda reply: read_object(reply.text, model),
        "Reply with the one JSON object that was asked for, with all its keys, and nothing else.",
        model,
        lambda reply: object_fault(reply.text, model),
    )
    return found


def fault(reply: Reply, why: str = "") -> str:
    """Why a reply could not be read, as its model is told."""
    if reply.cut:
        return "Your reply was cut off at the limit on its length. Think and write less."
    if reply.declined:
        return "You gave no answer. The task is the design of a reward function for a simulated agent."
    if not reply.text.strip():
        return "Your reply was empty."
    return f"Your reply could not be read{': ' * bool(why)}{why}."
