"""The tables and the picture of docs/voxel.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from _page import machine

from autoreward.records import write_bytes

BEGIN, END = "<!-- measured: benchmarks/voxel_learning.py writes from here -->", "<!-- to here -->"
TREE_BEGIN, TREE_END = "<!-- benchmarks/voxel_tree.py writes from here -->", "<!-- to here: knobs of the tree -->"

Rows = list[dict[str, Any]]


def write_page(found: Rows, page: Path) -> None:
    """Put the tables between the marks of the page."""
    fill(page, BEGIN, END, tables(found))


def fill(page: Path, begin: str, end: str, text: str) -> None:
    """Replace what stands between two marks of a page."""
    before, rest = page.read_text().split(begin)
    write_bytes(page, f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}".encode())


def tables(found: Rows) -> str:
    """One table a task, and what was measured of the agents' behaviour."""
    lines = [f"Machine: {machine()}.", ""]
    for task in dict.fromkeys(row["task"] for row in found):
        rows = [row for row in found if row["task"] == task]
        lines += [
            f"### {task}",
            "",
            "| reward | success in test worlds | Wilson 95% | each seed | died in lava | peak lava deaths in training "
            "| steps | steps per CPU-second |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        lines += [line(row) for row in rows]
        names = list(dict.fromkeys(name for row in rows for name in row["measures"]))
        lines += ["", f"| reward | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}"]
        lines += [
            f"| {row['label']} | {' | '.join(number(row['measures'].get(name)) for name in names)} |" for row in rows
        ]
        lines.append("")
    return "\n".join([*lines, "![Success and lava deaths of the training episodes](img/voxel.png)"])


def line(row: dict[str, Any]) -> str:
    """A reward's results."""
    low, high = row["interval"]
    seeds = ", ".join(percent(share) for share in row["seeds"])
    peak = percent(row["peak_lava_death"]) if "peak_lava_death" in row else "-"
    speed = f"{row['steps_per_cpu_second']:,.0f}" if "steps_per_cpu_second" in row else "-"
    death = percent(row["outcomes"].get("lava_death", 0.0))
    return (
        f"| {row['label']} | **{percent(row['success'])}** | {percent(low)} - {percent(high)} | {seeds} | {death} | "
        f"{peak} | {row['steps']:,} | {speed} |"
    )


def percent(share: float) -> str:
    """A share, in percent."""
    return f"{100 * share:.1f}%"


def number(value: float | None) -> str:
    """A measure; nothing where no episode counts for it."""
    return "-" if value is None else f"{value:.3g}"


def draw(found: Rows, path: Path) -> None:
    """Success and lava deaths of the training episodes over the steps: a column a task, a thin line a seed."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    tasks = list(dict.fromkeys(row["task"] for row in found))
    labels = list(dict.fromkeys(row["label"] for row in found))
    colours = {label: f"C{index}" for index, label in enumerate(labels)}
    figure, axes = plt.subplots(2, len(tasks), figsize=(6 * len(tasks), 7), sharex="col", sharey="row", squeeze=False)
    for column, task in enumerate(tasks):
        for place, what in enumerate(("success", "lava_death")):
            axis = axes[place][column]
            for row in (row for row in found if row["task"] == task and "curves" in row):
                for seed, course in enumerate(row["curves"]):
                    steps = [step / 1e6 for step in course["step"]]
                    label = row["label"] if seed == 0 else None
                    axis.plot(steps, course[what], color=colours[row["label"]], label=label, linewidth=1.2, alpha=0.8)
            axis.set_ylabel({"success": "success", "lava_death": "died in lava"}[what] + ", training episodes")
            axis.grid(alpha=0.3)
        axes[0][column].set_title(task)
        axes[0][column].legend(fontsize=8)
        axes[1][column].set_xlabel("million environment steps")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
    plt.close(figure)
