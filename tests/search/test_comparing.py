"""Runs side by side."""

import json
import shutil
from pathlib import Path

import pytest

from autoreward.errors import RunDamaged, UserError
from autoreward.report.run import Run
from autoreward.search.comparing import compare
from autoreward.search.statistics import improvement, improvement_interval
from autoreward.testing.folder import WINNER, example_run

SUCCESS = (0.2, 0.3, 0.1, 0.9, 0.25)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(example_run(tmp_path_factory.mktemp("first") / "one"))


@pytest.fixture
def other(first: Run, tmp_path: Path) -> Path:
    """The same run, but that its reward does worse, weighs otherwise, and was searched with other settings."""
    path = tmp_path / "two"
    shutil.copytree(first.path, path)
    change(path / "run.json", lambda data: data["config"].update(rounds=7))
    change(path / "run.json", lambda data: data["task"]["trainer"].update(gamma=0.5))
    change(path / "report.json", lambda data: data["rows"][3].update(success=SUCCESS))
    source = path / "rounds" / f"{WINNER[0]:02d}" / "candidates" / str(WINNER[1]) / "reward.py"
    source.write_text(source.read_text().replace("IDEA = ", "OLD = 3.5\nIDEA = ", 1))
    return path


def change(path: Path, how: object) -> None:
    data = json.loads(path.read_text())
    how(data)  # type: ignore[operator]
    path.write_text(json.dumps(data))


def test_success_settings_and_programs(first: Run, other: Path) -> None:
    found = compare((first, Run(other)))
    one, two = found.sides
    assert (one.name, two.name, one.seeds, two.seeds, one.candidate) == ("A", "B", "report", "report", "1.1")
    assert one.best and two.best and one.reference
    assert (two.best.success, one.reference.label) == (SUCCESS, "environment's own reward")
    (pair,) = found.pairs
    assert pair.improvement == improvement(one.best.success, SUCCESS)
    assert pair.improvement_interval == improvement_interval(one.best.success, SUCCESS)
    assert "+OLD = 3.5" in pair.diff
    assert pair.distances and pair.distances.starc == pytest.approx(0.0, abs=1e-3)
    assert {one.setting: one.values for one in found.settings} == {
        "config.rounds": ("2", "7"),
        "task.trainer.gamma": ("0.9", "0.5"),
    }


def test_success_on_other_seeds_or_of_another_task_is_not_compared(first: Run, other: Path) -> None:
    (other / "report.json").unlink()
    found = compare((first, Run(other)))
    assert found.sides[1].seeds == "selection"
    assert found.pairs[0].improvement is None
    assert "A is measured on report seeds and B on selection seeds" in found.pairs[0].not_compared
    (other / "selection.json").unlink()
    side = compare((first, Run(other))).sides[1]
    assert (side.seeds, side.state, side.candidate) == ("search", "stopped", "1.1")
    assert side.best and side.best.success == tuple(Run(other).candidate("1.1").success_by_seed.values())
    change(other / "run.json", lambda data: data["task"]["success"].update(expression="True"))
    assert "other success rules" in compare((first, Run(other))).pairs[0].not_compared
    change(other / "run.json", lambda data: data["task"]["env"].update(id="CartPole-v1"))
    pair = compare((first, Run(other))).pairs[0]
    assert "other environments" in pair.not_compared
    assert "different environments have no distance" in pair.not_measured


def test_a_run_whose_trainings_were_all_lost_has_no_success(first: Run, other: Path) -> None:
    change(other / "report.json", lambda data: data["rows"][3].update(success=[], success_iqm=None))
    assert "B has no success" in compare((first, Run(other))).pairs[0].not_compared


def test_python_that_a_run_names_is_not_imported(first: Run, other: Path, tmp_path: Path) -> None:
    two = tmp_path / "three"
    shutil.copytree(other, two)
    for path in (other, two):
        change(path / "run.json", lambda data: data["task"]["env"].update(id="antigravity_of_another:Env"))
    pair = compare((Run(other), Run(two))).pairs[0]
    assert pair.improvement == 0.5
    assert pair.distances is None
    assert "--trust antigravity_of_another:Env" in pair.not_measured


def test_a_program_that_was_put_there_is_refused_and_the_rest_is_told(first: Run, other: Path, tmp_path: Path) -> None:
    source = other / "rounds" / f"{WINNER[0]:02d}" / "candidates" / str(WINNER[1]) / "reward.py"
    marker = tmp_path / "run"
    source.write_text(f"open({str(marker)!r}, 'w')\n" + source.read_text())
    pair = compare((first, Run(other))).pairs[0]
    assert pair.distances is None
    assert pair.not_measured
    assert pair.improvement is not None
    assert not marker.exists()
    source.write_text("#" * 70_000)
    assert "longer than any reward may be" in compare((first, Run(other))).pairs[0].not_measured


def test_a_run_without_a_trained_candidate(first: Run, tmp_path: Path) -> None:
    path = example_run(tmp_path / "new", finished=False)
    shutil.rmtree(path / "rounds")
    found = compare((first, Run(path)))
    assert (found.sides[1].candidate, found.sides[1].best) == (None, None)
    assert "B has no success" in found.pairs[0].not_compared
    assert "B has no trained candidate" in found.pairs[0].not_measured


def test_one_run_and_a_damaged_one(first: Run, other: Path) -> None:
    with pytest.raises(UserError, match="autoreward compare RUN RUN"):
        compare((first,))
    (other / "report.json").write_text("[]")
    with pytest.raises(RunDamaged, match=r"report\.json"):
        compare((first, Run(other)))
