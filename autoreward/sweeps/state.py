"""`sweep.json` and the run folders of a sweep: where it stands, whoever has worked on it before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autoreward.errors import UserError
from autoreward.llm.calls import read_calls
from autoreward.llm.ledger import tally
from autoreward.records import read_record
from autoreward.store.folder import RunFolder
from autoreward.sweeps.matrix import Planned
from autoreward.sweeps.records import Point, SweepRecord, SweepRun, SweepSpent

SWEEP = "sweep.json"
SPENT = "spent.json"
"""What the sweep had used after its last training or call: `sweep.json` is written less often."""


def recorded(folder: Path) -> SweepRecord | None:
    """What a sweep's folder says of it; None where it was not begun.

    Raises:
        RunDamaged: the file does not read.
    """
    return read_record(folder / SWEEP, SweepRecord) if (folder / SWEEP).exists() else None


def used(folder: Path, before: SweepRecord | None) -> SweepSpent:
    """What a sweep has used, also where it was killed.

    Raises:
        RunDamaged: a record does not read.
    """
    spent = before.spent if before else SweepSpent()
    if (folder / SPENT).exists():
        last = read_record(folder / SPENT, SweepSpent)
        newer, older = (last, spent) if last.wall_seconds >= spent.wall_seconds else (spent, last)
        spent = newer.model_copy(update={"env_steps": max(newer.env_steps, older.env_steps)})
    return spent


def standing(folder: Path, planned: Sequence[Planned], before: SweepRecord | None, file: str) -> list[SweepRun]:
    """Every run of the plan as its folder stands; one that `sweep.json` says is finished is not read again.

    Args:
        folder: the sweep's.
        planned: its runs.
        before: its `sweep.json`, where there is one.
        file: that the plan was read from, for messages.

    Raises:
        UserError: a run was begun with other settings than the plan has.
        RunDamaged: a record does not read.
    """
    known = {run.name: run for run in before.runs} if before else {}
    runs = []
    for each in planned:
        name = each.run.name
        _check_same(folder / name, each, file)
        there, mine = known.get(name), each.run
        finished = there is not None and there.status == "finished" and (folder / name / "report.json").exists()
        same = there is not None and (there.task, there.seed, there.arm) == (mine.task, mine.seed, mine.arm)
        runs.append(there if there is not None and finished and same else state(folder, mine))
    return runs


def state(folder: Path, run: SweepRun) -> SweepRun:
    """A run as its folder stands.

    Raises:
        RunDamaged: a record does not read.
    """
    there = RunFolder(folder / run.name)
    if not (there.path / "run.json").exists():
        return run.model_copy(update={"status": "waiting"})
    report = there.report()
    if report is None:
        return run.model_copy(update={"status": "unfinished"})
    error = "" if report.winner else report.stopped or "no candidate could be trained"
    update = {"status": "finished", "rows": report.rows, "path": _path(there), "error": error}
    return run.model_copy(update=update)


def _path(run: RunFolder) -> tuple[Point, ...]:
    """Where the search stood after each round."""
    calls, steps, points = read_calls(run.rounds_path), 0, []
    for round_ in run.rounds():
        if (analysis := run.analysis(round_)) is None:
            break
        steps += sum(len(each.trainings) * each.steps - each.unspent for each in run.candidates(round_))
        best = run.candidate(*analysis.incumbent) if analysis.incumbent else None
        spent = tally([call for call in calls if call.name.round <= round_]).usd
        points.append(Point(env_steps=steps, usd=spent, success=(best.success_rate if best else None) or 0.0))
    return tuple(points)


def _check_same(path: Path, planned: Planned, file: str) -> None:
    """Refuse to go on where the file has changed since: one table must not mix two settings."""
    if not (path / "run.json").exists():
        return
    run, config = RunFolder(path).run(), planned.config
    if (run.task, run.config) != (config.for_task(planned.task), config):
        raise UserError(
            f"{path} was begun with other settings than the file has now; give another folder with --folder"
        )
    if ":" in run.designer and run.designer != config.designer:
        raise UserError(f"{path} names a designer that {file} does not: {run.designer}; it is not imported")
