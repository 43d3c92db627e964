"""`sweep`: tasks x designers x models x overrides x seeds on one pool of slots. Called again, it goes on."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console
from rich.live import Live
from rich.text import Text

from autoreward.api import check_writable
from autoreward.commands.arguments import CANNOT_WRITE, Command, Flag
from autoreward.display import count, new_console, show, table
from autoreward.errors import AutorewardError, UserError
from autoreward.report.text import clean
from autoreward.store.folder import locked

if TYPE_CHECKING:
    from autoreward.sweeps.board import Board
    from autoreward.sweeps.matrix import Planned
    from autoreward.sweeps.records import SweepFile, SweepRecord


class Sweep(Command):
    """Run the tasks x designers x models x overrides x seeds of a YAML file; call it again to go on."""

    file: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE.yaml")]
    """The sweep: `tasks`, `designers`, `models`, `overrides`, `seeds`, `config`, `include`, `exclude`, `budget`."""
    folder: Path | None = None
    """The sweep's folder; without it: sweep-NAME, after the file's name, in the file's `config.runs`."""
    dry_run: Flag = False
    """List the runs; nothing is trained, asked or written."""

    def execute(self) -> int:
        """Carry out what is not finished, and print the summary."""
        from autoreward.sweeps.matrix import read_sweep

        sweep, planned = read_sweep(self.file)
        if self.dry_run:
            show_matrix(planned)
            return 0
        folder = self.folder or sweep.config.runs / f"sweep-{self.file.stem}"
        check_writable(folder, "--folder")
        with locked(folder):
            return self._sweep(sweep, planned, folder)

    def _sweep(self, sweep: SweepFile, planned: Sequence[Planned], folder: Path) -> int:
        from autoreward.sweeps.board import Board
        from autoreward.sweeps.carry_out import begin, check_all, finish

        check_all(sweep, planned, self.file)
        board, record = Board(_say(console := new_console())), begin(folder, planned, str(self.file))
        with self._going_on(folder):
            record = _watched(console, board, sweep, record, planned, folder)
        tables = finish(folder, record)
        show(console, tables)
        if record.stopped:
            console.print(
                Text(f"the sweep was stopped: {record.stopped}; with a larger cap it goes on: {self._again(folder)}")
            )
        return 0 if all(run.status == "finished" for run in record.runs) else 1

    def _again(self, folder: Path) -> str:
        return shlex.join(("autoreward", "sweep", str(self.file), "--folder", str(folder)))

    @contextmanager
    def _going_on(self, folder: Path) -> Iterator[None]:
        """Say how the sweep goes on when it was stopped from outside or has failed."""
        try:
            yield
        except (KeyboardInterrupt, AutorewardError):
            sys.stderr.write(f"nothing finished is lost; go on with: {self._again(folder)}\n")
            raise
        except OSError as error:
            if error.errno not in CANNOT_WRITE:
                raise
            where, why = error.filename or folder, error.strerror or error
            raise UserError(f"cannot write {where}: {why}; make room, then {self._again(folder)}") from error


def _say(console: Console) -> Callable[[str], None]:
    return lambda text: console.print(Text(clean(text)))


def _watched(
    console: Console, board: Board, sweep: SweepFile, record: SweepRecord, planned: Sequence[Planned], folder: Path
) -> SweepRecord:
    """Carry it out, with a live table on a terminal."""
    from autoreward.sweeps.carry_out import pool_of
    from autoreward.sweeps.tables import live

    with pool_of(sweep, record, planned, folder, board) as pool:
        if not console.is_terminal or console.is_dumb_terminal:
            return pool.carry_out()

        def draw() -> object:
            return live(board, pool.record, pool.shared.begun, pool.shared.open)

        with Live(console=console, get_renderable=draw, refresh_per_second=2):  # type: ignore[arg-type]
            return pool.carry_out()


def show_matrix(planned: Sequence[Planned]) -> None:
    """Print the runs of a sweep in their order."""
    runs = [each.run for each in planned]
    rows = [(str(place), run.task, str(run.seed), run.arm, run.name) for place, run in enumerate(runs, 1)]
    columns, console = ("", "task", "seed", "arm", "folder"), new_console()
    console.print(table(columns, rows, numbers=("", "seed"), title=count(len(rows), "run")))
    console.print(Text("dry run: nothing was trained, asked or written"))
