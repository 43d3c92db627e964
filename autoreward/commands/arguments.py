"""What the commands' arguments share."""

from __future__ import annotations

import errno
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import tyro

from autoreward.errors import AutorewardError, UserError
from autoreward.records import Record

if TYPE_CHECKING:
    from autoreward.display import Display

Flag = Annotated[bool, tyro.conf.FlagCreatePairsOff]
"""A switch without a `--no-` twin."""
Json = Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(name="json")]
"""`--json`: output for machines."""
Given = Optional[str]  # noqa: UP045 - tyro imports typeguard, and with it half of Python, to see through `str | None`
"""A text, or None: for commands that are to be there at once."""
RunName = Annotated[Given, tyro.conf.Positional, tyro.conf.arg(metavar="[RUN]")]
"""Path of a run folder, or a unique beginning of its name; None is the latest run."""
Trusted = Annotated[tuple[str, ...], tyro.conf.arg(metavar="MODULE:ATTR ...")]
"""`--trust`: what the records of a folder may have imported and run."""
RewardFile = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]


CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
"""What the disk says when it is full, or has become read-only; everything written so far is whole."""


class Command(Record):
    """A command with its arguments."""

    def execute(self) -> int:
        """Do it, and give the exit code.

        Raises:
            AutorewardError: the CLI prints it and exits with its code.
        """
        raise NotImplementedError("every command says what it does")


@contextmanager
def watched() -> Iterator[Display]:
    """A display for a run; when the run is stopped from outside or fails, the line that resumes it is printed."""
    from autoreward.display import new_console, new_display
    from autoreward.store.trust import resume_command

    display = new_display(new_console())
    try:
        with display:
            yield display
    except (KeyboardInterrupt, AutorewardError):
        if display.folder is not None:
            sys.stderr.write(f"nothing finished is lost; go on with: {resume_command(display.folder)}\n")
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in CANNOT_WRITE:
            again = resume_command(display.folder) if display.folder else "the same command again"
            reason = error.strerror or str(error)
            raise UserError(
                f"cannot write {error.filename or 'the run folder'}: {reason}; make room, then {again}"
            ) from error
        if display.folder is not None:
            log = display.folder / "run.log"
            with log.open("a") as file:
                file.write(traceback.format_exc())
            error.add_note(f"traceback: {log}")
        raise
