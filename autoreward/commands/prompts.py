"""`prompts`: the templates of the language model's roles."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import tyro
from rich.text import Text

from autoreward.api import describe
from autoreward.commands.arguments import Command, Flag
from autoreward.designer.contract import Brief, PastCandidate
from autoreward.display import new_console, table
from autoreward.errors import UnknownName, UserError
from autoreward.llm.calls import estimate
from autoreward.prompts.render import BUILT_IN, SUFFIX, Templates, template_names
from autoreward.task import Task, load_task


class PromptsShow(Command):
    """List the built-in templates with their sizes, or print one."""

    name: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar="[NAME]")] = None
    """Which template to print; without it: the list of them."""
    task: str = "reacher"
    """Task of a pack, for which the list says how long whole prompts are."""

    def execute(self) -> int:
        """Print the list, or a template."""
        known = template_names()
        console = new_console()
        if self.name is None:
            whole = sizes(load_task(self.task))
            rows = [
                (name, f"{len((BUILT_IN / name).read_text()) // 4:,}", whole.get(name.removesuffix(SUFFIX), ""))
                for name in known
            ]
            columns = ("template", "tokens", f"whole prompt, {self.task}")
            console.print(table(columns, rows, numbers=columns[1:]))
            console.print(Text("tokens are characters / 4; whole prompts are those of a program without a record"))
            return 0
        matches = [name for name in known if self.name in (name, name.partition(".")[0])]
        if not matches:
            raise UnknownName("prompt", self.name, known, "`autoreward prompts show` lists them.")
        console.file.write((BUILT_IN / matches[0]).read_text())
        return 0


class PromptsCopy(Command):
    """Copy the templates to a folder of your own, to be changed and used with --llm.prompts."""

    to: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="[FOLDER]")] = Path("prompts-own")
    """Folder to copy to."""
    force: Flag = False
    """Replace files that are there."""

    def execute(self) -> int:
        """Copy every template."""
        there = [name for name in template_names() if (self.to / name).exists()]
        if there and not self.force:
            raise UserError(f"{self.to / there[0]} is there already; name another folder, or replace it with --force")
        try:
            for name in template_names():
                (self.to / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(BUILT_IN / name, self.to / name)
        except OSError as error:
            raise UserError(f"{self.to} cannot be written: {error.strerror or error}") from None
        new_console().print(Text(f"copied {len(template_names())} templates; use them with --llm.prompts {self.to}"))
        return 0


Prompts = Annotated[PromptsShow, tyro.conf.subcommand("show")] | Annotated[PromptsCopy, tyro.conf.subcommand("copy")]
"""`prompts show` and `prompts copy`."""


def sizes(task: Task) -> dict[str, str]:
    """Tokens of the messages that open each conversation about a task; the program is one of the composer's."""
    from autoreward.designer.composer import Composer
    from autoreward.search.rehearsal import conversations

    schema = describe(task.env)
    brief = Brief(task=task, schema_=schema, grammar=task.grammar, round=0, index=0, candidates=1)
    source = Composer().propose(brief).source
    past = PastCandidate(round=0, index=0, idea="", source=source, status="trained", success_rate=0.0, incumbent=True)
    prompts = conversations(Templates(), brief, source, (past,))
    if task.grammar == "terms":  # the only one that a small effort knows
        prompts["designer/small"] = conversations(Templates(), brief, source, (past,), "small")["designer/first"]
    return {name: f"{estimate(messages):,}" for name, messages in prompts.items()}
