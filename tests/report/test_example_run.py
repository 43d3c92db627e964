"""The example run is what a real run leaves: every record reads, and the records agree with each other."""

from pathlib import Path

import pytest

from autoreward.reward.load import load_reward
from autoreward.store.folder import RunFolder
from autoreward.testing.folder import example_run
from autoreward.training.files import JOB
from autoreward.training.policy import Policy


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return RunFolder.open(example_run(tmp_path_factory.mktemp("runs") / "example"))


def test_two_rounds_of_three_with_one_refused(folder: RunFolder) -> None:
    statuses = [record.status for record in folder.all_candidates()]
    assert folder.rounds() == [0, 1]
    assert len(statuses) == 6
    assert statuses.count("refused") == 1
    findings = [found for round_ in (0, 1) for found in folder.analysis(round_).candidates.values() if found.findings]
    assert len(findings) >= 2


def test_every_training_that_a_record_names_has_its_job_and_result(folder: RunFolder) -> None:
    rows = (*folder.selection().rows, *folder.report().rows)
    named = [(hash_, row.steps or folder.run().task.steps) for row in rows for hash_ in row.trainings.values()]
    named += [(hash_, record.steps) for record in folder.all_candidates() for hash_ in record.trainings.values()]
    for hash_, steps in named:
        assert (folder.training_folder(hash_) / JOB).exists()
        assert folder.result(hash_, steps).hash == hash_
    for row in rows:
        finals = [folder.result(hash_, row.steps or folder.run().task.steps).final for hash_ in row.trainings.values()]
        assert tuple(final.success_rate for final in finals) == row.success


def test_the_winner_is_exported_and_loads(folder: RunFolder) -> None:
    assert folder.report().winner == folder.selection().winner == folder.analysis(1).incumbent
    assert Policy.load(folder.best / "policy.safetensors").kind == "continuous"
    assert load_reward(folder.best / "reward.py", "reacher") is not None


def test_an_unfinished_run_stops_in_its_second_round(tmp_path: Path) -> None:
    folder = RunFolder(example_run(tmp_path / "run", finished=False))
    assert folder.verdict(1, 0) is not None
    assert (folder.candidate(1, 0), folder.analysis(1), folder.report(), folder.selection()) == (None,) * 4
