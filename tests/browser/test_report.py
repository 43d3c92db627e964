"""The report in a real browser: what a reader clicks works, and whatever a run holds stays text."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from autoreward.llm.contract import CallName
from autoreward.report.page import write_report
from autoreward.store.folder import RunFolder, locked
from autoreward.testing.folder import example_run
from tests.browser.conftest import Visit
from tests.browser.looks import too_pale, too_wide
from tests.report.hostile import WORDS, hostile_run, write_call
from tests.report.reading import HOSTILE

RIGHT_TO_LEFT = "\u05d0\u05d1 \u0627\u0628"
"""Hebrew and Arabic letters, which browsers set from right to left."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a finished run with calls of a language model."""
    run = example_run(tmp_path_factory.mktemp("runs") / "example")
    for index in range(2):
        write_call(run, CallName(role="designer", round=0, candidate=index), "WEIGHTS = {}\n" * 40, "design " * 400)
    return write_report(run)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run whose texts are all hostile, with letters from right to left and a reply of a megabyte."""
    run = hostile_run(tmp_path_factory.mktemp("hostile") / "run", HOSTILE + RIGHT_TO_LEFT)
    write_call(run, CallName(role="critic", round=1, candidate=2), HOSTILE + "A" * 1_000_000)
    return write_report(run)


def column(table: Locator, number: int) -> list[str]:
    return [text.split()[0] for text in table.locator(f"tbody td:nth-child({number})").all_inner_texts()]


def test_tables_sort_by_the_column_that_is_clicked(visit: Visit, report: Path) -> None:
    table = visit(report).locator("#rounds table.sortable")
    success = table.locator("th").nth(2)
    success.click()
    expect(success).to_have_attribute("aria-sort", "ascending")
    rising = column(table, 3)
    assert rising[0] == "refused", "what has no success comes first"
    values = [float(text.rstrip("%")) for text in rising[1:]]
    assert values == sorted(values)
    assert len(set(values)) > 2
    success.click()
    expect(success).to_have_attribute("aria-sort", "descending")
    assert column(table, 3) == rising[::-1]
    table.locator("th").nth(0).press("Tab")
    table.locator("th button").nth(0).press("Enter")
    assert column(table, 1) == sorted(column(table, 1)), "by the keyboard, too"
    expect(success).not_to_have_attribute("aria-sort", "descending")


def test_folds_open_one_by_one_and_all_together(visit: Visit, report: Path) -> None:
    page = visit(report)
    folds = page.locator("details.candidate")
    code = folds.nth(1).locator("pre.code")
    expect(code).to_be_hidden()
    folds.nth(1).locator("> summary").click()
    folds.nth(1).get_by_text("code", exact=True).click()
    expect(code).to_be_visible()
    assert "def compute_reward" in code.inner_text()
    everything = page.get_by_role("button", name="open or close all")
    everything.click()
    assert page.locator("details.candidate[open]").count() == folds.count() == 6
    everything.click()
    assert page.locator("details.candidate[open]").count() == 0
    call = page.locator("#calls details.call").first
    call.locator("> summary").click()
    expect(call.locator("> pre")).to_be_visible()
    expect(call.locator("details pre").first).to_be_hidden()


def test_a_link_to_a_candidate_opens_its_fold(visit: Visit, report: Path) -> None:
    page = visit(report)
    page.locator("#rounds tbody").get_by_role("link", name="1.0").first.click()
    fold = page.locator("#c-1-0")
    expect(fold).to_have_attribute("open", "")
    expect(fold).to_be_in_viewport()
    again = visit(report.as_uri() + "#c-0-1")
    expect(again.locator("#c-0-1")).to_have_attribute("open", "")


def test_a_live_run_shows_what_is_new_without_a_hand(visit: Visit, tmp_path: Path) -> None:
    """The page reads itself again, and what the reader has opened stays open, also where something came before it."""
    run = example_run(tmp_path / "run", finished=False)
    write_call(run, CallName(role="designer", round=0, candidate=0), "a reply")
    with locked(run):
        page = visit(write_report(run), clock=True)
        expect(page.locator("h1")).to_contain_text("running at")
        page.locator("#c-1-0 > summary").click()
        page.locator("#calls details.call > summary").click()
        folder = RunFolder(run)
        verdict, drafted = folder.verdict(0, 1), folder.drafted(0, 1)
        assert verdict and drafted
        folder.write_draft(0, 3, drafted, verdict)
        write_report(run)
        page.clock.run_for(31_000)
        expect(page.locator("#c-0-3")).to_be_attached()
        expect(page.locator("#call-0-designer-0-0")).to_have_attribute("open", "")
        assert page.locator("details[open]").evaluate_all("folds => folds.map((fold) => fold.id)") == [
            "c-1-0",
            "call-0-designer-0-0",
        ]
    write_report(run)
    page.clock.run_for(31_000)
    expect(page.locator("h1")).to_contain_text("stopped")


def test_without_script_all_of_it_can_be_read(visit: Visit, report: Path) -> None:
    page = visit(report, scripts=False)
    expect(page.get_by_role("button")).to_have_count(0)
    page.locator("#c-0-0 > summary").click()
    expect(page.locator("#c-0-0 h4").first).to_be_visible()


def opened(page: Page) -> Page:
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 480])
def test_nothing_runs_out_of_the_page_and_all_of_it_can_be_read(
    visit: Visit, report: Path, hostile: Path, width: int, scheme: str
) -> None:
    for path in (report, hostile):
        page = opened(visit(path, width, scheme))
        assert not too_wide(page)
        assert not too_pale(page)


def test_what_a_run_holds_stays_text(visit: Visit, hostile: Path) -> None:
    """No element, no attribute, no request and no dialog comes of it, and all of it is there to be read."""
    page = opened(visit(hostile))
    page.wait_for_timeout(50)
    text = page.evaluate("document.body.textContent")
    for word in WORDS:
        assert word + HOSTILE + RIGHT_TO_LEFT in text, f"{word} is shown as it was written"
    assert str(7 * 191) not in text
    assert "characters left out" in text, "the reply of a megabyte is cut"
    assert hostile.stat().st_size < 3_000_000
    assert page.title().startswith("NAME" + HOSTILE[:20])
    kinds = set(page.evaluate("[...document.querySelectorAll('*')].map((node) => node.localName)"))
    assert not kinds & {"iframe", "object", "embed", "link", "base", "form", "input", "template"}
    assert page.locator("script").count() == 1
    assert page.evaluate("[...document.images].every((image) => image.src.startsWith('data:image/'))")
    names = set(page.evaluate("[...document.querySelectorAll('*')].flatMap((node) => node.getAttributeNames())"))
    assert not {name for name in names if name.startswith("on")}
    assert not names & {"style", "srcdoc", "formaction", "autofocus"}


def test_letters_from_right_to_left_move_nothing_beside_them(visit: Visit, hostile: Path) -> None:
    """Whatever holds such letters orders them by itself: it is a block, or it is isolated."""
    page = opened(visit(hostile))
    loose = page.evaluate(
        """(letter) => [...document.querySelectorAll("body *")].filter((node) => {
          const own = [...node.childNodes].some((one) => one.nodeType === 3 && one.data.includes(letter));
          const style = getComputedStyle(node);
          return own && style.display.startsWith("inline") && !style.unicodeBidi.includes("isolate");
        }).map((node) => `${node.tagName}: ${node.textContent.slice(0, 40)}`)""",
        RIGHT_TO_LEFT[0],
    )
    assert not loose
