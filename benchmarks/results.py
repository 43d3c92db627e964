"""Makes `docs/results.md`: whole runs with the composer, measured on seeds that no search saw, and a sweep's summary.

    python benchmarks/results.py                     # the four tasks; hours on two cores, resumable
    python benchmarks/results.py --sweep FOLDER      # the sweep's part anew, of `autoreward sweep`'s folder
    python benchmarks/results.py --quick             # a minute: that it works, not what it finds
    python benchmarks/results.py --json results.json --tasks reacher

Finished runs are not repeated, unfinished ones are resumed.
"""

# ruff: noqa: D102 - what the observer's methods mean stands in Observer
from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import _swept
import tyro

from autoreward.config import RunConfig, TrainerOverrides
from autoreward.search.loop import resume, start
from autoreward.search.observer import Observer
from autoreward.store.folder import RunFolder
from autoreward.store.records import CandidateRecord, Row
from autoreward.task import load_task

ROOT = Path(__file__).parent.parent
TASKS = ("reacher", "half_cheetah", "mountain_car_continuous", "hopper_front_flip")
LONG = ("hopper_front_flip",)
"""Tasks whose trainings take minutes: one round."""


@dataclass(frozen=True)
class Options:
    """What to run, and where it goes."""

    tasks: Annotated[tuple[str, ...], tyro.conf.arg(help="tasks to run")] = TASKS
    quick: Annotated[bool, tyro.conf.arg(help="tiny budgets, under a minute")] = False
    json: Annotated[Path | None, tyro.conf.arg(help="write flat figures here")] = None
    out: Annotated[Path, tyro.conf.arg(help="folder of the runs")] = ROOT / "runs" / "results"
    docs: Annotated[Path, tyro.conf.arg(help="the page to write")] = ROOT / "docs" / "results.md"
    sweep: Annotated[Path | None, tyro.conf.arg(help="folder of a finished sweep to tell of")] = None


class Lines(Observer):
    """A line on standard error for each candidate."""

    def candidate_finished(self, record: CandidateRecord) -> None:
        sys.stderr.write(f"  {record.name} {record.status} success {record.success_rate} score {record.score}\n")

    def phase_started(self, name: str, detail: str) -> None:
        sys.stderr.write(f"  {name}: {detail}\n")


def config(name: str, options: Options) -> RunConfig:
    """The configuration of a run: the composer, 2 rounds of 3 candidates (1 if trainings are long), default seeds."""
    if not options.quick:
        rounds, shared = 1 if name in LONG else 2, options.out / "trainings"
        return RunConfig(designer="composer", rounds=rounds, candidates=3, shared_trainings=shared)
    return RunConfig(
        designer="composer",
        rounds=1,
        candidates=2,
        steps=2_000,
        search_seeds=1,
        selection_seeds=1,
        report_seeds=1,
        report_episodes=2,
        trainer=TrainerOverrides(evaluations=1, evaluation_episodes=2),
    )


def carry_out(name: str, options: Options) -> RunFolder:
    """The finished run of a task."""
    folder = options.out / ("quick" if options.quick else "runs") / name.replace("/", "_")
    sys.stderr.write(f"{name}: {folder}\n")
    if (folder / "run.json").exists():
        return RunFolder(resume(folder, Lines()))
    return RunFolder(start(load_task(name), config(name, options), Lines(), " ".join(sys.argv), folder=folder))


def measured(row: Row) -> str:
    """A row's success with its interval, or each seed where there are too few."""
    if row.success_iqm is None:
        return "failed"
    if row.success_interval is None:
        return ", ".join(f"{value:.0%}" for value in row.success)
    return f"{row.success_iqm:.0%} ({row.success_interval[0]:.0%} to {row.success_interval[1]:.0%})"


def score(row: Row) -> str:
    """A row's score with its interval."""
    if row.score_iqm is None:
        return "-"
    spread = "" if row.score_interval is None else f" ({row.score_interval[0]:.2f} to {row.score_interval[1]:.2f})"
    return f"{row.score_iqm:.2f}{spread}"


def section(folder: RunFolder) -> list[str]:
    """A task's part of the page."""
    run, report = folder.run(), folder.report()
    assert report is not None
    task = run.task
    seeds = {len(row.trainings) for row in report.rows}
    unit = f", {task.score.unit}" if task.score and task.score.unit else ""
    lines = [
        f"## {task.name}",
        "",
        f"> {task.text}",
        "",
        f"Success: `{task.success}`. Score: `{task.score.expression if task.score else '-'}`{unit}.",
        f"{min(seeds)} report seeds x {report.rows[0].episodes} episodes; the search spent "
        f"{report.spent.env_steps:,} steps in {report.spent.wall_seconds:,.0f} s.",
        "",
        "| reward | success: IQM (95% interval) | each seed | score: IQM (95% interval) | steps | seconds a training |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in report.rows:
        each = " ".join(f"{value:.2f}" for value in row.success)
        lines.append(f"| {row.label} | {measured(row)} | {each} | {score(row)} | {row.steps:,} | {row.seconds:.0f} |")
    if report.winner:
        lines += ["", "The reward:", "", "```python", folder.source(*report.winner).strip(), "```"]
    return [*lines, ""]


def page(folders: list[RunFolder]) -> str:
    """The whole page."""
    head = (ROOT / "benchmarks" / "results_head.md").read_text()
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    lines = [head.strip(), "", f"Machine: {machine}; shared, so seconds vary by two to three times.", ""]
    for folder in folders:
        lines += section(folder)
    return "\n".join([*lines, _swept.TABLE.read_text()])


def figures(folders: list[RunFolder]) -> dict[str, float]:
    """Flat keys such as `reacher/designed/success`."""
    found: dict[str, float] = {}
    for folder in folders:
        report = folder.report()
        for row in report.rows if report else ():
            key = f"{folder.run().task.name}/{row.name}"
            found |= {f"{key}/seconds": row.seconds, f"{key}/seeds": len(row.trainings)}
            if row.success_iqm is not None:
                found[f"{key}/success"] = row.success_iqm
            if row.score_iqm is not None:
                found[f"{key}/score"] = row.score_iqm
    return found


def main() -> None:
    """Run, and write the page and the figures."""
    options = tyro.cli(Options, description=__doc__)
    if options.sweep:
        _swept.write(options.sweep)
    folders = [carry_out(name, options) for name in (options.tasks[:1] if options.quick else options.tasks)]
    if options.quick:
        sys.stdout.write(page(folders))
    else:
        options.docs.write_text(page(folders))
    if options.json:
        options.json.write_text(json.dumps(figures(folders), indent=1) + "\n")


if __name__ == "__main__":
    main()
