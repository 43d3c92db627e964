from __future__ import annotations

from autoreward.task import load_task
from autoreward.training.contract import RewardSpec, TrainingJob


def job(**changes: object) -> TrainingJob:
    task = load_task("reacher").model_copy(update=changes)
    return TrainingJob(task=task, reward=RewardSpec(kind="sparse"), seed=1, episodes=5)


def test_a_training_has_the_same_name_however_its_task_is_told() -> None:
    assert job().hash == job(text="Otherwise.").hash == job(wishes="Gently.").hash == job(reference="x = 1").hash


def test_what_is_trained_makes_the_name() -> None:
    assert job(steps=9).hash != job().hash
