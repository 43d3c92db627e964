"""What a page says of how a run was started: command, settings that differ from the usual ones, versions, log."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoreward.config import RunConfig
from autoreward.store.folder import RunFolder
from autoreward.store.records import RunRecord

MOST_BYTES = 200_000
"""Of a file that is shown; of a longer one, its end."""


@dataclass(frozen=True)
class Setting:
    """A setting that is not the usual one."""

    name: str
    value: str
    usual: str


@dataclass(frozen=True)
class Settings:
    """How the run was started, and on what."""

    command: str
    """As typed; empty where it was started from Python."""
    replay: str
    """What gives the same run again from its recorded replies; empty where there are none."""
    changed: tuple[Setting, ...]
    trainer: tuple[tuple[str, str], ...]
    """The trainer's settings as they were applied."""
    environment: str
    """Python, system and packages with their versions."""
    log: str


def settings(folder: RunFolder, run: RunRecord) -> Settings:
    """Read it from a run folder."""
    path = folder.path
    called = any(folder.rounds_path.glob("[0-9]*/calls/*.json"))
    return Settings(
        command=_text(path / "command.txt").strip(),
        replay=shlex.join(("autoreward", "run", "--llm.replay", str(path))) if called else "",
        changed=tuple(_changed(run.config)),
        trainer=tuple((name, _shown(value)) for name, value in run.task.trainer.model_dump().items()),
        environment=_text(path / "environment.txt").strip(),
        log=_text(path / "run.log").strip(),
    )


def _changed(config: RunConfig) -> Iterator[Setting]:
    usual = dict(_flat(RunConfig().model_dump()))
    for name, value in _flat(config.model_dump()):
        if value != usual.get(name):
            yield Setting(name, _shown(value), _shown(usual.get(name)))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict) and value and name in ("budget", "llm", "trainer"):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _shown(value: object) -> str:
    return "-" if value is None else ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _text(path: Path) -> str:
    """A text file's end; nothing where it is not there or cannot be read, since no result hangs on it.

    A link in a run from elsewhere could lead to a file of the user's, and the page is mailed.
    """
    if path.is_symlink():
        return ""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - MOST_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
