"""The part of `docs/results.md` that tells of a sweep, kept as text since its runs take an hour."""

from __future__ import annotations

import csv
from pathlib import Path

from autoreward.records import read_record
from autoreward.sweeps.files import ALL
from autoreward.sweeps.records import SweepRecord

TABLE = Path(__file__).parent / "results_sweep.md"
HEAD = Path(__file__).parent / "results_sweep_head.md"


def write(folder: Path) -> None:
    """Tell of the sweep in a folder: what each of its runs reached, and interquartile means over them."""
    runs, summary = (_rows(folder / name) for name in ("runs.csv", "summary.csv"))
    arms = list(dict.fromkeys(run["arm"] for run in runs))
    others = [row["arm"] for row in summary if row["task"] == ALL and row["arm"] not in arms]
    lines = [f"| task | {' | '.join((*arms, *others))} |", "|" + " --- |" * (1 + len(arms) + len(others))]
    for task in dict.fromkeys(run["task"] for run in runs):
        own = {arm: [run["success"] for run in runs if (run["task"], run["arm"]) == (task, arm)] for arm in arms}
        means = {row["arm"]: row["success_iqm"] for row in summary if row["task"] == task}
        cells = [", ".join(map(_percent, own[arm])) for arm in arms] + [_percent(means[arm]) for arm in others]
        lines.append(f"| {task} | {' | '.join(cells)} |")
    whole = {row["arm"]: row for row in summary if row["task"] == ALL}
    lines.append(f"| **all: IQM (95% interval)** | {' | '.join(_interval(whole[arm]) for arm in (*arms, *others))} |")
    spent = read_record(folder / "sweep.json", SweepRecord).spent
    told = (
        f"It took {spent.env_steps:,} environment steps, {spent.llm_tokens:,} tokens and "
        f"{spent.wall_seconds / 60:.0f} minutes on two cores."
    )
    TABLE.write_text("\n".join([HEAD.read_text().strip(), "", *lines, "", told, ""]))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def _percent(share: str) -> str:
    return f"{float(share):.0%}" if share else "-"


def _interval(row: dict[str, str]) -> str:
    spread = f" ({_percent(row['low'])} to {_percent(row['high'])})" if row["low"] else ""
    return _percent(row["success_iqm"]) + spread
