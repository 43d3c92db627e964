"""`autoreward view` in a real browser, served by the real command over a folder of runs of every kind."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from autoreward.report.page import write_report
from autoreward.store.folder import locked
from autoreward.testing.folder import example_run
from tests.browser.conftest import Visit
from tests.browser.looks import too_pale, too_wide
from tests.report.hostile import hostile_run
from tests.report.reading import HOSTILE

HOSTILE_NAME = "<img src=x onerror=alert(8)>{{ 7 * 191 }}\"' onfocus=alert(9) x"
PATIENCE = 60_000
"""Milliseconds for what the server makes in a process of its own."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with intervals, one without, one that was stopped, a damaged and a hostile one."""
    folder = tmp_path_factory.mktemp("view") / "runs"
    five = example_run(folder / "five_seeds")
    write_report(five)
    example_run(folder / "three_seeds", seeds=3)
    example_run(folder / "unfinished", finished=False)
    shutil.copytree(five, folder / "torn")
    (folder / "torn" / "report.json").write_text("{")
    hostile_run(folder / HOSTILE_NAME, HOSTILE)
    return folder


@pytest.fixture(scope="module")
def address(runs: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "autoreward", "view", str(runs), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield server.stdout.readline().strip()
        server.terminate()


def names(page: Page) -> list[str]:
    """Of the runs that the table shows, from top to bottom, up to a sign that none of them needs."""
    return [
        name.partition("<")[0] for name in page.locator("#runs tbody tr:visible td.name :is(a, b)").all_inner_texts()
    ]


def test_the_table_sorts_and_filters(visit: Visit, address: str) -> None:
    page = visit(address)
    assert set(names(page)) == {"five_seeds", "three_seeds", "unfinished", "torn", ""}
    success = page.locator("#runs th", has_text="success")
    success.click()
    expect(success).to_have_attribute("aria-sort", "descending")
    assert names(page)[-1] == "torn", "what has no value comes last"
    falling = names(page)[:-1]
    success.click()
    expect(success).to_have_attribute("aria-sort", "ascending")
    assert names(page)[-1] == "torn"
    assert page.locator("#runs tbody tr").first.locator("td.name").inner_text().startswith("unfinished")
    assert set(names(page)) == {*falling, "torn"}
    page.get_by_label("search").fill("THREE reacher")
    assert names(page) == ["three_seeds"]
    expect(page.locator("#shown")).to_have_text("1 of 5 runs")
    page.get_by_label("search").fill("nothing has this name")
    expect(page.get_by_text("No run matches.")).to_be_visible()
    page.get_by_label("search").fill("")
    page.locator("select[data-filter=state]").select_option("damaged")
    assert names(page) == ["torn"]
    expect(page.locator("#runs tbody tr:visible")).to_contain_text("report.json")


def test_what_happens_on_the_disk_is_shown_without_a_hand(visit: Visit, address: str, runs: Path) -> None:
    page = visit(address)
    page.evaluate("window.sameAsBefore = true")
    state = page.locator("#runs tr", has_text="unfinished").locator(".state")
    expect(state).to_contain_text("killed")
    shutil.copytree(runs / "three_seeds", runs.parent / "new")
    (runs.parent / "new").rename(runs / "appeared")
    with locked(runs / "unfinished"):
        expect(state).to_contain_text("running", timeout=PATIENCE)
        expect(page.locator("#runs")).to_contain_text("appeared", timeout=PATIENCE)
    expect(state).to_contain_text("killed", timeout=PATIENCE)
    shutil.rmtree(runs / "appeared")
    expect(page.locator("#runs")).not_to_contain_text("appeared", timeout=PATIENCE)
    assert page.evaluate("window.sameAsBefore"), "the page was not read again"


def test_a_report_opens_from_the_table(visit: Visit, address: str) -> None:
    """The one that the run has written; that of the hostile run below is made by the server."""
    page = visit(address)
    page.get_by_role("link", name="five_seeds").click()
    expect(page.get_by_role("heading", name="What was asked, and what came out")).to_be_visible(timeout=PATIENCE)
    page.locator("#c-0-0 > summary").click()
    expect(page.locator("#c-0-0 h4").first).to_be_visible()
    page.locator("#rounds table.sortable th").nth(2).click()
    expect(page.locator("#rounds th").nth(2)).to_have_attribute("aria-sort", "ascending")


def test_chosen_runs_are_compared(visit: Visit, address: str) -> None:
    """The hostile one among them: in this page, too, its texts stay text."""
    page = visit(address)
    expect(page.locator("#compare")).to_be_disabled()
    page.get_by_label("choose five_seeds").check()
    page.get_by_label("choose three_seeds").check()
    page.get_by_label("choose <img").check()
    page.get_by_role("button", name="Compare 3 runs").click()
    expect(page.get_by_role("heading", name="Which is better")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("table.sides tbody tr")).to_have_count(3)
    assert HOSTILE_NAME in page.evaluate("document.body.textContent")
    assert page.locator("script, img").count() == 0
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert not too_pale(page)
    page.set_viewport_size({"width": 480, "height": 900})
    assert not too_wide(page)
    page.go_back()
    page.get_by_role("button", name="Compare 3 runs").wait_for()


def test_hostile_texts_of_a_run_stay_text(visit: Visit, address: str) -> None:
    page = visit(address)
    row = page.locator("#runs tr", has_text="onfocus=alert(9)")
    expect(row.locator(".name a")).to_have_text(HOSTILE_NAME)
    assert "NAME" + HOSTILE in row.locator("td").nth(2).inner_text()
    task = page.locator("select[data-filter=task]")
    expect(task.locator("option", has_text="NAME" + HOSTILE)).to_have_count(1)
    task.select_option("NAME" + HOSTILE)
    expect(page.locator("#runs tbody tr:visible")).to_have_count(1)
    assert page.locator("img, iframe, object").count() == 0
    assert page.locator("script").count() == 1
    attributes = page.evaluate("[...document.querySelectorAll('*')].flatMap((node) => node.getAttributeNames())")
    assert not {name for name in attributes if name.startswith("on") or name in ("style", "autofocus")}
    assert str(7 * 191) not in page.content()
    row.locator(".name a").click()
    expect(page.get_by_role("heading", name="What was asked")).to_be_visible(timeout=PATIENCE)
    assert "TASK" + HOSTILE in page.evaluate("document.body.textContent")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 480])
def test_the_table_fits_and_can_be_read(visit: Visit, address: str, width: int, scheme: str) -> None:
    page = visit(address, width, scheme)
    page.get_by_label("choose five_seeds").check()
    assert not too_wide(page)
    assert not too_pale(page)
