"""`verify`: a reward file as the Critic sees it before training."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Annotated, Literal

import tyro
from pydantic import Field
from rich.console import RenderableType
from rich.text import Text

from autoreward.api import describe, task_for_file
from autoreward.commands.arguments import Command, Json, RewardFile
from autoreward.critic.contract import Check, Verdict
from autoreward.display import count, new_console, show, table
from autoreward.errors import UserError
from autoreward.report.text import clean
from autoreward.task import Task

Isolation = Literal["A", "B", "C"]
NonNegative = Annotated[int, Field(ge=0)]
ProbeSeconds = Annotated[float, Field(gt=0)]
NO_RULE = "False"
"""Success of an environment without a pack, where none is given."""
_WORDS = {"pass": "ok", "fail": "FAILED", "warning": "warning", "no evidence": "no evidence"}


class Verify(Command):
    """Check a reward file as the Critic does before training: exit code 0 where it passes, 2 where it does not."""

    file: RewardFile
    """The reward file."""
    env: Annotated[str, tyro.conf.arg(metavar="ID|TASK")]
    """Gymnasium id, or a pack's task."""
    grammar: Literal["terms", "signs"] | None = None
    """Which grammar the file is written in; without it: the task's."""
    seed: NonNegative = 0
    """Of the recorded transitions that the file is tried on."""
    isolation: Isolation = "B"
    """Least isolation of the process that the file is run in."""
    trust: Annotated[str | None, tyro.conf.arg(metavar="PACK.yaml")] = None
    """A pack file whose own Python may be imported and run."""
    runs: Path = Path("runs")
    """Folder whose trainings' episodes the file is to put in order: success before failure."""
    probe_seconds: ProbeSeconds = 10.0
    """Seconds that all checks may take together; what does not fit is no evidence."""
    json_: Json = False
    """Print the verdict as JSON, with the rows that show what was found."""

    def execute(self) -> int:
        """Print the checks."""
        source = read_reward(self.file)
        # Success plays no part in the checks, so an environment without a pack needs no rule here.
        task = task_for_file(self.env, None if _is_task(self.env, self.trust) else NO_RULE, trust=self.trust)
        given = (with_grammar(task, self.grammar), self.seed, self.isolation, self.probe_seconds, self.runs)
        verdict = verdict_on(source, *given)
        console = new_console()
        if self.json_:
            console.file.write(verdict.model_dump_json(indent=1) + "\n")
        else:
            show_verdict(verdict, self.file)
        return 0 if verdict.status == "accepted" else 2


def read_reward(path: Path) -> str:
    """A reward file's text."""
    try:
        return path.read_text()
    except FileNotFoundError:
        raise UserError(f"reward file {path} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"reward file {path} cannot be read: {error}") from None


def verdict_on(
    source: str, task: Task, seed: int, least: Isolation, seconds: float = 10.0, runs: Path | None = None
) -> Verdict:
    """The Critic's executable checks on a program, with freshly recorded transitions.

    Args:
        source: the program.
        task: that it is for.
        seed: of the recorded transitions.
        least: isolation of the process that it is run in.
        seconds: that all checks may take.
        runs: folder with the stored episodes that it is to put in order; None: none.

    Raises:
        IsolationTooWeak: the program would be isolated less than `least`.
    """
    from autoreward.critic.stored import Stored
    from autoreward.critic.verify import verify
    from autoreward.envs.record import record_transitions
    from autoreward.sandbox.isolation import require
    from autoreward.sandbox.linux.process import hide_process
    from autoreward.sandbox.process import ProcessCell, witness

    hide_process()
    require(witness(), least)
    given = (
        describe(task.env),
        task.grammar,
        record_transitions(task, seed),
        functools.partial(ProcessCell, least=least),
    )
    # A rule that is never true stands for none: nothing can be asked of success then.
    asked = task if task.success.expression != NO_RULE else None
    stored = Stored.of(runs, task, given[0], _skipped) if runs and asked else None
    return verify(source, *given, asked, seconds, stored=stored)


def _skipped(note: str) -> None:
    sys.stderr.write(clean(note) + "\n")


def show_verdict(verdict: Verdict, file: Path) -> None:
    """Print the checks, the rows that show what was found, and where to mend what failed."""
    console = new_console()
    cells = [
        (check.name, _WORDS[check.verdict], f"{check.seconds:.2f} s", check.tried, check.message)
        for check in verdict.checks
    ]
    console.print(table(("check", "result", "time", "tried", ""), cells, numbers=("time",)))
    for check in verdict.checks:
        show(console, _rows(check))
    if verdict.status == "accepted":
        warned = f" with {count(len(verdict.warnings), 'warning')}" if verdict.warnings else ""
        console.print(Text(clean(f"{file} passes{warned}; terms: {', '.join(verdict.terms)}")))
    else:
        line = next((check.line for check in verdict.checks if check.verdict == "fail"), None)
        console.print(Text(clean(f"{file}{f':{line}' if line else ''} refused: {verdict.reason}")))


def _rows(check: Check) -> list[RenderableType]:
    """The rows that show what a check found, a line each."""
    told = [
        f"  {row.where}: {', '.join(f'{name} = {value}' for name, value in row.values.items())}" for row in check.rows
    ]
    return [Text(clean(line)) for line in ([f"{check.name} is seen in"] if told else []) + told]


def _is_task(name: str, trust: str | None) -> bool:
    from autoreward.api import pack_task

    return pack_task(name, trust) is not None


def with_grammar(task: Task, grammar: Literal["terms", "signs"] | None) -> Task:
    """The task with another grammar, where one is given."""
    return task.model_copy(update={"grammar": grammar}) if grammar else task
