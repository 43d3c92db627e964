"""What the table says of a run, in each of its states."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from autoreward.store.folder import RunFolder
from autoreward.store.records import Report, Spent
from autoreward.testing.folder import example_run
from autoreward.view.brief import Brief, read_brief, signature
from tests.conftest import Unprivileged
from tests.view.conftest import at_work


def brief(run: Path) -> Brief:
    return read_brief(str(run), run.name)


def test_a_finished_run(tmp_path: Path) -> None:
    run = example_run(tmp_path / "run")
    report = RunFolder(run).report()
    assert report
    rows = {row.name: row.success_iqm for row in report.rows}
    found = brief(run)
    assert (found.state, found.task, found.designer, found.level) == ("finished", "reacher", "composer", "A")
    assert found.success == rows["designed"]
    assert found.gain == pytest.approx(rows["designed"] - rows["human"])  # type: ignore[operator]
    assert found.standing == "better than"
    assert found.spent == report.spent
    records = list(RunFolder(run).all_candidates())
    trained = [[one.success_rate for one in records if one.round == round_ and one.trainings] for round_ in (0, 1)]
    assert [list(values) for values in found.rounds] == trained


def test_a_run_at_work_and_the_same_when_it_is_killed(tmp_path: Path) -> None:
    run = example_run(tmp_path / "run", finished=False)
    with at_work(run) as kill:
        running = brief(run)
        assert running.state == "running"
        assert running.note == "2 of 2 rounds begun; started: task reacher, designer composer"
        with (run / "run.log").open("a") as log:
            log.write("2026-11-21T03:20:00Z stopped: interrupted\n")
        assert brief(run).note == "2 of 2 rounds begun", "that an earlier process was stopped is no news"
        with (run / "run.log").open("a") as log:
            log.write("2026-11-21T03:30:00Z resumed: task reacher, designer composer\n")
        before = signature(str(run))
        kill()
        assert signature(str(run)) != before, "its end is seen, though no file has changed"
        killed = brief(run)
    assert killed.state == "killed"
    assert "its process ended without a word" in killed.note
    assert killed.designed is None
    best = max(one.success_rate or 0.0 for one in RunFolder(run).all_candidates())
    assert killed.success == best, "so far, on the search seeds"


def test_a_run_that_was_stopped_says_why(tmp_path: Path) -> None:
    run = example_run(tmp_path / "run", finished=False)
    with (run / "run.log").open("a") as log:
        log.write("2026-11-21T03:20:00Z stopped: interrupted\n")
    found = brief(run)
    assert (found.state, found.note) == ("stopped", "interrupted")


def test_a_run_without_any_trained_candidate_has_failed(tmp_path: Path) -> None:
    run = example_run(tmp_path / "run", finished=False)
    RunFolder(run).write_report(Report(winner=None, rows=(), spent=Spent(env_steps=7)))
    found = brief(run)
    assert (found.state, found.note) == ("failed", "no candidate could be trained")


def test_scores_are_drawn_where_nothing_succeeds(tmp_path: Path) -> None:
    run = example_run(tmp_path / "run")
    folder = RunFolder(run)
    for place, record in enumerate([one for one in folder.all_candidates() if one.trainings]):
        folder.write_candidate(record.model_copy(update={"success_rate": 0.0, "score": -10.0 + place}))
    found = brief(run)
    assert found.scores
    assert [value for values in found.rounds for value in values] == pytest.approx([0, 0.25, 0.5, 0.75, 1.0][:5])


@pytest.mark.parametrize(
    "name", ["run.json", "report.json", "rounds/00/candidates/0/candidate.json"], ids=["run", "report", "candidate"]
)
@pytest.mark.parametrize("how", ["cut", "link", "pipe", "folder", "large"])
def test_a_damaged_run_says_so(tmp_path: Path, name: str, how: str) -> None:
    """Nothing is followed, waited for, or read without end."""
    run = example_run(tmp_path / "run")
    file = run / name
    text = file.read_text()
    file.unlink()
    if how == "cut":
        file.write_text(text[: len(text) // 2])
    elif how == "link":
        (tmp_path / "other.json").write_text(text)
        file.symlink_to(tmp_path / "other.json")
    elif how == "pipe":
        os.mkfifo(file)
    elif how == "folder":
        file.mkdir()
    else:
        with file.open("wb") as large:
            large.truncate(2**40)
    found = brief(run)
    assert found.state == "damaged"
    said = {
        "cut": "does not read as",
        "link": "is a link, which is not followed",
        "pipe": "is no plain file",
        "folder": "is no plain file",
        "large": "1,099,511,627,776 bytes",
    }
    assert found.note.startswith(name)
    assert said[how] in found.note
    assert found.task == ("" if name == "run.json" else "reacher"), "what does read is shown"


def test_links_in_the_place_of_folders_are_not_followed(tmp_path: Path) -> None:
    run = example_run(tmp_path / "run")
    shutil.move(run / "rounds", tmp_path / "rounds")
    (run / "rounds").symlink_to(tmp_path / "rounds")
    assert brief(run).rounds == ()


def test_what_may_not_be_read_is_told(unprivileged: Unprivileged) -> None:
    code = (
        "import sys\nfrom autoreward.view.brief import read_brief\n"
        "found = read_brief(sys.argv[1], 'run')\nprint(found.state, found.note)"
    )
    with tempfile.TemporaryDirectory() as place:  # any session of pytest closes the folders of the others
        Path(place).chmod(0o755)
        run = example_run(Path(place) / "run")
        (run / "report.json").chmod(0o000)
        said = unprivileged(code, str(run))
    assert said.stdout == "damaged report.json cannot be read: Permission denied\n", said.stderr
