"""Evaluators that are kept from one training to the next."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from autoreward.engine.worker import failed_result
from autoreward.errors import MachineFailed
from autoreward.task import EnvSpec, SuccessRule, Task
from autoreward.testing.trainer import LineEnv, line_task
from autoreward.training import evaluators
from autoreward.training.batch import BatchTrainer
from autoreward.training.contract import RewardSpec, TrainingJob, TrainingResult
from autoreward.training.evaluator import LOWER, Request
from autoreward.training.evaluators import Evaluator, borrow, keep

UNIFORM = Request(policy=None, seeds=(1, 2, 3), step=0)
OTHER = line_task(env=EnvSpec(id="InvertedPendulum-v5", step_limit=7), success=SuccessRule(expression="True"))
OTHER = OTHER.model_copy(update={"score": None, "outcomes": {}})


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a serving worker."""
    monkeypatch.setattr(evaluators, "_kept", None)
    keep()
    yield
    for evaluator in evaluators._kept or ():
        evaluator.close()


def measured(task: Task) -> tuple[float, int]:
    """Length of a random policy's episodes, and who measured it."""
    evaluator = borrow(task, 3)
    try:
        evaluator.submit(UNIFORM)
        (evaluation,) = evaluator.wait()
        return evaluation.length, evaluator._process.pid
    finally:
        evaluator.give_back()


def random_job(seed: int) -> TrainingJob:
    return TrainingJob(task=line_task(), reward=RewardSpec(kind="random"), seed=seed, episodes=3)


@pytest.mark.any_user
def test_one_process_serves_one_training_after_another_and_measures_as_a_new_one_does(kept: None) -> None:
    lengths = [measured(task) for task in (line_task(), OTHER, line_task())]
    assert len({pid for _, pid in lengths}) == 1
    fresh = Evaluator(OTHER, 3)
    try:
        fresh.submit(UNIFORM)
        assert [evaluation.length for evaluation in fresh.wait()] == [lengths[1][0]]
    finally:
        fresh.close()
    assert lengths[0][0] == lengths[2][0] != lengths[1][0]


@pytest.mark.any_user
def test_a_process_that_was_left_with_a_question_is_not_asked_again(kept: None) -> None:
    left = borrow(line_task(), 3)
    left.submit(UNIFORM)
    left.give_back()
    assert left._process.poll() is not None
    assert measured(OTHER)[0] <= 7.0, "no answer to the other training's question"


@pytest.mark.any_user
def test_one_that_died_while_it_was_kept_is_replaced(kept: None) -> None:
    before, pid = measured(line_task())
    os.kill(pid, signal.SIGKILL)
    (evaluators._kept or [])[0]._process.wait()
    again, other = measured(line_task())
    assert (again, other != pid) == (before, True)


@pytest.mark.any_user
def test_trainings_at_the_same_time_have_one_each(kept: None) -> None:
    one, other = borrow(line_task(), 3), borrow(OTHER, 3)
    assert one._process.pid != other._process.pid
    one.close()
    other.close()


def test_none_is_kept_where_no_worker_serves() -> None:
    evaluator = borrow(line_task(), 3)
    evaluator.submit(UNIFORM)
    evaluator.wait()
    evaluator.give_back()
    assert evaluator._process.poll() is not None


def test_a_kept_one_is_counted_for_the_training_that_it_worked_for(kept: None, tmp_path: Path) -> None:
    def ended() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def result(seed: int) -> TrainingResult:
        folder = tmp_path / str(seed)
        folder.mkdir()
        return BatchTrainer().train(random_job(seed), 8, folder, lambda progress: None)

    before = ended()
    first, second = result(1), result(2)
    assert ended() == before, "its process has not ended"
    assert first.cpu_seconds >= first.evaluator_seconds > second.evaluator_seconds > 0, "imports are the first one's"
    (kept_one,) = evaluators._kept or []
    evaluators._kept = None
    kept_one.close()
    assert kept_one.uncounted == -first.evaluator_seconds, "all of it is among the ended children's now"


def test_what_it_says_goes_to_the_log_of_the_training_at_hand(kept: None, capfd: pytest.CaptureFixture[str]) -> None:
    """Standard error as it is at that time, which a worker changes with the training."""
    measured(line_task())
    with pytest.raises(MachineFailed):
        measured(on("Exhausted"))
    assert "MemoryError: no more" in capfd.readouterr().err


def on(env: str) -> Task:
    """The task in one of the environments below."""
    task = line_task()
    return task.model_copy(update={"env": task.env.model_copy(update={"id": f"tests.training.test_evaluators:{env}"})})


class Exhausted(LineEnv):
    """An environment for which memory does not suffice."""

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, object]]:  # type: ignore[type-arg]
        """Nothing is left."""
        raise MemoryError("no more")


class Unreadable(Exhausted):
    """One whose file is gone."""

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, object]]:  # type: ignore[type-arg]
        """Nothing can be read."""
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize(("env", "told"), [("Exhausted", LOWER), ("Unreadable", "Input/output error")])
def test_a_fault_of_the_machine_in_an_evaluation_is_not_the_rewards(env: str, told: str) -> None:
    with pytest.raises(MachineFailed, match="evaluation failed") as raised:
        measured(on(env))
    result = failed_result("0" * 16, 8, raised.value, 0.0)
    assert result.failure == "machine"
    assert told in (result.error or "")
