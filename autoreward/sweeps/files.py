"""A sweep's results as CSV: `runs.csv`, a line a run, and `summary.csv`, a line a task and arm."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from autoreward.records import write_bytes
from autoreward.sweeps.records import SweepRecord
from autoreward.sweeps.statistics import Estimate
from autoreward.sweeps.summary import BASELINES, Summary, baseline_of, success_of

ALL = "(all tasks)"
RUN_COLUMNS = ("task", "seed", "arm", "status", "success", "success_by_seed", *BASELINES, "env_steps", "usd", "error")
SUMMARY_COLUMNS = ("task", "arm", "runs", "success_iqm", "low", "high")


def write_tables(folder: Path, record: SweepRecord, summary: Summary) -> None:
    """Write both files into the sweep's folder. Empty fields are what is not known."""
    rows = []
    for run in record.runs:
        designed, last = run.designed, run.path[-1] if run.path else None
        seeds = " ".join(f"{value:g}" for value in designed.success) if designed else ""
        spent = (last.env_steps, last.usd) if last else (None, None)
        baselines = (baseline_of(run, name) for name in BASELINES)
        error = " ".join(run.error.split())
        rows.append((run.task, run.seed, run.arm, run.status, success_of(run), seeds, *baselines, *spent, error))
    _write(folder / "runs.csv", RUN_COLUMNS, rows)
    lines = [(task, arm, estimate) for (arm, task), estimate in summary.by_task.items()]
    lines += [(ALL, arm, estimate) for arm, estimate in summary.overall.items()]
    _write(folder / "summary.csv", SUMMARY_COLUMNS, ((task, arm, *_numbers(each)) for task, arm, each in lines))


def _numbers(estimate: Estimate) -> tuple[object, ...]:
    return (estimate.runs, estimate.value, *(estimate.interval or (None, None)))


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_safe(value) for value in row] for row in rows)
    write_bytes(path, text.getvalue().encode())


def _safe(value: object) -> object:
    """Texts may come from elsewhere, and a table program takes one that begins so for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
