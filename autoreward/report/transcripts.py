"""The language model's calls as the page lists them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autoreward.llm.calls import RecordedCall
from autoreward.report.text import cut

PROMPTS = 2_000_000
"""Characters of all prompts together, shared alike; a prompt grows with what earlier rounds taught."""
LEAST = 1_500
"""Characters that each prompt has at least."""


@dataclass(frozen=True)
class Transcript:
    """One call."""

    call: RecordedCall
    prompt: tuple[tuple[str, str], ...]
    """(role, text) of each message but a system message that an earlier call has shown."""
    file: str
    """Where the whole lies, from the run folder on."""

    @property
    def seconds(self) -> float:
        """How long the reply took."""
        return self.call.reply.seconds


def transcripts(calls: Iterable[RecordedCall], most: int) -> dict[int, list[Transcript]]:
    """The calls of each round, in the order in which they are asked: designs, reviews, analyses.

    Args:
        calls: as `autoreward.llm.calls.read_calls` gives them.
        most: characters of a text.
    """
    roles = ("designer", "critic", "analyzer")
    ordered = sorted(calls, key=lambda call: (call.name.round, _order(call, roles)))
    room = min(most, max(LEAST, PROMPTS // max(1, len(ordered))))
    seen: set[str] = set()
    found: dict[int, list[Transcript]] = {}
    for call in ordered:
        file = f"rounds/{call.name.round:02d}/calls/{call.name}.json"
        found.setdefault(call.name.round, []).append(Transcript(call, _prompt(call, seen, room), file))
    return found


def _order(call: RecordedCall, roles: Sequence[str]) -> tuple[bool, int, int, int, bool]:
    name = call.name
    return name.role == "analyzer", name.candidate, roles.index(name.role), name.attempt, name.again


def _prompt(call: RecordedCall, seen: set[str], room: int) -> tuple[tuple[str, str], ...]:
    messages = []
    for message in call.messages:
        if message.role == "system":
            if message.content in seen:
                continue
            seen.add(message.content)
        messages.append((message.role, cut(message.content, room)))
    return tuple(messages)
