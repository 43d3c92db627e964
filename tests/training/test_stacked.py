"""Trainings together beside the same trainings alone."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from test_session import REMEMBERS, pendulum
from tiny import tiny_task

from autoreward.envs.registry import describe
from autoreward.errors import AutorewardError, TrainingFailed, UserError
from autoreward.task import Task
from autoreward.testing.trainer import CLIMB, NOT_FINITE, check_trainer, line_task
from autoreward.training import session
from autoreward.training.batch import BatchTrainer
from autoreward.training.checkpoint import SEPARATOR, read_checkpoint, write_checkpoint
from autoreward.training.contract import Progress, RewardSpec, StackTrainer, TrainingJob, TrainingResult
from autoreward.training.files import CHECKPOINT, FAULT, POLICY_LAST, SNAPSHOTS
from autoreward.training.policy import Policy
from autoreward.training.registry import check_settings

Report = Callable[[Progress], None]
Outcomes = dict[str, TrainingResult | Exception]

SOURCES = {"climb": CLIMB, "faster": CLIMB.replace("2.0", "5.0"), "remembers": REMEMBERS, "faulty": NOT_FINITE}
SOURCES["refused"] = "import os\n" + CLIMB


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluators find the environments of `tiny.py` from where they are started."""
    monkeypatch.chdir(Path(__file__).parents[2])
    monkeypatch.syspath_prepend(str(Path.cwd()))


def job_of(task: Task, reward: str = "human", seed: int = 0) -> TrainingJob:
    kind = "program" if reward in SOURCES else reward
    spec = RewardSpec.model_validate({"kind": kind, "source": SOURCES.get(reward)})
    return TrainingJob(task=task, reward=spec, seed=seed, episodes=4)


def with_trainer(task: Task, **changes: Any) -> Task:
    return task.model_copy(update={"trainer": task.trainer.model_copy(update=changes)})


def quiet(progress: Progress) -> None:
    """Nothing is shown."""


def together(
    jobs: dict[str, TrainingJob], steps: int, root: Path, told: Mapping[str, Report] = MappingProxyType({})
) -> Outcomes:
    """Train them in one stack, each in a folder of its name; `told` are those whose progress matters."""
    folders = [root / name for name in jobs]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    reports = [told.get(name, quiet) for name in jobs]
    names, found = list(jobs), Outcomes()
    for place, outcome in BatchTrainer().train_together(list(jobs.values()), steps, folders, reports):
        assert names[place] not in found
        found[names[place]] = outcome
    assert set(found) == set(jobs)
    return found


def alone(job: TrainingJob, steps: int, folder: Path, report: Report = quiet) -> TrainingResult:
    folder.mkdir(parents=True, exist_ok=True)
    return BatchTrainer().train(job, steps, folder, report)


def ok(outcome: TrainingResult | Exception) -> TrainingResult:
    assert isinstance(outcome, TrainingResult), outcome
    return outcome


def assert_alike(ours: TrainingResult, here: Path, theirs: TrainingResult, there: Path) -> None:
    """The same training, to the last digits of its policy."""
    assert (ours.hash, ours.steps, ours.status) == (theirs.hash, theirs.steps, theirs.status)
    assert [each.step for each in ours.evaluations] == [each.step for each in theirs.evaluations]
    assert ours.points == theirs.points
    np.testing.assert_allclose(ours.own_return, theirs.own_return, rtol=1e-3, atol=1e-3)
    layers = (Policy.load(folder / POLICY_LAST).layers for folder in (here, there))
    for found, expected in zip(*layers, strict=True):
        np.testing.assert_allclose(found.weight, expected.weight, rtol=1e-2, atol=1e-4)
        np.testing.assert_allclose(found.bias, expected.bias, rtol=1e-2, atol=1e-4)


def assert_same(ours: TrainingResult, here: Path, theirs: TrainingResult, there: Path) -> None:
    """The same training to the last bit, but for the time that it took."""
    times = {"seconds", "cpu_seconds", "evaluator_seconds", "reward_seconds", "timers"}
    assert ours.model_dump(exclude=times) == theirs.model_dump(exclude=times)
    assert (here / POLICY_LAST).read_bytes() == (there / POLICY_LAST).read_bytes()


class OneOfTwo:
    """A trainer that trains its job beside another one."""

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Report) -> TrainingResult:
        if job.reward.kind == "random":
            return BatchTrainer().train(job, steps, folder, progress)
        beside = folder / "beside"
        beside.mkdir(exist_ok=True)
        neighbour = job_of(job.task, "climb", seed=99)
        trained = BatchTrainer().train_together([job, neighbour], steps, [folder, beside], [progress, quiet])
        outcome = dict(trained)[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def test_one_of_two_keeps_the_trainer_contract(tmp_path: Path) -> None:
    check_trainer(OneOfTwo(), tmp_path, steps=512)


def test_the_trainer_says_that_it_can() -> None:
    assert isinstance(BatchTrainer(), StackTrainer)


def test_rewards_and_seeds_are_trained_together_as_alone(tmp_path: Path) -> None:
    task = line_task()
    jobs = {"climb": job_of(task, "climb"), "faster": job_of(task, "faster", 1), "sparse": job_of(task, "sparse", 2)}
    found = together(jobs, 1_000, tmp_path / "together")
    for name, job in jobs.items():
        expected = alone(job, 1_000, tmp_path / name)
        assert_alike(ok(found[name]), tmp_path / "together" / name, expected, tmp_path / name)
        assert {"physics", "forward", "reward", "update"} <= set(ok(found[name]).timers)


def test_masked_choices_are_trained_together_as_alone(tmp_path: Path) -> None:
    """The environment raises at a forbidden one."""
    task = tiny_task("Gate", "won > 4", {"won": "info.won"}, learning_rate=1e-2, entropy=0.01)
    jobs = {str(seed): job_of(task, seed=seed) for seed in range(2)}
    found = together(jobs, 1_000, tmp_path / "together")
    for name, job in jobs.items():
        expected = alone(job, 1_000, tmp_path / name)
        assert_alike(ok(found[name]), tmp_path / "together" / name, expected, tmp_path / name)
    assert ok(found["0"]).own_return[-1] > ok(found["0"]).own_return[0], "it has learnt something"


def test_each_counts_its_share_of_the_seconds(tmp_path: Path) -> None:
    jobs = {str(seed): job_of(line_task(), seed=seed) for seed in range(3)}
    used = os.times()
    found = [ok(each) for each in together(jobs, 1_000, tmp_path).values()]
    spent = sum(os.times()[:4]) - sum(used[:4])
    assert sum(each.cpu_seconds for each in found) == pytest.approx(spent, rel=0.1)
    assert all(0.0 < sum(each.timers.values()) < each.seconds for each in found)
    assert sum(sum(each.timers.values()) for each in found) < max(each.seconds for each in found)


def broken_off(job: TrainingJob, folder: Path, steps: int) -> None:
    """Leave the checkpoint of a training that was interrupted in its last evaluation."""

    def interrupt(progress: Progress) -> None:
        if progress.stage == "evaluating":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        alone(job, steps, folder, interrupt)


def beyond_all_numbers(job: TrainingJob, folder: Path) -> None:
    """Leave a checkpoint with weights so large that nothing finite comes of them."""
    broken_off(job, folder, 500)
    header, arrays = read_checkpoint(folder / CHECKPOINT, job.hash) or ({}, {})
    arrays[SEPARATOR.join(("learner", "learner", "flat"))][:-1] *= 1e25
    write_checkpoint(folder / CHECKPOINT, header, arrays)


def kill_the_latest_evaluator(progress: Progress) -> None:
    """To be told to the member after the one whose evaluator it is."""
    if progress.stage == "starting":
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        evaluators = [pid for pid in children if b"training.evaluator" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(int(evaluators[-1]), signal.SIGKILL)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("reward", "term `climb` is NaN"),
        ("refused", "os"),
        ("loss", "the policy diverged: weights are not finite"),
        ("evaluator", "the evaluator died"),
    ],
)
def test_a_fault_of_one_changes_nothing_for_the_others(fault: str, told: str, tmp_path: Path) -> None:
    if fault == "evaluator" and sys.platform != "linux":
        pytest.skip("processes are found in /proc")
    task = line_task()
    others = {"first": job_of(task, "climb"), "last": job_of(task, "faster", 1)}
    bad = job_of(task, {"reward": "faulty", "refused": "refused"}.get(fault, "climb"), 2)
    if fault == "loss":
        beyond_all_numbers(bad, tmp_path / "three" / "bad")
    report = kill_the_latest_evaluator if fault == "evaluator" else quiet
    jobs = {"first": others["first"], "bad": bad, "last": others["last"]}
    three = together(jobs, 1_000, tmp_path / "three", {"last": report})
    two = together(others, 1_000, tmp_path / "two")
    assert isinstance(three["bad"], AutorewardError)
    assert told in str(three["bad"])
    assert (tmp_path / "three" / "bad" / FAULT).exists() == (fault in ("reward", "loss"))
    for name in others:
        assert_same(ok(three[name]), tmp_path / "three" / name, ok(two[name]), tmp_path / "two" / name)


def test_an_error_of_the_learner_itself_is_everyones(tmp_path: Path) -> None:
    task = with_trainer(line_task(), hidden=(2**20, 2**22))
    found = together({str(seed): job_of(task, seed=seed) for seed in range(2)}, 1_000, tmp_path)
    for outcome in found.values():
        assert isinstance(outcome, TrainingFailed)
        assert str(outcome).startswith("out of memory: lower trainer.num_envs") and "trainer.stack" in str(outcome)


def test_settings_that_it_does_not_have_fail_before_anything_begins(tmp_path: Path) -> None:
    jobs = {str(seed): job_of(with_trainer(line_task(), use_sde=True), seed=seed) for seed in range(2)}
    with pytest.raises(TrainingFailed, match=r"type --trainer\.name sb3"):
        together(jobs, 1_000, tmp_path)


@pytest.fixture(scope="module")
def through(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcomes, Path]:
    """Two trainings that nobody has interrupted."""
    root = tmp_path_factory.mktemp("through")
    return together(remembering(), 1_500, root), root


def remembering() -> dict[str, TrainingJob]:
    """In worlds that can be put back, with programs that remember."""
    return {name: job_of(pendulum(1_500), "remembers", seed) for name, seed in (("one", 1), ("two", 2))}


def interrupt_at(step: int) -> Report:
    def interrupt(progress: Progress) -> None:
        if progress.stage == "evaluating" or progress.step >= step:
            raise KeyboardInterrupt

    return interrupt


def test_an_interrupt_of_one_ends_all_and_they_go_on_together(through: tuple[Outcomes, Path], tmp_path: Path) -> None:
    jobs, (expected, root) = remembering(), through
    with pytest.raises(KeyboardInterrupt):
        together(jobs, 1_500, tmp_path, {"two": interrupt_at(1_500)})
    for name, job in jobs.items():
        assert read_checkpoint(tmp_path / name / CHECKPOINT, job.hash) is not None
    found = together(jobs, 1_500, tmp_path)
    for name in jobs:
        assert_same(ok(found[name]), tmp_path / name, ok(expected[name]), root / name)
        assert not (tmp_path / name / SNAPSHOTS).exists()


def test_each_goes_on_from_its_checkpoint_with_others_or_alone(
    through: tuple[Outcomes, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first alone; the second, which has come half as far, in a stack with one at its beginning."""
    jobs, (expected, root) = remembering(), through
    with monkeypatch.context() as hurried, pytest.raises(KeyboardInterrupt):
        hurried.setattr(session, "PAUSE", 0.0)  # progress is told in every step
        together(jobs, 1_500, tmp_path, {"two": interrupt_at(1_000)})
    for name, job in jobs.items():
        header, _ = read_checkpoint(tmp_path / name / CHECKPOINT, job.hash) or ({}, {})
        assert header["step"] == 768
    first = alone(jobs["one"], 1_500, tmp_path / "one")
    assert_alike(first, tmp_path / "one", ok(expected["one"]), root / "one")
    new = job_of(pendulum(1_500), "remembers", 3)
    found = together({"new": new, "two": jobs["two"]}, 1_500, tmp_path)
    assert_alike(ok(found["two"]), tmp_path / "two", ok(expected["two"]), root / "two")
    assert_alike(ok(found["new"]), tmp_path / "new", alone(new, 1_500, tmp_path / "alone"), tmp_path / "alone")


def test_a_search_that_asks_a_trainer_for_what_it_cannot_is_told() -> None:
    task = with_trainer(line_task(), name="sb3", stack=4)
    with pytest.raises(UserError, match=r"leave --trainer\.stack out"):
        check_settings(task, describe(task.env))


def test_jobs_are_alike_where_task_and_settings_are() -> None:
    task = with_trainer(line_task(), stack=2)
    keys = {job_of(task, reward, seed).stack_key for reward in ("climb", "sparse", "human") for seed in range(3)}
    assert len(keys) == 1 and None not in keys
    assert job_of(with_trainer(task, epochs=9), "climb").stack_key not in keys
    assert job_of(task, "random").stack_key is None, "nothing is learnt"
    assert job_of(line_task(), "climb").stack_key is None, "nobody has asked for it"
