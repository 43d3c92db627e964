"""`docs/screenshots.py`, which takes the README's pictures, works on any run."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from autoreward.testing.folder import example_run

SCRIPT = Path(__file__).parents[2] / "docs" / "screenshots.py"


@pytest.mark.slow
def test_the_readmes_pictures_are_taken(browser: Browser, tmp_path: Path) -> None:
    assert browser.is_connected(), "or there is nothing to take them with"
    run = example_run(tmp_path / "runs" / "example")
    subprocess.run([sys.executable, SCRIPT, run, "--to", tmp_path / "img"], check=True)
    for name in ("report", "view"):
        with Image.open(tmp_path / "img" / f"{name}.png") as image:
            assert image.width == 1400
            assert len(image.convert("RGB").getcolors(2**24) or ()) > 50, "there is something on it"
