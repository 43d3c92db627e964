from __future__ import annotations

import json
from pathlib import Path

from autoreward.records import read_record, write_record
from autoreward.store.folder import RunFolder
from autoreward.testing.folder import example_run
from autoreward.training.contract import TrainingJob, TrainingResult
from autoreward.training.files import JOB
from benchmarks.demo import FIGURES, line, trained


def test_the_comparison_is_of_the_runs_own_steps_at_the_rates_that_were_measured(tmp_path: Path) -> None:
    folder = RunFolder(example_run(tmp_path / "run"))
    results = [
        (read_record(path.with_name(JOB), TrainingJob), read_record(path, TrainingResult))
        for path in folder.path.glob("trainings/*/result-*.json")
    ]
    counted = [(result.steps, result.seconds) for job, result in results if job.reward.kind != "random"]
    steps, seconds = trained(folder)
    assert 0 < len(counted) < len(results), "random actions train nothing"
    assert steps == sum(each for each, _ in counted)
    assert round(seconds, 6) == round(sum(each for _, each in counted), 6)
    rate = json.loads(FIGURES.read_text())["reacher/sb3/default/steps_per_second"]
    said = line(folder)
    assert f"Trained {steps:,} steps in {seconds:,.0f} s" in said
    assert f"they take {steps / rate:,.0f} s at its default settings" in said
    assert "docs/performance.md" in said and "not measured here" in said


def test_a_task_that_was_not_compared_gets_no_line(tmp_path: Path) -> None:
    folder = RunFolder(example_run(tmp_path / "run"))
    run = folder.run()
    other = run.task.model_copy(update={"name": "pusher"})
    write_record(folder.path / "run.json", run.model_copy(update={"task": other}))
    assert line(folder) == ""
