"""A real browser, Debian's Chromium without a window, and pages in it that are watched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.watching import watched

MISSING = "there is no Chromium; type: apt-get install chromium fonts-dejavu-core"
Visit = Callable[..., Page]
expect.set_options(timeout=30_000)  # milliseconds: a busy machine is no fault


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests of a file, and no longer: its driver keeps an event loop at work in this thread."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip(MISSING)
    # Whatever a page might ask for, nothing leaves this machine. Chromium's own sandbox does not work for root.
    switches = ["--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=[*switches, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Opens a page: `visit(path or address, width=1400, scheme="light", scripts=True)`.

    When the test is over, each page must have asked for nothing but itself and its own origin, and have had no fault.
    """
    opened = []

    def open_page(
        address: Path | str, width: int = 1400, scheme: Any = "light", scripts: bool = True, clock: bool = False
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
        )
        page = context.new_page()
        url = address.as_uri() if isinstance(address, Path) else address
        own = url if isinstance(address, Path) else "/".join(url.split("/")[:3]) + "/"
        opened.append((page, watched(page), own))
        if clock:
            page.clock.install()
        page.goto(url)
        return page

    yield open_page
    for page, seen, own in opened:
        page.context.close()
        assert seen.requests, "the page itself was asked for"
        assert not seen.outside(own), "nothing is asked for elsewhere"
        assert not seen.faults
