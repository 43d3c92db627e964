"""`sweep`: tasks x seeds x overrides, one run after another, with a summary. Called again, it goes on."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from pydantic import BeforeValidator, Field
from rich.text import Text

from autoreward.api import TaskChoice, check_writable, merged
from autoreward.commands.arguments import Command, watched
from autoreward.config import RunConfig
from autoreward.display import new_console, one_line, success_cell, table
from autoreward.errors import AutorewardError, UserError
from autoreward.records import Record, read_yaml, write_record
from autoreward.report.text import clean
from autoreward.store.folder import locked
from autoreward.store.records import Report, Row
from autoreward.task import Task


def _by_name(value: object) -> object:
    return {"task": value} if isinstance(value, str) else value


def _apart(value: object) -> object:
    """Runs of a sweep are compared, so none is judged by the episodes of those before it, unless the file says so."""
    return {"episodes": "own", **value} if isinstance(value, dict) else value


class SweepFile(Record):
    """A sweep as its YAML file gives it."""

    tasks: Annotated[tuple[Annotated[TaskChoice, BeforeValidator(_by_name)], ...], Field(min_length=1)]
    """Names of packs' tasks, or mappings with env, text, success, success_rule, env_kwargs, step_limit."""
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (0,)
    """`RunConfig.seed` of each run."""
    config: Annotated[RunConfig, BeforeValidator(_apart)] = RunConfig(episodes="own")
    """What all runs share."""
    overrides: tuple[dict[str, Any], ...] = ()
    """Each a `name` with fields of `RunConfig` that replace those of `config`; none: `config` alone."""


class Cell(Record):
    """One run of a sweep."""

    name: str
    """Of its folder in the sweep's folder."""
    task: str
    seed: int
    override: str
    status: Literal["waiting", "unfinished", "finished", "failed"] = "waiting"
    error: str = ""
    rows: tuple[Row, ...] = ()
    """Of the run's report."""


class SweepRecord(Record):
    """`sweep.json`: every run of a sweep and how it ended."""

    file: str
    cells: tuple[Cell, ...]
    schema_version: int = 1


class Sweep(Command):
    """Run tasks x seeds x overrides of a YAML file, one after another; call it again to go on."""

    file: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE.yaml")]
    """The sweep: `tasks: [...]`, `seeds: [...]`, `config: {...}`, `overrides: [{name: ..., ...}]`."""
    folder: Path | None = None
    """The sweep's folder; without it: runs/sweep-NAME, after the file's name."""

    def execute(self) -> int:
        """Carry out what is not finished, and print the summary."""
        plan = read_sweep(self.file)
        folder = self.folder or Path("runs") / f"sweep-{self.file.stem}"
        check_writable(folder)
        with locked(folder):
            return self._sweep(plan, folder)

    def _sweep(self, plan: list[tuple[Cell, Task, RunConfig]], folder: Path) -> int:
        cells = {cell.name: _state(folder, cell) for cell, _, _ in plan}
        for cell, task, config in plan:
            _same_run(folder / cell.name, task, config, self.file)
        for place, (cell, task, config) in enumerate(plan, start=1):
            self._write(folder, cells)
            if cells[cell.name].status != "finished":
                new_console().print(Text(clean(f"[{place}/{len(plan)}] {cell.name}")))
                cells[cell.name] = self._carry_out(folder, cell, task, config)
        self._write(folder, cells)
        show_summary(folder, tuple(cells.values()))
        return 0 if all(cell.status == "finished" for cell in cells.values()) else 1

    def _write(self, folder: Path, cells: dict[str, Cell]) -> None:
        write_record(folder / "sweep.json", SweepRecord(file=str(self.file), cells=tuple(cells.values())))

    def _carry_out(self, folder: Path, cell: Cell, task: Task, config: RunConfig) -> Cell:
        from autoreward.search.loop import resume, start

        path = folder / cell.name
        try:
            with watched() as display:
                if (path / "run.json").exists():
                    resume(path, display)
                else:
                    # What a start that was killed left behind: a run begins with run.json. The sweep's lock says that
                    # no other process is about to write it.
                    shutil.rmtree(path, ignore_errors=True)
                    start(task, config, display, f"autoreward sweep {self.file}", folder=path)
        except (AutorewardError, KeyboardInterrupt) as error:
            if isinstance(error, AutorewardError) and error.exit_code == 1:
                return cell.model_copy(update={"status": "failed", "error": str(error)})
            sys.stderr.write(f"or with the whole sweep: autoreward sweep {self.file} --folder {folder}\n")
            raise
        return _state(folder, cell)


def read_sweep(path: Path) -> list[tuple[Cell, Task, RunConfig]]:
    """The runs of a sweep file, all of them checked before the first one starts.

    Raises:
        UserError: the file has a wrong field, an unknown task, or overrides without names of their own.
    """
    from autoreward.search.roles import with_recording

    where = f"sweep file {path}"
    sweep = read_yaml(path, SweepFile, "sweep file")
    configs: dict[str, RunConfig] = {}
    for place, override in enumerate(sweep.overrides or ({"name": "base"},)):
        name = override.get("name")
        if not isinstance(name, str) or not name or not set(name) <= _NAME_LETTERS:
            raise UserError(f"{where}: overrides.{place}: give it a name of letters, digits, '-' and '_'")
        if name in configs:
            raise UserError(f"{where}: overrides.{place}: the name {name!r} is there twice")
        settings = {key: value for key, value in override.items() if key != "name"}
        configs[name] = merged(sweep.config, settings, f"{where}: overrides.{place} ({name})")
    plan: list[tuple[Cell, Task, RunConfig]] = []
    for choice in sweep.tasks:
        task = choice.resolve()
        for seed in sweep.seeds:
            for name, config in configs.items():
                label = "".join(letter if letter in _NAME_LETTERS else "_" for letter in task.name)
                cell = Cell(name=f"{label}_seed{seed}_{name}", task=task.name, seed=seed, override=name)
                given = with_recording(merged(config, {"seed": seed}, where))
                plan.append((_distinct(cell, plan), task, given))
    return plan


_NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def _distinct(cell: Cell, plan: list[tuple[Cell, Task, RunConfig]]) -> Cell:
    """Two tasks of one environment get folders of their own."""
    taken, name, count = {known.name for known, _, _ in plan}, cell.name, 2
    while name in taken:
        name, count = f"{cell.name}_{count}", count + 1
    return cell.model_copy(update={"name": name})


def _state(folder: Path, cell: Cell) -> Cell:
    """The cell as its run folder stands."""
    from autoreward.store.folder import RunFolder

    run = RunFolder(folder / cell.name)
    if not (run.path / "run.json").exists():
        return cell
    report = run.report()
    if report is None:
        return cell.model_copy(update={"status": "unfinished"})
    return cell.model_copy(update={"status": "finished", "rows": report.rows, "error": _error(report)})


def _error(report: Report) -> str:
    return "" if report.winner else "no candidate could be trained"


def _same_run(path: Path, task: Task, config: RunConfig, file: Path) -> None:
    """Refuse to go on where the file has changed since: one table must not mix two settings."""
    from autoreward.store.folder import RunFolder

    if not (path / "run.json").exists():
        return
    recorded = RunFolder(path).run()
    if (recorded.task, recorded.config) != (config.for_task(task), config):
        raise UserError(f"{path} was begun with other settings than {file} has now; give another folder with --folder")
    if ":" in recorded.designer and recorded.designer != config.designer:
        raise UserError(f"{path} names a designer that {file} does not: {recorded.designer}; it is not imported")


def show_summary(folder: Path, cells: tuple[Cell, ...]) -> None:
    """Print a line for each run of the sweep."""

    def success(cell: Cell, *names: str) -> str:
        return next((success_cell(row) for row in cell.rows if row.name in names), "-")

    rows = [
        (
            cell.task,
            str(cell.seed),
            cell.override,
            cell.status,
            success(cell, "random"),
            success(cell, "sparse"),
            success(cell, "human", "reference"),
            success(cell, "designed"),
            one_line(cell.error) or cell.name,
        )
        for cell in cells
    ]
    columns = ("task", "seed", "override", "status", "random", "sparse", "human/reference", "designed", "run")
    console = new_console()
    console.print(table(columns, rows, numbers=columns[4:8], title="Success on fresh seeds"))
    console.print(Text(f"runs and sweep.json: {folder}"))
