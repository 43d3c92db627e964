"""The page as a browser gets it: what it shows, and that nothing of a run becomes markup."""

import base64
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from autoreward.errors import RunDamaged
from autoreward.report.page import write_report
from autoreward.report.plots import Line, line_plot
from autoreward.store.folder import RunFolder
from autoreward.store.records import Report
from autoreward.testing.folder import example_run
from tests.conftest import Unprivileged
from tests.report.reading import Page, assert_harmless


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example_run(tmp_path_factory.mktemp("runs") / "example")


def test_a_finished_run_shows_result_reward_search_and_use(finished: Path) -> None:
    path = write_report(finished)
    page, folder = Page(path), RunFolder(finished)
    assert path == finished / "report.html"
    assert_harmless(page)
    run, report, selection = folder.run(), folder.report(), folder.selection()
    assert report and report.winner and selection
    for shown in (run.task.text, str(run.task.success), run.isolation.text, "finished", "autoreward export"):
        assert " ".join(shown.split()) in page.text
    for row in report.rows:
        assert row.label in page.text
        assert f"{len(row.success)} seeds" in page.text
    assert folder.source(*report.winner).strip() in "".join(page.texts)
    for record in folder.all_candidates():
        assert record.idea in page.text
        assert record.reason in page.text
    assert "reacher finished" in page.text


@pytest.mark.parametrize(
    ("calls", "usd", "words"),
    [(3, 0.01234, "tokens, US$ 0.01234"), (3, None, "tokens, at a price that is not known"), (0, 0.0, "0 tokens")],
)
def test_what_the_language_model_cost(tmp_path: Path, calls: int, usd: float | None, words: str) -> None:
    folder = RunFolder(example_run(tmp_path / "run"))
    (folder.path / "report.json").unlink()
    folder.write_spent(folder.spent().model_copy(update={"llm_calls": calls, "llm_tokens": 0, "llm_usd": usd}))
    spent = Page(write_report(folder.path)).text.partition("LLM calls,")[2].partition("isolation")[0].strip()
    assert spent.endswith(words)


def test_success_has_its_interval_from_five_seeds_on(finished: Path, tmp_path: Path) -> None:
    five = Page(write_report(finished)).text
    assert re.search(r"\d+(\.\d+)?% \[\d+(\.\d+)?%, \d+(\.\d+)?%\]", five)
    three = example_run(tmp_path / "three", seeds=3)
    page = Page(write_report(three)).text
    report = RunFolder(three).report()
    assert report
    assert "no interval over seeds is claimed" in page
    assert not re.search(r"% \[", page), "three seeds carry no interval"
    for value in report.rows[-1].success:
        assert f"{100 * value:.1f}%" in page or f"{100 * value:.0f}%" in page


def test_curves_are_drawn_and_name_their_lines(finished: Path) -> None:
    drawings = [base64.b64decode(value.partition(",")[2]) for value in Page(write_report(finished)).pictures]
    assert len(drawings) == 4, "rounds, rewards, candidates, terms"
    assert all(b"<svg" in drawing and b"<script" not in drawing for drawing in drawings)


def test_a_rollout_picture_is_embedded(finished: Path) -> None:
    picture = finished / "best" / "rollout.png"
    picture.write_bytes(b"\x89PNG not really")
    try:
        page = Page(write_report(finished))
    finally:
        picture.unlink()
    assert "data:image/png;base64," + base64.b64encode(b"\x89PNG not really").decode() in page.pictures
    assert "data:image/png" not in Page(write_report(finished)).html


def test_an_unfinished_run_shows_what_there_is(tmp_path: Path) -> None:
    run = example_run(tmp_path / "a run; $(rm -rf x)", finished=False)
    page = Page(write_report(run))
    assert_harmless(page)
    assert "reacher stopped" in page.text
    assert f"autoreward resume '{run}'" in page.text, "the command can be pasted"
    assert "so far: candidate 0.0" in page.text
    assert "in flight" in page.text


def test_a_run_at_work_says_when_that_was_so_and_a_killed_one_that_it_stopped(tmp_path: Path) -> None:
    run = example_run(tmp_path / "run", finished=False)
    code = "import sys, time, pathlib; from autoreward.store.folder import locked\n"
    code += "with locked(pathlib.Path(sys.argv[1])): print('at work', flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code, run], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "at work\n"
        page = Page(write_report(run))
        process.kill()
    assert re.search(r"reacher running at \d{4}-\d\d-\d\d \d\d:\d\d UTC", page.text)
    assert f"autoreward report {run}" in page.text, "how to learn whether it still is"
    assert ("data-live", "30") in page.attributes
    after = Page(write_report(run))
    assert "reacher stopped" in after.text
    assert "data-live" not in after.html.partition("<script>")[0]


def test_a_run_that_has_only_begun(tmp_path: Path, finished: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_run(RunFolder(finished).run())
    page = Page(write_report(tmp_path))
    assert "No round has begun" in page.text
    assert "autoreward export" not in page.text, "there is nothing to export"


def test_a_run_without_any_trained_candidate(tmp_path: Path) -> None:
    run = example_run(tmp_path / "run")
    folder = RunFolder(run)
    report = folder.report()
    assert report
    folder.write_report(Report(winner=None, rows=report.rows[:3], stopped="env_steps", spent=report.spent))
    page = Page(write_report(run))
    assert "No candidate could be trained" in page.text
    assert "env_steps" in page.text
    assert "autoreward export" not in page.text


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    run = example_run(tmp_path / "run")
    (run / "report.json").write_text("{")
    with pytest.raises(RunDamaged, match=r"report\.json"):
        write_report(run)


def test_the_same_run_gives_the_same_page(finished: Path) -> None:
    assert write_report(finished).read_bytes() == write_report(finished).read_bytes()


def test_a_failed_seed_does_not_break_the_mean() -> None:
    line = Line("a", [[(0, 0.0), (10, 1.0)], [(0, 0.5)]])
    assert line.mean == [(0, 0.25)]
    assert line_plot([Line("_x$\\frac{", [[(0, 1.0)], []]), Line("none", [])], "y").startswith("data:image/svg+xml")
    assert line_plot([Line("none", [[]])], "y") == ""


@pytest.mark.filterwarnings("error")
def test_a_long_label_leaves_room_for_the_plot() -> None:
    assert line_plot([Line("a_very_long_term_name_" * 12, [[(0, 0.0), (10, 1.0)]])], "y")


def test_what_may_not_be_read_is_not_said_to_be_written(unprivileged: Unprivileged) -> None:
    code = "import sys\nfrom autoreward.cli import main\nsys.exit(main(['report', sys.argv[1], '--out', sys.argv[2]]))"
    with tempfile.TemporaryDirectory() as place:  # any session of pytest closes the folders of the others
        Path(place).chmod(0o777)
        run = example_run(Path(place) / "run")
        (run / "rounds" / "00" / "candidates" / "0").chmod(0o000)
        said = unprivileged(code, str(run), f"{place}/page.html", TMPDIR=place)
    assert said.returncode == 2, said.stderr
    assert "candidates/0/" in said.stderr
    assert "cannot be read: Permission denied" in said.stderr
    assert "--out" not in said.stderr
