"""Pictures of the report and of `autoreward view`, as a browser shows them: those of the README, or all to look at.

    python docs/screenshots.py RUN               # docs/img/report.png and docs/img/view.png
    python docs/screenshots.py RUN --all FOLDER  # each page, whole, 1400 and 480 pixels wide, in light and dark

RUN is a run folder; `view` and the comparison show it among the runs that lie beside it. It needs Chromium (on Debian:
apt-get install chromium fonts-dejavu-core) and the packages of `pip install -e .[dev]`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from autoreward.report.page import write_report
from autoreward.view.server import serve

IMAGES = Path(__file__).parent / "img"
WIDTHS = (1400, 480)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
ENDS = {"report": "#rounds figure", "view": "#runs tbody tr:nth-child(7)"}
"""What the README's pictures end with, below the top of each page."""
PATIENCE = 120_000
"""Milliseconds for a page that the server makes while the browser waits."""


def main() -> int:
    """Take the pictures, and say where they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--to", type=Path, default=IMAGES, help="folder of the README's pictures")
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="look at each page instead")
    arguments = parser.parse_args()
    if not (arguments.run / "run.json").exists():
        parser.error(f"{arguments.run} is no run folder")
    with chromium() as browser, tempfile.TemporaryDirectory() as place, serve(arguments.run.parent) as served:
        report = write_report(arguments.run, Path(place) / "report.html").as_uri()
        if arguments.all is None:
            taken = _readme(browser, {"report": report, "view": served.url}, arguments.to)
        else:
            taken = _all(browser, report, served.url, arguments.run.name, arguments.all)
        for path in taken:
            sys.stdout.write(f"{path}\n")
    return 0


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium without a window."""
    path = shutil.which("chromium")
    if path is None:
        raise SystemExit("there is no Chromium; type: apt-get install chromium fonts-dejavu-core")
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--disable-background-networking", *as_root])
        yield browser
        browser.close()


def _readme(browser: Browser, addresses: dict[str, str], folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, address in addresses.items():
        page = _page(browser, WIDTHS[0], "light")
        page.goto(address)
        last = page.locator(ENDS[name]).or_(page.locator("body")).last.bounding_box()
        height = last["y"] + last["height"] if last else 900
        page.set_viewport_size({"width": WIDTHS[0], "height": round(height) + (80 if name == "view" else 20)})
        yield _taken(page, folder / f"{name}.png", whole=False)


def _all(browser: Browser, report: str, table: str, run: str, folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for width, scheme in product(WIDTHS, SCHEMES):
        page = _page(browser, width, scheme)
        page.goto(report)
        yield _taken(page, folder / f"report-{width}-{scheme}.png")
        page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        yield _taken(page, folder / f"report-open-{width}-{scheme}.png")
        page.goto(table)
        yield _taken(page, folder / f"view-{width}-{scheme}.png")
        others = page.locator(f"#runs tr:not([data-key='{run}']) input")
        if others.count():
            page.get_by_label(f"choose {run}").check()
            others.first.check()
            page.locator("#compare").click()
            page.get_by_role("heading", name="Settings that differ").wait_for(timeout=PATIENCE)
            yield _taken(page, folder / f"compare-{width}-{scheme}.png")


def _page(browser: Browser, width: int, scheme: Literal["light", "dark"]) -> Page:
    return browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()


def _taken(page: Page, path: Path, *, whole: bool = True) -> Path:
    page.screenshot(path=path, full_page=whole)
    return path


if __name__ == "__main__":
    sys.exit(main())
