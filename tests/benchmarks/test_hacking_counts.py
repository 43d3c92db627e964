"""What benchmarks/hacking.py counts, and that it looks at a recorded training as it would have been looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoreward.records import write_record
from autoreward.testing.trainer import CLIMB, line_task
from autoreward.training.contract import Evaluation, HackingAlarm, RewardSpec, TrainingJob, TrainingResult
from autoreward.training.files import EPISODES, JOB, result_name
from autoreward.training.statistics import write_npz


@pytest.fixture(autouse=True)
def beside_the_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "training"))
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))


ALARM = HackingAlarm(
    step=600, since=100, kind="lost", aim="success", own_return=(1, 2), success=(1, 0), correlation=(1.0, None)
)


def test_alarms_are_counted_by_group_and_label() -> None:
    from hacking import Found, counts, table

    named = ALARM.model_copy(update={"term": "hover"})
    found = [Found("tune", "a", True, None), Found("tune", "b", True, ALARM), Found("tune", "c", False, named)]
    figures = counts([*found, Found("programs", "d", False, None)])
    assert (figures["tune/good"], figures["tune/false_alarms"]) == (2, 1)
    assert (figures["tune/bad"], figures["tune/alarms"], figures["tune/named"]) == (1, 1, 1)
    assert (figures["programs/bad"], figures["programs/alarms"], figures["programs/good"]) == (1, 0, 0)
    assert "| tune | 1 of 2 |" in table(figures)


def test_a_recorded_training_is_looked_at_tenth_by_tenth(tmp_path: Path) -> None:
    """Evaluations are known as far as they were then: the last of these would speak against it."""
    from hacking import alarm_of
    from test_hacking import FALLS, RISES, WHOLE, episodes

    folder = tmp_path / "training"
    folder.mkdir()
    job = TrainingJob(task=line_task(), reward=RewardSpec(kind="program", source=CLIMB), seed=0, episodes=4)
    write_record(folder / JOB, job)
    write_npz(folder / EPISODES, episodes(FALLS, [2 * each for each in RISES]))
    evaluations = [
        Evaluation(step=step, episodes=4, success_rate=success, score=None, length=10)
        for step, success in ((2_000, 0.0), (WHOLE, 1.0))
    ]
    result = TrainingResult(hash=job.hash, steps=WHOLE, status="ok", evaluations=tuple(evaluations))
    write_record(folder / result_name(WHOLE), result)
    found = alarm_of(folder)
    assert found and found[0] and (found[0].step, found[0].term) == (4_000, "other")
    early = evaluations[1].model_copy(update={"step": 3_000})
    write_record(folder / result_name(WHOLE), result.model_copy(update={"evaluations": (early,)}))
    assert alarm_of(folder) == (None,)
