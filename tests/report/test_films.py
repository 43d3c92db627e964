"""The page's part on rollouts: films of a bounded size as `data:` addresses, or why there are none."""

from __future__ import annotations

import base64
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autoreward.errors import RunDamaged
from autoreward.records import write_bytes, write_record
from autoreward.report.films import MOST_FILM_BYTES, RECORD, Rollout, Rollouts, folder_of
from autoreward.report.page import write_report
from autoreward.testing.folder import example_run
from tests.report.reading import HOSTILE, Page, assert_harmless

LABELS = (("best",), ("median",), ("worst", "failed: late"), ("failed: lost",))


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example_run(tmp_path_factory.mktemp("films") / "run")


@pytest.fixture
def run(example: Path, tmp_path: Path) -> Path:
    path = tmp_path / "run"
    shutil.copytree(example, path)
    return path


def film(shade: int, size: int = 0) -> bytes:
    buffer = BytesIO()
    Image.fromarray(np.full((20, 30, 3), shade, dtype=np.uint8)).save(buffer, format="GIF")
    return buffer.getvalue() + b"\0" * size


def filmed(run: Path, *, sizes: tuple[int, ...] = (0, 0, 0, 0), note: str = "", outcome: str = "late") -> list[bytes]:
    """Rollouts of the winner, with films of these sizes."""
    folder, films = folder_of(run, "1.1"), [film(40 * shade, size) for shade, size in enumerate(sizes)]
    made = []
    for number, (labels, data) in enumerate(zip(LABELS, films, strict=True)):
        won = labels[-1] in ("best", "median")
        told = dict(seed=100 + number, steps=50, success=won, outcomes=() if won else (outcome,), score=-0.25)
        made.append(Rollout(labels=labels, file=f"film-{number}.gif", **told))  # type: ignore[arg-type]
        write_bytes(folder / made[-1].file, data)
    record = Rollouts(candidate="1.1", training=7001, played=50, succeeded=46, note=note, rollouts=tuple(made))
    write_record(folder / RECORD, record)
    return films


def address(data: bytes, kind: str = "gif") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def test_best_median_and_a_failed_episode_are_in_the_page(run: Path) -> None:
    films = filmed(run)
    page = Page(write_report(run))
    assert_harmless(page)
    assert [place for place, data in enumerate(films) if address(data) in page.pictures] == [0, 1, 2]
    assert "50 episodes for this page; 46 succeeded" in page.text
    assert "seed 102, 50 steps, no success, late, score -0.25" in page.text
    assert "failed: lost ( seed 103, " in page.text, "what is not in the page is told"
    assert f"autoreward play {run} 1.1 --training 7001 --seed SEED" in page.text


def test_films_leave_the_page_small(run: Path) -> None:
    films = filmed(run, sizes=(MOST_FILM_BYTES // 2, MOST_FILM_BYTES, MOST_FILM_BYTES // 3, 0))
    page = write_report(run)
    assert page.stat().st_size < 9_500_000
    read = Page(page)
    assert [place for place, data in enumerate(films) if address(data) in read.pictures] == [0, 2]
    assert "median ( seed 101, " in read.text


def test_the_page_is_the_same_for_films_of_another_candidate(run: Path) -> None:
    before = write_report(run).read_bytes()
    filmed(run)
    (run / "rollouts" / "1.1").rename(run / "rollouts" / "0.0")
    assert write_report(run).read_bytes() == before


def test_a_run_without_a_renderer_says_so(run: Path) -> None:
    folder = folder_of(run, "1.1")
    strip = BytesIO()
    Image.fromarray(np.zeros((20, 30, 3), dtype=np.uint8)).save(strip, format="PNG")
    write_bytes(folder / "best.png", strip.getvalue())
    one = Rollout(labels=("best",), seed=1, steps=9, success=True, outcomes=(), score=None, file="best.png")
    note = "no pictures, only the terms: MuJoCo needs OpenGL: on Debian, apt install libegl1"
    record = Rollouts(candidate="1.1", training=1, played=1, succeeded=1, note=note, rollouts=(one,))
    write_record(folder / RECORD, record)
    page = Page(write_report(run))
    assert note in page.text
    assert address(strip.getvalue(), "png") in page.pictures
    write_record(folder / RECORD, record.model_copy(update={"rollouts": (), "played": 0, "note": "no rollouts: x"}))
    page = Page(write_report(run))
    assert "no rollouts: x" in page.text and "autoreward play" in page.text


def test_a_finished_run_of_before_says_how_to_make_rollouts(run: Path) -> None:
    assert f"autoreward play {run} , then autoreward report {run}" in Page(write_report(run)).text


def test_hostile_texts_stay_text(run: Path) -> None:
    filmed(run, note=HOSTILE, outcome=HOSTILE)
    page = Page(write_report(run))
    assert_harmless(page)
    assert HOSTILE in page.text


def test_links_and_files_that_are_no_pictures_stay_out(run: Path, tmp_path: Path) -> None:
    films = filmed(run)
    folder, secret = folder_of(run, "1.1"), tmp_path / "secret.gif"
    secret.write_bytes(film(200))
    (folder / "film-0.gif").unlink()
    (folder / "film-0.gif").symlink_to(secret)
    (folder / "film-1.gif").write_bytes(b"PRIVATE")
    page = Page(write_report(run))
    assert [place for place, data in enumerate(films) if address(data) in page.pictures] == [2]
    assert address(film(200)) not in page.html and base64.b64encode(b"PRIVATE").decode() not in page.html
    (folder / "film-0.gif").unlink()
    (folder / "film-0.gif").write_bytes(film(200))
    shutil.move(run / "rollouts", tmp_path / "elsewhere")
    (run / "rollouts").symlink_to(tmp_path / "elsewhere")
    assert "data:image/gif" not in Page(write_report(run)).html


def test_a_record_that_names_a_file_elsewhere_is_damaged(run: Path) -> None:
    filmed(run)
    record = folder_of(run, "1.1") / RECORD
    record.write_text(record.read_text().replace("film-0.gif", "../../best/film.gif"))
    with pytest.raises(RunDamaged, match=r"rollouts\.json"):
        write_report(run)
