"""Running trainings: what is told of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from autoreward.search.observer import Observer
from autoreward.search.trainings import Trainings
from autoreward.store.folder import RunFolder
from autoreward.task import TrainerSettings
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.trainer import NoTrainer, line_task
from autoreward.training.contract import Progress, RewardSpec, TrainingJob, TrainingResult


class Shaken(NoTrainer):
    """Simulations blow up under the sparse reward."""

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Callable[[Progress], None]) -> TrainingResult:
        result = super().train(job, steps, folder, progress)
        return result.model_copy(update={"faults": 3 if job.reward.kind == "sparse" else 0})


class Notes(Observer):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_simulations_that_blew_up_are_told(tmp_path: Path) -> None:
    task = line_task(trainer=TrainerSettings(name="tests.search.test_trainings:Shaken"))
    watch = Notes()
    rewards = {kind: RewardSpec(kind=kind) for kind in ("sparse", "human")}
    Trainings(RunFolder(tmp_path), task, InProcessEngine(), watch).run(rewards, [4], episodes=2)
    assert watch.notes == ["sparse seed 4: 3 simulations blew up, which ended their episodes"]
