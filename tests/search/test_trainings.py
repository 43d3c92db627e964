"""Running trainings: what is told of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from autoreward.errors import MachineFailed, TrainingFailed
from autoreward.search.observer import Observer
from autoreward.search.trainings import Trainings, row, summary
from autoreward.store.folder import RunFolder
from autoreward.store.records import Row
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


class Unlucky(NoTrainer):
    """Cannot be started the first time in a folder, nor ever with seed 5; seed 6 diverges."""

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Callable[[Progress], None]) -> TrainingResult:
        if job.seed == 6:
            raise TrainingFailed("the policy diverged")
        if job.seed == 5 or not (folder / "tried").exists():
            (folder / "tried").touch()
            raise MachineFailed("the cell's process did not start within 60 s")
        return super().train(job, steps, folder, progress)


def test_what_failed_through_the_machine_is_tried_once_more_and_counts_against_nobody(tmp_path: Path) -> None:
    task = line_task(trainer=TrainerSettings(name="tests.search.test_trainings:Unlucky"))
    watch = Notes()
    trainings = Trainings(RunFolder(tmp_path), task, InProcessEngine(), watch)
    results = trainings.run({"sparse": RewardSpec(kind="sparse")}, [4, 5, 6], episodes=2)["sparse"]
    assert [results[seed].status for seed in (4, 5, 6)] == ["ok", "failed", "failed"]
    assert [note.partition(" ")[0] for note in watch.notes] == ["2"], "the policy that diverged is not tried again"
    good = results[4].final
    assert good is not None
    assert summary({4: results[4], 5: results[5]}) == (good.success_rate, good.score)
    assert summary({4: results[4], 6: results[6]}) == (good.success_rate / 2, None)
    assert summary({5: results[5]}) == (None, None)

    line = row("finalist", "candidate 0.0", results, episodes=2, steps=task.steps)
    assert line.success == (good.success_rate, 0.0), "that of seed 5 is not known, which is not nothing"
    assert set(line.trainings) == {4, 6} and line.lost == {5: results[5].hash}
    assert line.missing == "1 failed, 1 lost"
    nothing = row("finalist", "candidate 0.0", {5: results[5]}, episodes=2, steps=task.steps)
    assert (nothing.success, nothing.success_iqm, nothing.failed, nothing.missing) == ((), None, 0, "1 lost")


def test_results_and_rows_of_before_machines_were_blamed_still_read(tmp_path: Path) -> None:
    old = TrainingResult(hash="0", steps=8, status="failed", error="the worker was killed by SIGKILL")
    read = TrainingResult.model_validate_json(old.model_dump_json(exclude={"failure"}))
    assert read == old and read.failure is None
    line = row("designed", "designed (0.0)", {1: read}, episodes=2, steps=8)
    assert (line.success, line.failed) == ((0.0,), 1), "what they counted as"
    assert Row.model_validate_json(line.model_dump_json(exclude={"lost"})) == line
