"""The record of one call, and the calls of a run folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from autoreward.llm.contract import CallName, Message, Reply
from autoreward.records import Record, read_record


class RecordedCall(Record):
    """`calls/ROLE-CANDIDATE-ATTEMPT.json`: one call."""

    name: CallName
    prompt_hash: str
    """16 hexadecimal digits of the messages' SHA-256."""
    messages: tuple[Message, ...]
    reply: Reply

    @property
    def prompt_tokens(self) -> int:
        """As the endpoint counted them, else an estimate."""
        return estimate(self.messages) if self.reply.prompt_tokens is None else self.reply.prompt_tokens

    @property
    def completion_tokens(self) -> int:
        """As the endpoint counted them, else characters / 4."""
        counted = self.reply.completion_tokens
        return len(self.reply.text) // 4 if counted is None else counted

    @property
    def tokens(self) -> int:
        """Of prompt and reply."""
        return self.prompt_tokens + self.completion_tokens


def call_path(rounds: Path, name: CallName) -> Path:
    """Where a call is recorded.

    Args:
        rounds: the run folder's `rounds`.
        name: the call.
    """
    return rounds / f"{name.round:02d}" / "calls" / f"{name}.json"


def read_calls(rounds: Path) -> list[RecordedCall]:
    """Every recorded call of a run, by round and name.

    Raises:
        RunDamaged: one does not read.
    """
    return [read_record(path, RecordedCall) for path in sorted(rounds.glob("[0-9]*/calls/*.json"))]


def estimate(messages: tuple[Message, ...]) -> int:
    """Tokens of a prompt, before anybody has counted them: characters / 4."""
    return sum(len(message.content) for message in messages) // 4


def prompt_hash(messages: tuple[Message, ...]) -> str:
    """Names a prompt: 16 hexadecimal digits."""
    text = "\0".join(f"{message.role}\0{message.content}" for message in messages)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
