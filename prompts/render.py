"""From templates to messages.

Task texts, descriptions and replies are data: they are passed as variables, fenced where they are long, and never read
as templates.
"""

from __future__ import annotations

import functools
import json
import re
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autoreward.errors import UnknownName, UserError
from autoreward.llm.contract import Message, without_turns

if TYPE_CHECKING:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

BUILT_IN = Path(__file__).parent
SUFFIX = ".md.j2"


def template_names(folder: Path = BUILT_IN) -> list[str]:
    """Every template of a folder as `role/name.md.j2`, in order."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob(f"*{SUFFIX}"))


@functools.cache
def _environment() -> ImmutableSandboxedEnvironment:
    """Of the built-in templates alone, which the runs of a process compile once. A file that changes is read again."""
    return _environment_of()


def _environment_of(*override: Path) -> ImmutableSandboxedEnvironment:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader([*override, BUILT_IN]),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters.update(course=course, fenced=fenced, inline=inline, number=number, quoted=quoted)
    return environment


class Templates:
    """The prompts: built in, with single files replaced by those of a user's folder.

    Each role has a folder; its `system.md.j2` opens every conversation of the role.
    """

    def __init__(self, override: Path | None = None) -> None:
        """Find and compile every template.

        Args:
            override: a folder whose files replace the built-in ones of the same name.

        Raises:
            UserError: the folder does not exist, holds a file that replaces nothing, or a template is broken; the
                message names file and line.
        """
        self._override = override
        if override is not None:
            _check_folder(override)
        self._environment = _environment() if override is None else _environment_of(override)
        for name in template_names():
            self._load(name)

    def messages(
        self,
        name: str,
        system: str = "system",
        **context: Any,  # noqa: ANN401 - templates take anything
    ) -> tuple[Message, ...]:
        """The opening of a conversation: the role's system message and the named template as the user's.

        Args:
            name: `role/template`, such as `designer/first`.
            system: the role's template that opens the conversation.
            context: what the two templates may use.

        Raises:
            UserError: a template uses something that there is not; the message names file and line.
        """
        role = name.partition("/")[0]
        return (
            Message(role="system", content=self.text(f"{role}/{system}", **context)),
            Message(role="user", content=self.text(name, **context)),
        )

    def text(self, name: str, **context: Any) -> str:  # noqa: ANN401 - templates take anything
        """One template, rendered; raises as `messages` does."""
        import jinja2

        template = self._load(name + SUFFIX)
        try:
            rendered = template.render(**context)
        except (jinja2.TemplateError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
            file, line = _place_of(error)
            raise UserError(self._broken(file or template.filename or name, line, error)) from error
        return re.sub(r"\n{3,}", "\n\n", rendered).strip() + "\n"

    def _load(self, name: str) -> jinja2.Template:
        import jinja2

        try:
            return self._environment.get_template(name)
        except jinja2.TemplateSyntaxError as error:
            raise UserError(self._broken(error.filename or name, error.lineno, error)) from None
        except jinja2.TemplateNotFound as error:
            if error.name != name:
                raise UserError(self._broken(name, None, f"it includes {error.name}, which does not exist")) from None
            raise UnknownName(
                "prompt template", name, template_names(), "`autoreward prompts show` lists all."
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(self._broken(name, None, error)) from None

    @staticmethod
    def _broken(file: str, line: int | None, error: object) -> str:
        where = file if line is None else f"{file}:{line}"
        return (
            f"prompt template {where}: {' '.join(str(error).split())}. `autoreward prompts copy` gives a fresh copy of "
            "the built-in one"
        )


def fenced(text: object, language: str = "") -> str:
    """Text in a Markdown block that it cannot end: the fence is longer than any run of backticks in it.

    Lines keep their numbers, so empty ones at its beginning stay.
    """
    content = without_turns(str(text)).rstrip("\n")
    longest = max((len(run) for run in re.findall(r"`+", content)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}{language}\n{content}\n{marks}"


def inline(text: object, limit: int = 400) -> str:
    """Text on one line, cut after `limit` characters."""
    line = without_turns(" ".join(str(text).split()))
    return line if len(line) <= limit else line[: limit - 1] + "…"


def quoted(text: object, limit: int = 400) -> str:
    """What a program says of itself, as data: one line in double quotes that it cannot close, cut after `limit`."""
    return json.dumps(inline(text, limit).replace("`", "'"), ensure_ascii=False)


def number(value: float | None) -> str:
    """A number in at most four significant digits; `-` for None."""
    return "-" if value is None else f"{value:.4g}"


def course(values: Iterable[float]) -> str:
    """Numbers in three significant digits; one number where all are the same."""
    told = [f"{float(f'{value:.3g}'):.6g}" for value in values]
    return f"{told[0]} throughout" if len(told) > 1 and len(set(told)) == 1 else " ".join(told)


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise UserError(f"--llm.prompts {folder} is not a folder; `autoreward prompts copy {folder}` makes one")
    known = template_names()
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if name not in known:
            raise UnknownName("prompt template", name, known, f"{folder} may hold files of these names alone.")


def _files(folder: Path) -> Iterator[Path]:
    """Files that somebody meant as templates: not hidden ones, editors' copies and notes at the top."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and not path.name.endswith("~") and path.name != "README.md":
            yield path


def _place_of(error: Exception) -> tuple[str, int | None]:
    """File and line of the template in which rendering failed, an included one too: jinja2 puts them in tracebacks."""
    frames = ((frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__))
    return next((place for place in reversed(list(frames)) if place[0].endswith(SUFFIX)), ("", None))
