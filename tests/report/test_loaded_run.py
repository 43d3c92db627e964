"""`load_run`: what a run folder holds, joined and only read."""

import fcntl
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import autoreward
from autoreward.errors import RunDamaged, UnknownName, UserError
from autoreward.report.run import Run
from autoreward.search.loop import start
from autoreward.search.observer import Observer
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.folder import WINNER, example_run
from autoreward.testing.run import small_run
from autoreward.testing.trainer import line_task

HOSTILE = "<script>alert(1)</script> {{ 7 * 7 }} \u202e \x1b[31m"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return autoreward.load_run(example_run(tmp_path_factory.mktemp("finished") / "run"))


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A run that has one round, and a candidate of the next that is designed and not trained."""
    return example_run(tmp_path / "stopped", finished=False)


def test_a_finished_run(finished: Run) -> None:
    assert (finished.state, finished.task.name) == ("finished", "reacher")
    assert finished.best is not None
    assert finished.best.place == WINNER == (finished.report and finished.report.winner)
    assert [candidate.name for candidate in finished.candidates] == ["0.0", "0.1", "0.2", "1.0", "1.1", "1.2"]
    assert [round_.incumbent for round_ in finished.rounds] == [(0, 0), WINNER]
    assert [candidate.name for candidate in finished.candidates if candidate.incumbent] == ["0.0", "1.1"]
    assert "finished, 6 candidates" in repr(finished)


def test_a_candidate_knows_where_it_came_from_and_what_became_of_it(finished: Run) -> None:
    best, folder = finished.candidate("1.1"), finished.folder
    record = folder.candidate(*WINNER)
    assert record
    assert best.source == folder.source(*WINNER)
    assert (best.parent, best.origin, best.idea, best.note) == (record.parent, "composer", record.idea, record.note)
    assert (best.status, best.success, best.score, best.steps) == (
        "trained",
        record.success_rate,
        record.score,
        record.steps,
    )
    assert list(best.results) == list(record.trainings)
    seeds = [success for success in best.success_by_seed.values() if success is not None]
    assert sum(seeds) / len(seeds) == pytest.approx(best.success)
    assert [finding.diagnosis for finding in finished.candidate((0, 0)).findings][-1] == "advice"
    refused = next(candidate for candidate in finished.candidates if candidate.status == "refused")
    assert refused.verdict
    assert (refused.reason, refused.results, refused.steps) == (refused.verdict.reason, {}, 0)


def test_a_run_that_was_stopped(stopped: Path) -> None:
    run = autoreward.load_run(stopped)
    assert (run.state, run.report, run.selection) == ("stopped", None, None)
    assert run.best is run.candidate("0.0")
    last = run.candidates[-1]
    assert (last.name, last.status, last.success, last.findings, last.incumbent) == ("1.0", "waiting", None, (), False)
    assert run.spent == run.folder.spent()


def test_a_run_that_a_process_is_at_work_on(stopped: Path) -> None:
    with (stopped / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert autoreward.load_run(stopped).state == "running"
    assert autoreward.load_run(stopped).state == "stopped"


def test_a_real_run(tmp_path: Path) -> None:
    """Two seeds, by the loop itself: what it has recorded is what is shown."""
    config = small_run(tmp_path, designer="composer", search_seeds=2)
    run = Run(start(line_task(), config, Observer(), engine=InProcessEngine()))
    (candidate,) = run.candidates
    assert (run.state, candidate.status, candidate.incumbent) == ("finished", "trained", True)
    assert run.best is candidate
    assert len(candidate.success_by_seed) == 2
    assert candidate.source.startswith("IDEA")
    assert run.ledger.total.calls == run.spent.llm_calls == 0


def test_to_frame(finished: Run) -> None:
    frame = finished.to_frame()
    assert list(frame.index) == [candidate.name for candidate in finished.candidates]
    assert frame.loc["1.1", "parent"] == "0.0"
    assert frame["success"].max() == finished.candidate("1.1").success
    assert frame[frame.status == "refused"]["success"].isna().all()


def test_a_run_that_has_just_begun(stopped: Path, tmp_path: Path) -> None:
    (tmp_path / "begun").mkdir()
    shutil.copy(stopped / "run.json", tmp_path / "begun")
    run = autoreward.load_run(tmp_path / "begun")
    assert (run.best, run.candidates, run.to_frame().shape[0]) == (None, (), 0)
    assert "status" in run.to_frame().columns
    assert "no candidate trained yet" in run._repr_html_()


def test_without_pandas_the_error_says_what_to_install(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UserError, match="pip install pandas"):
        finished.to_frame()


def test_pandas_is_not_loaded_before_it_is_asked_for(stopped: Path) -> None:
    code = "import sys, autoreward; autoreward.load_run(sys.argv[1])._repr_html_(); sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, stopped], check=False).returncode == 0


def test_a_notebook_gets_text_and_no_markup(stopped: Path) -> None:
    candidate = stopped / "rounds" / "00" / "candidates" / "0" / "candidate.json"
    candidate.write_text(json.dumps(json.loads(candidate.read_text()) | {"reason": HOSTILE}))
    run = stopped / "run.json"
    record = json.loads(run.read_text())
    run.write_text(json.dumps(record | {"task": record["task"] | {"text": HOSTILE}}))
    shown = autoreward.load_run(stopped)._repr_html_()
    assert shown.count("&lt;script&gt;alert(1)&lt;/script&gt; {{ 7 * 7 }} \\u202e [31m") == 2
    assert not any(mark in shown for mark in ("<script", "\u202e", "\x1b"))


def test_what_is_not_there_is_told_with_what_to_type(finished: Run, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"unknown candidate '1.7'\. Closest: .*1\.[12].*autoreward inspect"):
        finished.candidate("1.7")
    with pytest.raises(RunDamaged, match=r"no run\.json"):
        Run(tmp_path)
    with pytest.raises(UserError, match="is not a folder"):
        Run(tmp_path / "nothing")


def test_a_damaged_record_is_named_when_it_is_looked_at(stopped: Path) -> None:
    (stopped / "rounds" / "00" / "candidates" / "1" / "verify.json").write_text("{")
    run = autoreward.load_run(stopped)
    assert run.candidate("0.0").verdict
    with pytest.raises(RunDamaged, match=r"1/verify\.json does not read as Verdict"):
        _ = run.candidate("0.1").verdict
