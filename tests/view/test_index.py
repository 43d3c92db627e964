"""Which runs a folder has, and what is new since the last look."""

import os
import shutil
from pathlib import Path

import pytest
from starlette.requests import Request

from autoreward.testing.folder import example_run
from autoreward.view import files
from autoreward.view import index as indexing
from autoreward.view.app import View
from autoreward.view.brief import Brief
from autoreward.view.files import find_runs
from autoreward.view.index import Index
from autoreward.view.slow import SlowPages
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


def test_a_run_beside_large_folders_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given one run, the page is over the folder that it lies in, which may be anybody's home."""
    monkeypatch.setattr(files, "MOST_FOLDERS", 20)
    for name in "abyz":
        for deep in range(10):
            (tmp_path / name / f"{deep}" / "deeper").mkdir(parents=True)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").touch()
    assert list(find_runs(tmp_path)) == ["run"]


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


def test_a_run_that_begins_while_the_page_is_made_comes_with_the_next_news(tmp_path: Path) -> None:
    class Busy(Index):
        def briefs(self) -> tuple[Brief, ...]:
            found = super().briefs()
            if not (tmp_path / "late").exists():
                example_run(tmp_path / "late", finished=False)
            self.refresh()
            return found

    example_run(tmp_path / "run", finished=False)
    index, slow = Busy(tmp_path), SlowPages()
    try:
        page = bytes(View(index, slow).table(Request({"type": "http"})).body).decode()
    finally:
        slow.close()
    assert 'data-key="late"' not in page
    version = page.partition('data-version="')[2].partition('"')[0]
    assert [brief.key for brief in index.changes(version).briefs] == ["late"]


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
