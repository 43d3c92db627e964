"""The watch itself: each fault that the other tests forbid is seen when a page has it."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.looks import too_pale, too_wide
from tests.browser.watching import Seen, watched

POLICY = "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">"


def seen_of(browser: Browser, path: Path, html: str) -> Seen:
    path.write_text(html)
    page = browser.new_page()
    seen = watched(page)
    page.goto(path.as_uri())
    page.wait_for_timeout(50)
    page.close()
    return seen


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ("<script>alert(1)</script>", "dialog: 1"),
        ("<script>nowhere()</script>", "nowhere is not defined"),
        ("<script>console.error('said')</script>", "error: said"),
        (f"{POLICY}<p onclick='1' style='color: red'>", "policy: style-src-attr"),
        (f"{POLICY}<img src=x onerror=alert(1)>", "policy: img-src"),
    ],
)
def test_a_fault_is_seen(browser: Browser, tmp_path: Path, html: str, fault: str) -> None:
    assert fault in " ".join(seen_of(browser, tmp_path / "page.html", html).faults)


def test_a_request_to_elsewhere_is_seen_and_goes_nowhere(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    seen = seen_of(browser, path, "<img src=https://example.org/x.png>")
    assert seen.outside(path.as_uri()) == ["https://example.org/x.png"]
    assert "ERR_NAME_NOT_RESOLVED" in " ".join(seen.faults)


def test_what_is_too_wide_or_too_pale_is_seen(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<p style='width: 5000px'>wide</p><p style='color: #999'>pale</p><p>good</p>")
    page = browser.new_page()
    page.goto(path.as_uri())
    assert [found.partition(":")[0] for found in too_wide(page)] == ["the page scrolls sideways", "P."]
    assert [found.rpartition(" ")[2] for found in too_pale(page)] == ["pale"]
    page.close()
