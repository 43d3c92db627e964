"""Which runs a folder has, and what is new since the last look."""

import os
import shutil
from pathlib import Path

import pytest

from autoreward.testing.folder import example_run
from autoreward.view import index as indexing
from autoreward.view.index import Index
from tests.view.conftest import DONE, OPEN


@pytest.fixture(autouse=True)
def _without_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question looks at the folder."""
    monkeypatch.setattr(indexing, "REST", 0.0)
    monkeypatch.setattr(indexing, "SHARE", 0)


def keys(index: Index) -> list[str]:
    return [brief.key for brief in index.briefs()]


def test_runs_in_folders_are_found_and_the_newest_is_first(runs: Path) -> None:
    assert sorted(keys(Index(runs))) == sorted([DONE, OPEN, "damaged"])


def test_what_is_no_run_is_not_shown(tmp_path: Path) -> None:
    example_run(tmp_path / "run")
    for name in (".hidden", "deep/a/b/c/d", "one/two"):
        shutil.copytree(tmp_path / "run", tmp_path / name)
    (tmp_path / "elsewhere").symlink_to(tmp_path / "run")
    (tmp_path / "notes.txt").write_text("run.json")
    (tmp_path / "trainings" / "3f9c").mkdir(parents=True)
    assert sorted(keys(Index(tmp_path))) == ["one/two", "run"], "hidden, too deep, linked, and others are left out"


def test_a_run_without_its_first_record_is_damaged(tmp_path: Path) -> None:
    run = example_run(tmp_path / "run")
    (run / "run.json").unlink()
    (brief,) = Index(tmp_path).briefs()
    assert (brief.state, brief.note) == ("damaged", "run.json is missing")


def test_what_is_new_is_told_and_only_that(tmp_path: Path) -> None:
    one, two = example_run(tmp_path / "one", finished=False), example_run(tmp_path / "two")
    index = Index(tmp_path)
    index.refresh()
    first = index.version
    assert index.changes(first).briefs == ()
    candidate = one / "rounds" / "00" / "candidates" / "0" / "candidate.json"
    candidate.write_text(candidate.read_text().replace('"success_rate":', '"success_rate" :'))
    changed = index.changes(first)
    assert [brief.key for brief in changed.briefs] == ["one"]
    shutil.rmtree(two)
    gone = index.changes(changed.version)
    assert (gone.briefs, gone.gone, gone.fresh) == ((), ("two",), False)
    shutil.copytree(one, two)
    back = index.changes(gone.version)
    assert [brief.key for brief in back.briefs] == ["two"]
    since_first = index.changes(first)
    assert {brief.key for brief in since_first.briefs} == {"one", "two"}
    assert since_first.gone == (), "it is there again"


@pytest.mark.parametrize("since", ["", "0", "another-3", "-", "x" * 10_000])
def test_a_page_of_another_server_is_told_everything(runs: Path, since: str) -> None:
    told = Index(runs).changes(since)
    assert told.fresh
    assert len(told.briefs) == 3


def test_a_finished_run_is_not_read_again(tmp_path: Path) -> None:
    """Told from its text: a change that leaves time and size as they were is not seen."""
    run = example_run(tmp_path / "run")
    index = Index(tmp_path)
    (before,) = index.briefs()
    record, kept = run / "run.json", (run / "run.json").stat()
    text = record.read_text()
    record.write_text(text.replace('"composer"', '"recorder"'))
    os.utime(record, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert index.briefs() == (before,)
    os.utime(record)
    (after,) = index.briefs()
    assert (before.designer, after.designer) == ("composer", "recorder")
