"""A run's language model again, offline: recorded replies, found by their place in the loop."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from pydantic import BaseModel

from autoreward.errors import EndpointError
from autoreward.llm.calls import prompt_hash
from autoreward.llm.cassette import read_cassette, takes_of_run
from autoreward.llm.contract import CallName, Message, Reply


def _as_warning(text: str) -> None:
    warnings.warn(text, stacklevel=3)


class ReplayChat:
    """Gives the replies of a recording: a run folder, or a cassette file.

    A reply is found by role, round, candidate and attempt alone. Where the prompt is another one than was recorded, the
    reply may not fit it, and a warning says so, once for each call. Prompts after the first round tell what trainings
    gave, which differs in the last digits from machine to machine; where the results are replayed too
    (`autoreward.engine.replay`), every prompt is the recorded one.
    """

    def __init__(self, recording: Path, warn: Callable[[str], None] = _as_warning) -> None:
        """Read the recording.

        Args:
            recording: a run folder, or a file that `write_cassette` made.
            warn: is told, in one line, of a call whose prompt differs.

        Raises:
            UserError: there is no such recording, or it holds no call.
            RunDamaged: a call does not read.
        """
        takes = takes_of_run(recording) if recording.is_dir() else read_cassette(recording)[1]
        self._recording, self._warn = recording, warn
        self._takes = {take.name: take for take in takes}
        self._lock, self._warned = Lock(), set[CallName]()

    def complete(self, name: CallName, messages: tuple[Message, ...], answer: type[BaseModel] | None = None) -> Reply:
        """The recorded reply.

        Raises:
            EndpointError: the call was never recorded.
        """
        take = self._takes.get(name)
        if take is None:
            raise EndpointError(
                f"{self._recording} holds {len(self._takes)} replies, but none for {name} of round {name.round}. "
                "Replay it with the task and the configuration that it was recorded with, and with its trainings "
                "(--replay-trainings) where other results lead to other calls"
            )
        if take.prompt_hash != prompt_hash(messages):
            self._tell(name)
        return take.reply

    def _tell(self, name: CallName) -> None:
        with self._lock:
            known = name in self._warned
            self._warned.add(name)
        if not known:
            self._warn(
                f"the prompt of {name} in round {name.round} differs from the one recorded in {self._recording}; its "
                "reply was written for that one"
            )
