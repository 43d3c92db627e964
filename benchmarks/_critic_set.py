"""Reads the Critic's labelled set, `critic_set/`: reward programs that train their task, and others that do not.

Half of it is set aside: no check is tuned on that half, so that what is measured there is what a check is worth.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from autoreward.language.program import Grammar
from autoreward.language.static import grammar_of
from autoreward.records import Record, read_yaml

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(__file__).resolve().parent / "critic_set"
LABELS = FOLDER / "labels.yaml"
SEED = 7
"""Of the draw that sets half of the files aside."""

Label = Literal["good", "bad"]
Half = Literal["tune", "set_aside"]
Source = Literal["written", "model", "reference"]


class Entry(Record):
    """What is said of one file by hand."""

    label: Label
    source: Source
    """`written` for this set or as an example; `model`: a language model's, whose recorded training had that outcome;
    `reference`: a pack's hand-written reward."""
    fault: str | None = None
    """Of a bad one: a word of the list `faults`."""
    neighbour: str | None = None
    """Of a bad one: a good file of the same task that differs little."""
    why: str = ""
    """What is wrong with a bad one, and what looks odd about a good one."""
    path: str | None = None
    """Where the program lies, from the project's root; None: `critic_set/TASK/NAME.py`."""

    @model_validator(mode="after")
    def _bad_ones_say_why(self) -> Self:
        told = [self.fault is not None, self.neighbour is not None]
        if told != [self.label == "bad"] * 2 or (self.label == "bad" and not self.why):
            raise ValueError("a bad file has fault, neighbour and why; a good one has neither of the first two")
        return self


class Labels(Record):
    """The file `labels.yaml`."""

    faults: dict[str, str]
    """Fault -> what it means."""
    disputed: tuple[str, ...]
    """TASK/NAME of the files whose label trainings contradict; they are counted nowhere."""
    tasks: dict[str, dict[str, Entry]]
    """Task -> name -> entry."""

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        for task, entries in self.tasks.items():
            good = {name for name, entry in entries.items() if entry.label == "good"}
            for name, entry in entries.items():
                if entry.fault is not None and entry.fault not in self.faults:
                    raise ValueError(f"{task}/{name}: fault {entry.fault!r} is not in the list `faults`")
                if entry.neighbour is not None and entry.neighbour not in good:
                    raise ValueError(f"{task}/{name}: neighbour {entry.neighbour!r} is no good file of the task")
        known = {f"{task}/{name}" for task, entries in self.tasks.items() for name in entries}
        if unknown := set(self.disputed) - known:
            raise ValueError(f"disputed, but not in the set: {', '.join(sorted(unknown))}")
        return self


@dataclass(frozen=True)
class Member:
    """One file of the set."""

    task: str
    name: str
    entry: Entry
    half: Half
    disputed: bool

    @property
    def key(self) -> str:
        """TASK/NAME."""
        return f"{self.task}/{self.name}"

    @property
    def path(self) -> Path:
        """Of the reward program."""
        return ROOT / self.entry.path if self.entry.path else FOLDER / self.task / f"{self.name}.py"

    @property
    def source(self) -> str:
        """The reward program."""
        return self.path.read_text()

    @property
    def grammar(self) -> Grammar:
        """As the program's functions tell."""
        return grammar_of(self.source)


def members(path: Path = LABELS) -> tuple[Member, ...]:
    """The whole set in the order of its file, disputed files too.

    Raises:
        UserError: the file does not read as `Labels`.
    """
    labels = read_yaml(path, Labels, "labels")
    half, disputed = halves(labels), set(labels.disputed)
    return tuple(
        Member(task, name, entry, half[f"{task}/{name}"], f"{task}/{name}" in disputed)
        for task, entries in labels.tasks.items()
        for name, entry in entries.items()
    )


def counted(path: Path = LABELS) -> tuple[Member, ...]:
    """The files that figures are made of: all but the disputed ones."""
    return tuple(member for member in members(path) if not member.disputed)


def halves(labels: Labels) -> dict[str, Half]:
    """TASK/NAME -> half: every other file, in an order that each file's name draws.

    Good files are ordered task by task and bad ones fault by fault, so that each task's good files and each fault's
    bad ones are halved, to within one. Disputed files take part: to move one there changes no other's half.
    """
    order = []
    for task, entries in labels.tasks.items():
        for name, entry in entries.items():
            key = f"{task}/{name}"
            drawn = hashlib.sha256(f"{SEED} {key}".encode()).hexdigest()
            order.append((entry.label, entry.fault or task, drawn, key))
    return {row[-1]: "set_aside" if place % 2 else "tune" for place, row in enumerate(sorted(order))}


def tables(every: Sequence[Member]) -> str:
    """Counts by task and by fault, as README.md has them: of all files, and in brackets of those set aside."""
    lines = ["| task | good | bad |", "| --- | --- | --- |"]
    for task in sorted({member.task for member in every}):
        cells = [_count([m for m in every if m.task == task and m.entry.label == label]) for label in ("good", "bad")]
        lines.append(f"| {task} | {' | '.join(cells)} |")
    sums = [_count([member for member in every if member.entry.label == label]) for label in ("good", "bad")]
    lines += [f"| all | {' | '.join(sums)} |", "", "| fault | what it means | files |", "| --- | --- | --- |"]
    for fault, meaning in read_yaml(LABELS, Labels, "labels").faults.items():
        lines.append(f"| {fault} | {meaning} | {_count([m for m in every if m.entry.fault == fault])} |")
    return "\n".join(lines) + "\n"


def _count(chosen: Sequence[Member]) -> str:
    return f"{len(chosen)} ({sum(member.half == 'set_aside' for member in chosen)})"


if __name__ == "__main__":
    sys.stdout.write(tables(members()))
