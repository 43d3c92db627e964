"""`why`: one screen on what became of a candidate, and why; or on what stopped a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.text import Text

from autoreward.commands.arguments import Command, Given, RunName
from autoreward.display import new_console
from autoreward.errors import UserError
from autoreward.report.run import Run
from autoreward.report.text import clean
from autoreward.report.why import Paragraph, failure, why
from autoreward.store.find import find_run

LINES, COLUMNS, LABEL = 40, 100, 10
"""Of the screen, and of the column of labels."""
MOST_LINES = 6
"""Of a paragraph, where there is room."""
MOST_CHARACTERS = 2000
"""Of a paragraph; a reply of a language model can be a book."""


class Why(Command):
    """Tell in one screen where a candidate came from, what was said of it, and why it was kept or dropped."""

    run: RunName = None
    """Path of the run folder, or a unique beginning of its name. Without it: the latest run."""
    candidate: Annotated[Given, tyro.conf.Positional, tyro.conf.arg(metavar="[CANDIDATE]")] = None
    """Such as 1.2. Without it: the best one; of a failed or stopped run, what stopped it first."""
    runs: Path = Path("runs")
    """Folder that holds run folders."""

    def execute(self) -> int:
        """Print the story."""
        run, console = Run(find_run(self.run, self.runs)), new_console()
        if self.candidate is not None:
            told = why(run, run.candidate(self.candidate))
        else:
            told = failure(run) + (why(run, run.best) if run.best else [])
        if not told:
            raise UserError(f"{run.path} has no candidate to tell of; type: autoreward inspect {run.path}")
        for line in screen(told, console):
            console.print(line, overflow="ignore", no_wrap=True, crop=False)
        return 0


def screen(told: Sequence[Paragraph], console: Console) -> list[Text]:
    """The paragraphs in at most 40 lines of at most 100 columns: the more there are, the less of each."""
    width = min(console.width, COLUMNS) - LABEL
    for most in range(MOST_LINES, 0, -1):
        lines = [line for paragraph in told for line in _wrapped(paragraph, console, width, most)]
        if len(lines) <= LINES:
            break
    return lines[:LINES]


def _wrapped(paragraph: Paragraph, console: Console, width: int, most: int) -> list[Text]:
    text = Text(" ".join(clean(paragraph.text[:MOST_CHARACTERS]).split()))
    lines = text.wrap(console, width)
    kept = list(lines[:most])
    for line in kept:
        line.rstrip()
    if len(lines) > most or len(paragraph.text) > MOST_CHARACTERS:
        kept[-1].truncate(width - 1)
        kept[-1].append("…")
    # A command is typed as it stands, so it is never cut.
    if paragraph.label == "next":
        kept = [text]
    heads = [paragraph.label] + [""] * (len(kept) - 1)
    return [Text(f"{head:<{LABEL}}") + line for head, line in zip(heads, kept, strict=True)]
