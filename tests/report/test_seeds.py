"""A report's rows seed by seed."""

from pathlib import Path

import pytest

from autoreward.report.page import write_report
from autoreward.report.seeds import by_seed, wilson
from autoreward.report.text import percent
from autoreward.store.folder import RunFolder
from autoreward.testing.folder import example_run
from autoreward.training.files import result_name


@pytest.mark.parametrize(
    ("successes", "episodes", "expected"),
    [(0, 256, (0.0, 0.0148)), (5, 10, (0.2366, 0.7634)), (256, 256, (0.9852, 1.0)), (0, 0, (0.0, 1.0))],
)
def test_wilsons_interval_of_a_rate_stays_between_nothing_and_all(
    successes: int, episodes: int, expected: tuple[float, float]
) -> None:
    assert (interval := wilson(successes, episodes)) == pytest.approx(expected, abs=1e-4)
    assert (interval[0] == 0.0) is (successes == 0) and (interval[1] == 1.0) is (successes == episodes)


def test_each_seed_has_its_interval_over_episodes_and_each_reward_its_outcomes(tmp_path: Path) -> None:
    folder = RunFolder(example_run(tmp_path / "run", seeds=3))
    report = folder.report()
    assert report
    designed = report.rows[-1]
    found = by_seed(folder, designed, folder.run().task.steps)
    assert [each.seed for each in found.seeds] == list(designed.trainings)
    assert tuple(each.success for each in found.seeds) == designed.success
    for each in found.seeds:
        assert each.success is not None
        assert each.interval == wilson(round(each.success * designed.episodes), designed.episodes)
    mean = sum(designed.success) / 3
    assert found.outcomes == pytest.approx({"on_target": mean, "far": 0.3 * (1 - mean)})
    page = write_report(folder.path).read_text()
    for each in found.seeds:
        assert "({} to {})".format(*map(percent, each.interval)) in page
    assert f"far {100 * found.outcomes['far']:.1f}%" in page


def test_a_seed_without_a_result_is_named_and_is_no_part_of_the_outcomes(tmp_path: Path) -> None:
    folder = RunFolder(example_run(tmp_path / "run", seeds=3))
    report = folder.report()
    assert report
    designed = report.rows[-1]
    lost, *kept = designed.trainings.items()
    (folder.training_folder(lost[1]) / result_name(designed.steps)).unlink()
    found = by_seed(folder, designed, designed.steps)
    assert [each.success for each in found.seeds] == [None, *designed.success[1:]]
    assert found.outcomes["on_target"] == pytest.approx(sum(designed.success[1:]) / len(kept))
    assert "no result" in write_report(folder.path).read_text()
