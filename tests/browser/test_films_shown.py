"""Films in the page: they show, at every width, and nothing but the page is asked for."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autoreward.records import write_bytes, write_record
from autoreward.report.films import RECORD, Rollout, Rollouts, folder_of
from autoreward.report.page import write_report
from autoreward.testing.folder import example_run
from tests.browser.conftest import Visit
from tests.browser.looks import too_pale, too_wide

OUTCOME = "an_outcome_whose_name_is_as_long_as_a_name_can_be_and_longer"


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run with three films of two pictures each."""
    run = example_run(tmp_path_factory.mktemp("films") / "run")
    pictures = [Image.fromarray(np.full((300, 504, 3), shade, dtype=np.uint8)) for shade in (40, 200)]
    buffer = BytesIO()
    pictures[0].save(buffer, format="GIF", save_all=True, append_images=pictures[1:], duration=100)
    rollouts = [
        Rollout(labels=(label,), seed=2**31 - 1, steps=1000, success=False, outcomes=(OUTCOME,), score=-1.0, file=file)
        for label, file in (("best", "a.gif"), ("median", "b.gif"), (f"failed: {OUTCOME}", "c.gif"))
    ]
    for rollout in rollouts:
        write_bytes(folder_of(run, "1.1") / rollout.file, buffer.getvalue())
    record = Rollouts(candidate="1.1", training=1, played=50, succeeded=0, note="", rollouts=tuple(rollouts))
    write_record(folder_of(run, "1.1") / RECORD, record)
    return write_report(run)


@pytest.mark.parametrize(("width", "least"), [(1400, 400), (480, 300)])
def test_films_show_and_fit(visit: Visit, filmed: Path, width: int, least: int) -> None:
    page = visit(filmed, width=width, scheme="dark")
    films = page.locator("#rollouts img")
    assert films.count() == 3
    for film in films.all():
        assert film.evaluate("image => image.decode().then(() => image.naturalWidth)") == 504
        box = film.bounding_box()
        assert box and box["width"] >= least
    assert not too_wide(page)
    assert not too_pale(page)
    page.locator("nav").get_by_text("Rollouts").click()
    assert page.locator("#rollouts h2").is_visible()
