"""`prompts`: the templates of the language model's roles."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import tyro
from rich.text import Text

from autoreward.commands.arguments import Command, Flag
from autoreward.display import new_console
from autoreward.errors import UnknownName, UserError

TEMPLATES = Path(__file__).parents[1] / "prompts"


class PromptsShow(Command):
    """List the built-in templates, or print one."""

    name: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar="[NAME]")] = None
    """Which template to print; without it: the list of them."""

    def execute(self) -> int:
        """Print the list, or a template."""
        known = templates()
        console = new_console()
        if self.name is None:
            for name in known:
                console.print(Text(name))
            return 0
        matches = [name for name in known if self.name in (name, name.partition(".")[0])]
        if not matches:
            raise UnknownName("prompt", self.name, known, "`autoreward prompts show` lists them.")
        console.file.write((TEMPLATES / matches[0]).read_text())
        return 0


class PromptsCopy(Command):
    """Copy the templates to a folder of your own, to be changed and used with --llm.prompts."""

    to: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="[FOLDER]")] = Path("prompts-own")
    """Folder to copy to."""
    force: Flag = False
    """Replace files that are there."""

    def execute(self) -> int:
        """Copy every template."""
        there = [name for name in templates() if (self.to / name).exists()]
        if there and not self.force:
            raise UserError(f"{self.to / there[0]} is there already; name another folder, or replace it with --force")
        try:
            for name in templates():
                (self.to / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(TEMPLATES / name, self.to / name)
        except OSError as error:
            raise UserError(f"{self.to} cannot be written: {error.strerror or error}") from None
        new_console().print(Text(f"copied {len(templates())} templates; use them with --llm.prompts {self.to}"))
        return 0


def templates() -> list[str]:
    """Names of the built-in templates, relative to their folder."""
    return sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.j2") if path.is_file())
