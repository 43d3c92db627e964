"""The closing line of `make demo`: what its trainings took, beside what Stable-Baselines3 needs for as many steps.

    python benchmarks/demo.py [RUN FOLDER]         # without it: the latest run in runs/

The run's own seconds are measured on this machine. Stable-Baselines3's rate is that of docs/performance.md, whose
figures are in training.json, and the line says so: it is not measured here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from autoreward.records import read_record
from autoreward.store.find import find_run
from autoreward.store.folder import RunFolder
from autoreward.training.contract import TrainingJob
from autoreward.training.files import JOB

FIGURES = Path(__file__).with_name("training.json")


def trained(folder: RunFolder) -> tuple[int, float]:
    """Environment steps of all trainings of a run, and their seconds one after the other, evaluations included."""
    steps, seconds = 0, 0.0
    for path in sorted(folder.path.glob(f"trainings/*/{JOB}")):
        job = read_record(path, TrainingJob)
        result = folder.result(job.hash, job.task.steps)
        if result is not None and result.status == "ok" and job.reward.kind != "random":
            steps, seconds = steps + job.task.steps, seconds + result.seconds
    return steps, seconds


def line(folder: RunFolder) -> str:
    """The comparison, or an empty text where the task was not compared or nothing was trained."""
    name = folder.run().task.name
    figures = json.loads(FIGURES.read_text())
    rates = [figures.get(f"{name}/sb3/{settings}/steps_per_second") for settings in ("default", "pack")]
    steps, seconds = trained(folder)
    if not steps or None in rates:
        return ""
    default, pack = (f"{steps / rate:,.0f} s" for rate in rates)
    return (
        f"Trained {steps:,} steps in {seconds:,.0f} s of training, evaluations included. At the rates measured for "
        f"Stable-Baselines3 on {name}, without evaluations, they take {default} at its default settings and {pack} at "
        "ours (docs/performance.md has the machine; not measured here)."
    )


def main() -> None:
    given = sys.argv[1] if len(sys.argv) > 1 else None
    told = line(RunFolder(find_run(given, Path("runs"))))
    if told:
        print(told)


if __name__ == "__main__":
    main()
