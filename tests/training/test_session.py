"""Trainings that are broken off and go on from their checkpoint."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from autoreward.engine.processes import worker_environment
from autoreward.errors import MachineFailed
from autoreward.records import read_record, write_record
from autoreward.schema import Field
from autoreward.task import EnvSpec, Score, SuccessRule, Task, TrainerSettings
from autoreward.testing.trainer import CLIMB, line_task
from autoreward.training.batch import BatchTrainer
from autoreward.training.checkpoint import read_checkpoint
from autoreward.training.contract import Progress, RewardSpec, TrainingJob, TrainingResult
from autoreward.training.evaluator import Request
from autoreward.training.evaluators import Evaluator
from autoreward.training.files import CHECKPOINT, EPISODES, JOB, POLICY, POLICY_LAST, TRAJECTORIES, result_name

REMEMBERS = """\
IDEA = "Staying upright is worth the more the longer it has gone on."
WEIGHTS = {"patience": 0.1, "centre": 1.0}

def compute_reward(state, action, next_state, memory):
    count = memory.get("count", next_state["angle"] * 0.0) + 1.0
    memory["count"] = count
    return {"patience": count, "centre": -np.abs(next_state["position"])}
"""


def pendulum(steps: int = 3_000) -> Task:
    """Worlds that can be put back."""
    return Task(
        name="pendulum",
        text="Stand.",
        env=EnvSpec(
            id="InvertedPendulum-v5",
            step_limit=40,
            fields=(Field(name="position", source="obs[0]"), Field(name="angle", source="obs[1]")),
        ),
        success=SuccessRule(expression="abs(angle) < 0.2", rule="final"),
        score=Score(expression="abs(angle) < 0.1", reduce="sum"),
        outcomes={"fell": "abs(angle) > 0.2"},
        steps=steps,
        trainer=TrainerSettings(
            num_envs=8, rollout=32, minibatch=64, epochs=4, learning_rate=1e-3, evaluations=4, evaluation_episodes=4
        ),
    )


def job_of(task: Task, source: str) -> TrainingJob:
    return TrainingJob(task=task, reward=RewardSpec(kind="program", source=source), seed=3, episodes=4)


def train(
    job: TrainingJob, folder: Path, steps: int, report: Callable[[Progress], None] = lambda _: None
) -> TrainingResult:
    folder.mkdir(exist_ok=True)
    return BatchTrainer().train(job, steps, folder, report)


def broken_off(job: TrainingJob, folder: Path, steps: int, at: int | None) -> int:
    """Interrupt a training at a step, or in its last evaluation; the step of the checkpoint that it leaves."""

    def interrupt(progress: Progress) -> None:
        if progress.stage == "evaluating" or (at is not None and progress.step >= at):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(job, folder, steps, interrupt)
    found = read_checkpoint(folder / CHECKPOINT, job.hash)
    assert found is not None
    return int(found[0]["step"])


@pytest.fixture
def told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is reported in every step, so that a training can be broken off at any."""
    monkeypatch.setattr("autoreward.training.session.PAUSE", 0.0)


def assert_same(left: TrainingResult, right: TrainingResult, folders: tuple[Path, Path]) -> None:
    times = dict.fromkeys(("seconds", "cpu_seconds", "evaluator_seconds", "reward_seconds"), 0.0) | {"timers": {}}
    assert left.model_copy(update=times) == right.model_copy(update=times)
    for name in (POLICY, POLICY_LAST):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
    for name in (EPISODES, TRAJECTORIES):
        with np.load(folders[0] / name) as one, np.load(folders[1] / name) as other:
            assert set(one) == set(other)
            for array in one:
                np.testing.assert_array_equal(one[array], other[array])


@pytest.mark.parametrize(("at", "checkpoint"), [(2_999, 2_304), (None, 3_000)])
@pytest.mark.usefixtures("told_at_once")
def test_worlds_that_can_be_put_back_go_on_bit_for_bit(at: int | None, checkpoint: int, tmp_path: Path) -> None:
    """With a program that remembers, and in the middle of episodes."""
    pytest.importorskip("mujoco.batch")
    job = job_of(pendulum(), REMEMBERS)
    whole = train(job, tmp_path / "whole", 3_000)
    assert broken_off(job, tmp_path / "broken", 3_000, at) == checkpoint
    seen: list[Progress] = []
    result = train(job, tmp_path / "broken", 3_000, seen.append)
    assert_same(whole, result, (tmp_path / "whole", tmp_path / "broken"))
    assert min(progress.step for progress in seen if progress.stage == "training" or progress.step) >= checkpoint
    assert len(result.evaluations) == 4
    assert not (tmp_path / "broken" / ".snapshots").exists()


@pytest.mark.usefixtures("told_at_once")
def test_a_training_can_be_broken_off_twice(tmp_path: Path) -> None:
    pytest.importorskip("mujoco.batch")
    job = job_of(pendulum(), REMEMBERS)
    whole = train(job, tmp_path / "whole", 3_000)
    for at in (900, 1_700):
        broken_off(job, tmp_path / "broken", 3_000, at)
    result = train(job, tmp_path / "broken", 3_000)
    assert_same(whole, result, (tmp_path / "whole", tmp_path / "broken"))
    assert result.seconds > 0.0


def test_an_evaluator_that_dies_costs_no_evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed with a question unanswered, after the checkpoint."""
    pytest.importorskip("mujoco.batch")
    job, evaluators = job_of(pendulum(), REMEMBERS), list[int]()
    whole = train(job, tmp_path / "whole", 3_000)

    class Stopped(Evaluator):
        def submit(self, request: Request) -> None:
            super().submit(request)
            os.kill(self._process.pid, signal.SIGSTOP)
            evaluators.append(self._process.pid)

    def kill(progress: Progress) -> None:
        if progress.step > 1_000:
            os.kill(evaluators[0], signal.SIGKILL)

    with monkeypatch.context() as patched, pytest.raises(MachineFailed, match="the evaluator died"):
        patched.setattr("autoreward.training.session.borrow", Stopped)
        patched.setattr("autoreward.training.session.PAUSE", 0.0)
        train(job, tmp_path / "broken", 3_000, kill)
    result = train(job, tmp_path / "broken", 3_000)
    assert_same(whole, result, (tmp_path / "whole", tmp_path / "broken"))


def test_a_killed_worker_goes_on_with_new_episodes(tmp_path: Path) -> None:
    """In environments that cannot be put back, and by a signal that nothing can catch."""
    job, steps = job_of(line_task(), CLIMB), 24_000
    write_record(tmp_path / JOB, job)
    command = [sys.executable, "-m", "autoreward.engine.worker", str(tmp_path), "--steps", str(steps)]
    worker = subprocess.Popen(command, env=worker_environment(), start_new_session=True)
    try:
        while not (tmp_path / CHECKPOINT).exists():
            assert worker.poll() is None
            time.sleep(0.01)
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
    assert not (tmp_path / result_name(steps)).exists()
    found = read_checkpoint(tmp_path / CHECKPOINT, job.hash)
    assert found is not None
    step, episodes_before = found[0]["step"], found[1]["learner:collector:log:row.step"]
    assert 12_000 <= step < steps
    assert subprocess.run(command, env=worker_environment(), check=False).returncode == 0
    result = read_record(tmp_path / result_name(steps), TrainingResult)
    assert [evaluation.step for evaluation in result.evaluations] == [step, steps]
    assert result.final is not None and result.final.success_rate == 1.0
    with np.load(tmp_path / EPISODES) as episodes:
        np.testing.assert_array_equal(episodes["step"][: len(episodes_before)], episodes_before)
        # All episodes last ten steps; each of the 8 that were under way was given up.
        after = episodes["step"][len(episodes_before) :]
        assert after.min() >= step + 80 - 8
        assert episodes["length"].max() <= 10
        assert np.diff(episodes["step"]).min() >= 0


@pytest.mark.parametrize("damage", ["cut", "other", "longer"])
@pytest.mark.usefixtures("told_at_once")
def test_a_checkpoint_that_is_of_no_use_begins_anew(damage: str, tmp_path: Path) -> None:
    job = job_of(line_task(steps=1_000), CLIMB)
    whole = train(job, tmp_path / "whole", 1_000)
    other = job.model_copy(update={"seed": 4}) if damage == "other" else job
    broken_off(other, tmp_path / "broken", 1_500 if damage == "longer" else 1_000, at=900)
    if damage == "cut":
        path = tmp_path / "broken" / CHECKPOINT
        path.write_bytes(path.read_bytes()[:-100])
    result = train(job, tmp_path / "broken", 1_000)
    assert_same(whole, result, (tmp_path / "whole", tmp_path / "broken"))


def test_a_training_is_continued_to_more_steps(tmp_path: Path) -> None:
    job = job_of(line_task(), CLIMB)
    short = train(job, tmp_path, 1_000)
    seen: list[Progress] = []
    long = train(job, tmp_path, 2_000, seen.append)
    assert min(progress.step for progress in seen if progress.step) >= 1_000
    assert long.own_return[-1] > short.own_return[-1]
    assert all(long.timers[part] > seconds for part, seconds in short.timers.items())
    with np.load(tmp_path / EPISODES) as episodes:
        assert episodes["step"].min() < 200 and episodes["step"].max() > 1_900


@pytest.mark.usefixtures("told_at_once")
@pytest.mark.parametrize("broken", [False, True])
def test_steps_in_between_leave_the_training_as_it_is(broken: bool, tmp_path: Path) -> None:
    """At whole rollouts, of which one is where an evaluation is due, and the other before anything is kept for best."""
    pytest.importorskip("mujoco.batch")
    job = job_of(pendulum(), REMEMBERS)
    whole, between = train(job, tmp_path / "whole", 3_000), []
    for steps in (512, 1_536):
        if broken:
            broken_off(job, tmp_path / "rungs", steps, at=None)
        between.append(train(job, tmp_path / "rungs", steps))
    assert [[each.step for each in result.evaluations] for result in between] == [[512], [768, 1_536]]
    assert [result.final.episodes for result in between if result.final] == [4, 4]
    assert_same(whole, train(job, tmp_path / "rungs", 3_000), (tmp_path / "whole", tmp_path / "rungs"))
    assert not (tmp_path / "rungs" / ".snapshots").exists()


def test_the_last_policy_is_kept_where_the_return_is_no_guide(tmp_path: Path) -> None:
    task = line_task()
    task = task.model_copy(update={"trainer": task.trainer.model_copy(update={"shipped": "last"})})
    result = train(job_of(task, CLIMB), tmp_path / "last", 2_048)
    assert (result.shipped_step, result.last) == (2_048, None)
    assert (tmp_path / "last" / POLICY).read_bytes() == (tmp_path / "last" / POLICY_LAST).read_bytes()
