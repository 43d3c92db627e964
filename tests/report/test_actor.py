"""Whose policy plays: the best training's that there is, and where there is none, what to type."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autoreward.errors import UnknownName, UserError
from autoreward.report.actor import find_actor
from autoreward.report.run import Run
from autoreward.store.records import Report
from autoreward.task import EnvSpec
from autoreward.testing.folder import example_run
from autoreward.training.files import POLICY


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example_run(tmp_path_factory.mktemp("actor") / "run")


@pytest.fixture
def run(example: Path, tmp_path: Path) -> Run:
    """A finished run whose trainings have kept their policies."""
    path = tmp_path / "run"
    shutil.copytree(example, path)
    for training in (path / "trainings").iterdir():
        shutil.copy(path / "best" / POLICY, training / POLICY)
    return Run(path)


def test_the_winner_plays_as_its_best_report_seed_has_taught_it(run: Run) -> None:
    actor, report = find_actor(run), run.report
    assert report
    row = next(row for row in report.rows if row.name == "designed")
    success = dict(zip(row.trainings, row.success, strict=True))
    assert run.best and actor.candidate == run.best.name == "1.1"
    assert success[actor.training] == max(success.values())
    assert actor.policy == run.folder.training_folder(row.trainings[actor.training]) / POLICY
    assert actor.source == run.folder.source(1, 1)


def test_worlds_are_those_that_the_training_was_measured_in(run: Run) -> None:
    env = EnvSpec(id="Reacher-v5", evaluation={"kwargs": {"a": 1}}, report={"kwargs": {"a": 2}})  # type: ignore[arg-type]
    run.record = run.record.model_copy(update={"task": run.task.model_copy(update={"env": env})})
    assert find_actor(run).task.env == env.used_for("report")
    assert find_actor(run, "0.0").task.env == env.used_for("evaluation")


def test_a_training_is_named_by_its_seed(run: Run) -> None:
    seeds = run.candidate("1.1").results
    worst = min(seeds, key=lambda seed: seeds[seed].final.success_rate if seeds[seed].final else 0.0)
    actor = find_actor(run, "1.1", worst)
    assert actor.training == worst
    assert actor.policy.parent.name == seeds[worst].hash
    with pytest.raises(UserError, match=rf"not trained with the seed 7; type --training with one of .*\b{worst}\b"):
        find_actor(run, "1.1", 7)


def test_where_the_best_policy_is_gone_the_next_one_plays(run: Run) -> None:
    first = find_actor(run, "0.0")
    first.policy.unlink()
    second = find_actor(Run(run.path), "0.0")
    assert second.training != first.training and second.policy.is_file()


def test_the_copy_in_best_outlives_the_trainings(example: Path) -> None:
    actor = find_actor(Run(example))
    assert actor.policy == example / "best" / POLICY


def test_a_policy_that_is_gone_is_trained_again(example: Path) -> None:
    again = r"train it again: autoreward train .*/0/reward\.py --env reacher$"
    with pytest.raises(UserError, match=rf"candidate 0\.0 has no trained policy any more: .* is not there; {again}"):
        find_actor(Run(example), "0.0")


def test_a_candidate_that_does_not_exist(example: Path) -> None:
    with pytest.raises(UnknownName, match=r"unknown candidate '9\.9'.*has 0\.0, 0\.1"):
        find_actor(Run(example), "9.9")


def test_a_refused_candidate_says_why_and_who_can_play_instead(run: Run) -> None:
    refused = next(candidate.name for candidate in run.candidates if candidate.status == "refused")
    with pytest.raises(
        UserError, match=rf"{refused} of .*: refused \(.*\); trained are 0\.0, .*autoreward play \S+ 0\.0"
    ):
        find_actor(run, refused)


def test_a_run_without_a_trained_candidate_says_what_to_type(run: Run) -> None:
    report = run.report
    assert report
    run.folder.write_report(Report(winner=None, rows=(), spent=report.spent))
    shutil.rmtree(run.folder.rounds_path)
    with pytest.raises(UserError, match="no trained policy yet; type: autoreward why"):
        find_actor(Run(run.path))
    (run.path / "report.json").unlink()
    (run.path / "selection.json").unlink()
    with pytest.raises(UserError, match="no trained policy yet; type: autoreward resume"):
        find_actor(Run(run.path))


def test_an_unfinished_run_plays_its_best_so_far(run: Run) -> None:
    (run.path / "report.json").unlink()
    (run.path / "selection.json").unlink()
    actor = find_actor(Run(run.path))
    assert actor.candidate == "1.1"
    assert actor.training in run.candidate("1.1").results, "one of the search"
