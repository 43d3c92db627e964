"""What a terminal shows of a sweep: its runs under way, and its summary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from autoreward.display import count, dollars, one_line, success_cell, table
from autoreward.report.text import clean, duration, large, percent
from autoreward.sweeps.board import Board
from autoreward.sweeps.records import SweepRecord, SweepRun
from autoreward.sweeps.statistics import Estimate
from autoreward.sweeps.summary import BASELINES, Summary

MOST_RUNS = 60
"""Runs that a terminal is shown; `runs.csv` has all."""


def live(board: Board, record: SweepRecord, begun: int, open_: int) -> Table:
    """The runs under way, and where the whole stands.

    Args:
        board: tells of the runs.
        record: the sweep as it stands.
        begun: trainings that workers are at.
        open_: the same with those that wait for a worker.
    """
    rows = [(name, one_line(stage, 60), percent(best)) for name, stage, best in board.shown()]
    shown = table(("run", "stage", "best so far"), rows, numbers=("best so far",))
    shown.caption, shown.caption_justify = Text(_line(record, begun, open_)), "left"
    return shown


def _line(record: SweepRecord, begun: int, open_: int) -> str:
    finished = sum(run.status == "finished" for run in record.runs)
    failed = sum(run.status == "failed" for run in record.runs)
    parts = [f"{finished} of {count(len(record.runs), 'run')} finished"]
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{count(begun, 'training')} under way, {max(open_ - begun, 0)} waiting"]
    return "; ".join([*parts, spent(record)])


def spent(record: SweepRecord) -> str:
    """What a sweep has used, in words."""
    used = record.spent
    llm = f", {large(used.llm_tokens)} tokens, {dollars(used.llm_usd)}" if used.llm_tokens else ""
    return f"{large(used.env_steps)} environment steps, {duration(used.wall_seconds)}{llm}"


def summary_tables(record: SweepRecord, summary: Summary) -> Iterator[RenderableType]:
    """The runs, success by task and arm, and who does better."""
    yield _runs(record.runs)
    if len(record.runs) > MOST_RUNS:
        yield Text(f"{len(record.runs) - MOST_RUNS} more runs stand in runs.csv")
    if not summary.overall:
        yield Text("no task and seed has been finished by every arm yet, so there is nothing to compare")
        return
    yield _success(summary)
    yield Text(basis(summary))
    if summary.pairs:
        yield _pairs(summary)


def basis(summary: Summary) -> str:
    """What the numbers of a summary are of, in words."""
    parts = [
        f"{summary.comparisons} of {count(summary.planned, 'comparison')} count: a task and a seed that every arm has "
        "finished.",
        "A run counts with the mean success of its reward on fresh seeds; one that found no reward counts 0.",
        "Intervals: 95%, stratified bootstrap over runs; none below five runs, or of tasks with a single one.",
    ]
    if summary.uneven:
        parts.append("Arms do not have the same tasks and seeds, so their numbers over all tasks are of other things.")
    return " ".join(parts)


def estimate_cell(estimate: Estimate | None) -> str:
    """A number with its interval."""
    if estimate is None:
        return "-"
    if estimate.interval is None:
        return percent(estimate.value)
    low, high = estimate.interval
    return f"{percent(estimate.value)} [{percent(low)}, {percent(high)}]"


def _runs(runs: Sequence[SweepRun]) -> Table:
    def success(run: SweepRun, *names: str) -> str:
        return next((success_cell(row) for row in run.rows if row.name in names), "-")

    rows = [
        (
            run.task,
            str(run.seed),
            run.arm,
            run.status,
            *(success(run, *names) for names in BASELINES.values()),
            success(run, "designed"),
            one_line(run.error) or run.name,
        )
        for run in runs[:MOST_RUNS]
    ]
    columns = ("task", "seed", "arm", "status", *BASELINES, "designed", "run")
    return table(columns, rows, numbers=columns[4:8], title="Success on fresh seeds")


def _success(summary: Summary) -> Table:
    tasks = summary.tasks if len(summary.tasks) > 1 else ()
    lines = [(task, arm, summary.by_task.get((arm, task))) for task in tasks for arm in summary.everything]
    lines += [("all tasks" if tasks else summary.tasks[0], *each) for each in summary.overall.items()]
    rows = [(task, arm, str(found.runs), estimate_cell(found)) for task, arm, found in lines if found]
    columns = ("task", "arm", "runs", "success")
    return table(columns, rows, numbers=("runs", "success"), title="Interquartile mean of success over runs")


def _pairs(summary: Summary) -> Table:
    rows = [(clean(pair.second), clean(pair.first), estimate_cell(pair.estimate)) for pair in summary.pairs]
    title = "Probability that a run of the one does better than one of the other on the same task"
    return table(("one", "other", "probability"), rows, numbers=("probability",), title=title)
