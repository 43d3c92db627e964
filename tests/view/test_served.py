"""The page over a real socket: what is answered, and that nothing is written."""

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from autoreward.errors import UserError
from autoreward.report.page import write_report
from autoreward.testing.folder import example_run
from autoreward.view import pages
from autoreward.view.app import View
from autoreward.view.index import Index
from autoreward.view.server import serve
from autoreward.view.slow import SlowPages
from tests.view.asking import ask, patiently
from tests.view.conftest import DONE, OPEN, at_work


def written(folder: Path) -> dict[str, int]:
    """All files below a folder, and when they were written."""
    return {str(path): path.lstat().st_mtime_ns for path in folder.rglob("*")}


def test_the_table_has_each_run_with_its_state(url: str) -> None:
    page = ask(url, "/")
    assert page.status == 200
    found = dict(re.findall(r'<tr data-key="([^"]*)" data-task="[^"]*" data-state="([^"]*)"', page.text))
    assert found == {DONE: "finished", quote(OPEN): "killed", "damaged": "damaged"}
    assert page.text.count('class="spark"') == 2, "the rounds of each run that reads"
    assert "report.json does not read as Report" in page.text


def test_it_only_reads(tmp_path: Path) -> None:
    run = example_run(tmp_path / "runs" / "run", finished=False)
    before = written(tmp_path)
    with serve(tmp_path / "runs") as served:
        for path in ("/", "/changes?since=", "/compare?run=run&run=run"):
            ask(served.url, path)
        assert patiently(served.url, "/run/run").status == 200
    assert written(tmp_path) == before
    assert not (run / "report.html").exists()


def test_the_report_of_a_finished_run_is_the_one_in_its_folder(tmp_path: Path) -> None:
    run = example_run(tmp_path / "runs" / "run")
    page = write_report(run)
    own = page.read_text()
    page.write_text(own.replace("</main>", "<p>as it was written</p></main>"))
    with serve(tmp_path / "runs") as served:
        answer = ask(served.url, "/run/run")
        assert "as it was written" in answer.text
        assert answer.headers["content-security-policy"] == f"{pages.report_policy()}; frame-ancestors 'none'"
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', own)
        assert policy and policy[1] == pages.report_policy(), "the header allows what the page allows"
        # Of another version, its script would not run: it is made anew.
        page.write_text(page.read_text().replace("sha256-", "sha256-old", 1))
        renewed = patiently(served.url, "/run/run")
        assert renewed.status == 200
        assert "as it was written" not in renewed.text
        assert "What was asked, and what came out" in renewed.text


@pytest.mark.slow  # simulates and starts cells; tests/browser looks at the same page
def test_runs_side_by_side(tmp_path: Path) -> None:
    one = example_run(tmp_path / "runs" / "one")
    shutil.copytree(one, tmp_path / "runs" / "folder" / "two")
    with serve(tmp_path / "runs") as served:
        page = patiently(served.url, "/compare?run=one&run=folder%2Ftwo")
        assert page.status == 200
        text = " ".join(re.sub(r"<[^>]*>", " ", page.text).split())
        assert "B succeeds more often than A with a probability of 50.0%" in text
        assert 'href="/run/folder/two"' in page.text
        assert page.headers["content-security-policy"].startswith(pages.comparison_policy())
        assert pages.style() in page.text, "which the policy names by its hash"


@pytest.mark.parametrize("way", ["refreshed", "before", "within"])
def test_a_stored_page_that_leads_elsewhere_is_not_shown(tmp_path: Path, way: str) -> None:
    """A folder from elsewhere may bring one, and no policy keeps a browser from following it."""
    page = write_report(example_run(tmp_path / "run"))
    text = page.read_text()
    assert pages.is_report(page.read_bytes())
    leads = '<META http-equiv="refresh" content="0; url=http://elsewhere.example/">'
    changed = {
        "refreshed": text.replace('<meta name="referrer" content="no-referrer">', leads, 1),
        "before": leads + text,
        "within": text.replace("</main>", f"{leads}</main>", 1),
    }
    page.write_text(changed[way])
    view = View(Index(tmp_path), SlowPages())
    try:
        (entry,) = (view.index.entry(brief.key) for brief in view.index.briefs())
        assert entry is not None
        assert view._stored(entry) is None
        page.write_text(text)
        assert view._stored(entry) == text.encode()
    finally:
        view.slow.close()


def test_what_cannot_be_shown_says_why(url: str) -> None:
    for path, status, said in (
        ("/run/nothing", 404, "no run nothing"),
        ("/run/damaged", 422, "report.json does not read as Report"),
        (f"/compare?run={DONE}", 400, "Choose 2 to 26 runs in the table; 1 are chosen"),
        (f"/compare?run={DONE}&run={DONE}", 400, "1 are chosen"),
        ("/compare?" + "&".join(f"run={number}" for number in range(27)), 400, "27 are chosen"),
        (f"/compare?run={DONE}&run=damaged", 422, "report.json does not read as Report"),
        (f"/compare?run={DONE}&run=nothing", 404, "no run nothing"),
        ("/elsewhere", 404, "Not Found"),
    ):
        answer = ask(url, path)
        assert (answer.status, said in answer.text) == (status, True), path


def test_a_live_run_changes_in_the_table(tmp_path: Path) -> None:
    run = example_run(tmp_path / "runs" / "run", finished=False)
    with at_work(run) as kill, serve(tmp_path / "runs") as served:
        first = ask(served.url, "/")
        assert 'data-state="running"' in first.text
        version = re.search(r'data-version="([^"]*)"', first.text)
        assert version
        kill()
        deadline = time.monotonic() + 60
        while (news := ask(served.url, f"/changes?since={version[1]}").text).count("data-state") == 0:
            assert time.monotonic() < deadline, "the table never learns of it"
            time.sleep(0.2)
        assert 'data-state=\\"killed\\"' in news
        assert '"fresh":false' in news


@pytest.fixture
def _quiet_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_port_that_is_taken_and_a_folder_that_is_not_there(tmp_path: Path, _quiet_port: int) -> None:
    with pytest.raises(UserError, match="leave out --port to take a free one"), serve(tmp_path, _quiet_port):
        pass
    with (
        pytest.raises(UserError, match="start a run with `autoreward run reacher`"),
        serve(tmp_path / "no"),
    ):
        pass


def test_when_it_ends_nothing_listens_any_more(tmp_path: Path) -> None:
    with serve(tmp_path) as served:
        assert ask(served.url, "/").status == 200
    with pytest.raises(ConnectionRefusedError):
        ask(served.url, "/")


def test_only_this_machines_own_address_is_listened_on(url: str) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", urlsplit(url).port), timeout=10)


def test_what_draws_and_trains_is_not_in_the_process_that_serves(runs: Path) -> None:
    code = """
import sys
from pathlib import Path
from tests.view.asking import ask
from autoreward.view.server import serve
with serve(Path(sys.argv[1])) as served:
    assert ask(served.url, "/").status == 200
print(*sorted({"torch", "numba", "matplotlib", "scipy", "mujoco", "pandas"} & set(sys.modules)))
"""
    shown = subprocess.run([sys.executable, "-c", code, str(runs)], capture_output=True, text=True, check=True)
    assert shown.stdout == "\n"
