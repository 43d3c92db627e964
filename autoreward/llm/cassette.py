"""Cassettes: the replies of a run in one small file that can be kept beside code.

JSON lines: first what was recorded and how, then the calls. Prompts are kept as their hashes only, since templates,
task and replies make them again.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from autoreward.errors import RunDamaged, UserError
from autoreward.llm.calls import read_calls
from autoreward.llm.contract import CallName, Reply
from autoreward.records import Record, RecordT, write_bytes


class Label(Record):
    """The first line."""

    made: str
    """How the replies came about, in words: by which model, when, and under which conditions."""
    command: str = ""
    """What the user typed."""
    models: tuple[str, ...] = ()
    """As the endpoint named them."""
    calls: int
    """How many lines follow."""
    schema_version: int = 1


class Take(Record):
    """One call, without its prompt."""

    name: CallName
    prompt_hash: str
    reply: Reply


def write_cassette(run: Path, file: Path, made: str) -> Label:
    """Gather the calls of a run folder, finished or not, into a file.

    Args:
        run: the run folder.
        file: is written anew.
        made: how the replies came about, in words.

    Raises:
        UserError: the folder holds no call.
        RunDamaged: a call does not read.
    """
    takes = takes_of_run(run)
    command = run / "command.txt"
    label = Label(
        made=made,
        command=command.read_text().strip() if command.exists() else "",
        models=tuple(sorted({take.reply.model for take in takes} - {""})),
        calls=len(takes),
    )
    lines = [label.model_dump_json(), *(take.model_dump_json(exclude_defaults=True) for take in takes)]
    write_bytes(file, ("\n".join(lines) + "\n").encode())
    return label


def read_cassette(file: Path) -> tuple[Label, list[Take]]:
    """A cassette's label and calls.

    Raises:
        UserError: there is no such file.
        RunDamaged: a line does not read, or lines are missing; the message names file and line.
    """
    try:
        # Not splitlines: replies may hold the other characters that it takes for line ends.
        lines = file.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the recording {file} cannot be read: {error}") from None
    label = _line(file, lines, 0, Label)
    takes = [_line(file, lines, number, Take) for number in range(1, len(lines))]
    if len(takes) != label.calls:
        raise RunDamaged(f"{file} holds {len(takes)} calls, and its first line speaks of {label.calls}")
    return label, takes


def takes_of_run(run: Path) -> list[Take]:
    """The calls of a run folder, by round and name.

    Raises:
        UserError: it holds none.
        RunDamaged: one does not read.
    """
    calls = read_calls(run / "rounds")
    if not calls:
        raise UserError(f"{run} holds no call of a language model, so there is nothing to replay")
    return [Take(name=call.name, prompt_hash=call.prompt_hash, reply=call.reply) for call in calls]


def _line(file: Path, lines: list[str], number: int, model: type[RecordT]) -> RecordT:
    try:
        return model.model_validate_json(lines[number] if number < len(lines) else "")
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "content"
        raise RunDamaged(
            f"{file}, line {number + 1} does not read as {model.__name__}: {where}: {fault['msg']}"
        ) from None
