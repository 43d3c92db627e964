"""Every call of a run, recorded: a recorded reply is given again without asking, and caps hold over resumptions."""

from __future__ import annotations

import hashlib
from pathlib import Path
from threading import Lock

from autoreward.config import Budget
from autoreward.errors import BudgetReached
from autoreward.llm.contract import CallName, Chat, Message, Reply
from autoreward.records import Record, read_record, write_record


class RecordedCall(Record):
    """`calls/ROLE-CANDIDATE-ATTEMPT.json`: one call."""

    name: CallName
    prompt_hash: str
    """16 hexadecimal digits of the messages' SHA-256."""
    messages: tuple[Message, ...]
    reply: Reply

    @property
    def tokens(self) -> int:
        """Tokens of prompt and reply; where the endpoint counted none, characters / 4."""
        prompt, reply = self.reply.prompt_tokens, self.reply.completion_tokens
        return (_estimate(self.messages) if prompt is None else prompt) + (
            len(self.reply.text) // 4 if reply is None else reply
        )


class RecordedChat:
    """Asks another chat, and records request, reply, usage and seconds in the run folder.

    A call is found again by its name alone (role, round, candidate, attempt), so a resumed run goes on with the
    replies it has, also after a change of templates.

    Attributes:
        calls: how many calls are recorded, those of earlier starts of the run included.
        tokens: how many tokens these calls took.
    """

    def __init__(self, chat: Chat, rounds: Path, budget: Budget) -> None:
        """Count what is recorded.

        Args:
            chat: who is asked.
            rounds: the run folder's `rounds`.
            budget: its caps on calls and tokens are checked before each call.

        Raises:
            RunDamaged: a recorded call does not read.
        """
        self._chat, self._rounds, self._budget = chat, rounds, budget
        self._lock = Lock()
        recorded = [read_record(path, RecordedCall) for path in sorted(rounds.glob("[0-9]*/calls/*.json"))]
        self.calls = len(recorded)
        self.tokens = sum(call.tokens for call in recorded)

    def complete(self, name: CallName, messages: tuple[Message, ...]) -> Reply:
        """The recorded reply, or a new one, which is recorded before it is returned.

        Raises:
            BudgetReached: the call would pass a cap.
            EndpointError: the endpoint failed for good.
            RunDamaged: the recorded call does not read.
        """
        path = self._rounds / f"{name.round:02d}" / "calls" / f"{name}.json"
        if path.exists():
            return read_record(path, RecordedCall).reply
        self._check_caps(messages)
        reply = self._chat.complete(name, messages)
        call = RecordedCall(name=name, prompt_hash=_hash(messages), messages=messages, reply=reply)
        write_record(path, call)
        with self._lock:
            self.calls += 1
            self.tokens += call.tokens
        return reply

    def _check_caps(self, messages: tuple[Message, ...]) -> None:
        calls, tokens = self._budget.llm_calls, self._budget.llm_tokens
        if calls is not None and self.calls >= calls:
            raise BudgetReached(f"the cap of {calls} language-model calls is reached (--budget.llm-calls)")
        if tokens is not None and self.tokens + _estimate(messages) > tokens:
            raise BudgetReached(
                f"the next prompt would pass the cap of {tokens} language-model tokens, {self.tokens} are used "
                "(--budget.llm-tokens)"
            )


def _estimate(messages: tuple[Message, ...]) -> int:
    return sum(len(message.content) for message in messages) // 4


def _hash(messages: tuple[Message, ...]) -> str:
    text = "\0".join(f"{message.role}\0{message.content}" for message in messages)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
