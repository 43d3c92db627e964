"""Films: how many pictures, in which colours, how large, and what a machine without ffmpeg is told."""

from __future__ import annotations

import subprocess
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from autoreward.envs.registry import make_env
from autoreward.errors import UserError
from autoreward.report.playing import Episode, play, with_human_reward
from autoreward.report.strip import COUNTER, CURSOR, HEAD, LABEL, LANE, MARKS, NUMBER, ROW, Strip
from autoreward.report.video import (
    TALLEST,
    WIDTH,
    Film,
    Films,
    Scene,
    check_out,
    draw,
    ffmpeg,
    film,
    fit,
    gif,
    strips,
    write_mp4,
)
from autoreward.task import Task, load_task

STEPS = 40
EPISODE = Episode(
    seed=3,
    actions=((0.0,),) * STEPS,
    success=False,
    outcomes=("lava_death",),
    marks={"mined": (5, 6), "damage": (39, 40), "death": (40,)},
    courses={
        "total": tuple(float(step) for step in range(STEPS)),
        "idle": (0.0,) * STEPS,
        "pays": (0.0,) * 20 + (1.0,) * 20,
        "fines": (-1.0,) * 20 + (0.0,) * 20,
    },
)
STRIP = Strip(EPISODE, "voxel/diamond_lava   seed 3", WIDTH)


def has(image: Image.Image, colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    return np.asarray((np.asarray(image) == colour).all(axis=-1))


def test_the_cursor_moves_from_the_left_end_to_the_right_one() -> None:
    lane = [has(STRIP.at(step), CURSOR)[HEAD + 2 : -4] for step in (0, 20, STEPS)]
    columns = [int(np.flatnonzero(part.all(axis=0))[0]) for part in lane]
    assert columns == [LABEL, (LABEL + WIDTH - NUMBER) // 2, WIDTH - NUMBER]


def test_events_are_marked_where_they_happened() -> None:
    lane = np.asarray(STRIP.at(0))[HEAD : HEAD + LANE - 2]
    where = {event: np.flatnonzero((lane == colour).all(axis=-1).any(axis=0)) for event, colour in MARKS.items()}
    assert not len(where["success"])
    span = WIDTH - NUMBER - LABEL
    assert where["mined"].min() == LABEL + round(5 / STEPS * span) - 1
    assert where["death"].max() == WIDTH - NUMBER + 1
    assert where["damage"].min() < where["death"].min(), "death is drawn over the damage of the same step"


def test_terms_are_bars_from_zero() -> None:
    image = np.asarray(STRIP.at(0)).astype(int)
    rows = [image[HEAD + LANE + row * ROW + 2 : HEAD + LANE + (row + 1) * ROW - 3] for row in range(4)]
    early, late = LABEL + 40, WIDTH - NUMBER - 40
    saturated = [np.ptp(row, axis=-1) > 60 for row in rows]
    assert saturated[2][:, late].sum() > 8 and not saturated[2][:, early].any()
    assert saturated[3][:, early].sum() > 8 and not saturated[3][:, late].any()
    assert not saturated[1][:, early:late].any(), "a term that is 0 throughout is a line"


def test_names_from_elsewhere_stay_in_their_column() -> None:
    name = "a_term_with_a_name_that_is_very_long_indeed\n\x1b[31m"
    long = EPISODE.model_copy(update={"courses": {name: (1.0,) * STEPS}})
    short = EPISODE.model_copy(update={"courses": {"a": (1.0,) * STEPS}})
    one, other = (np.asarray(Strip(episode, "t", WIDTH).at(0)) for episode in (long, short))
    assert one.shape == other.shape
    assert np.array_equal(one[:, LABEL - 4 :], other[:, LABEL - 4 :])


def test_a_long_title_leaves_room_for_events_and_steps() -> None:
    short, long = (np.asarray(Strip(EPISODE, title, WIDTH).at(3)) for title in ("seed 3", "seed 3" + " and more" * 40))
    assert np.array_equal(short[:HEAD, WIDTH - COUNTER :], long[:HEAD, WIDTH - COUNTER :])
    assert all((long[:HEAD] == MARKS[event]).all(axis=-1).any() for event in EPISODE.marks)


def test_only_the_largest_terms_have_rows_and_the_total_is_first() -> None:
    courses = {f"term{number}": (float(number),) * STEPS for number in range(12)} | {"total": (0.0,) * STEPS}
    many = Strip(EPISODE.model_copy(update={"courses": courses}), "t", WIDTH)
    few = Strip(EPISODE.model_copy(update={"courses": {"total": (0.0,) * STEPS}}), "t", WIDTH)
    assert round((many.height - few.height) / ROW) == 5


def test_frames_are_made_to_fit() -> None:
    for height, width in ((180, 504), (480, 480), (400, 600), (33, 20)):
        image = fit(np.full((height, width, 3), 200, dtype=np.uint8))
        assert image.width == WIDTH and image.height <= TALLEST and image.height % 2 == 0
    exact = np.arange(180 * 504 * 3, dtype=np.uint64).astype(np.uint8).reshape(180, 504, 3)
    assert np.array_equal(np.asarray(fit(exact)), exact), "a picture of the right size is left as it is"


def test_a_gif_keeps_its_pictures_times_and_small_colours() -> None:
    pictures = []
    for step in range(6):
        frame = np.random.default_rng(step).integers(90, 130, (60, 80, 1), dtype=np.uint8).repeat(3, axis=2)
        frame[10:12, 10 + step : 12 + step] = (0, 244, 244)
        pictures.append((Image.fromarray(frame), 500 if step == 5 else 100))
    with Image.open(BytesIO(gif(pictures))) as read:
        assert read.n_frames == 6  # type: ignore[attr-defined]
        for step in range(6):
            read.seek(step)
            shown = np.asarray(read.convert("RGB")).astype(int)
            assert np.abs(shown[10, 10 + step] - (0, 244, 244)).max() < 12
            assert np.abs(shown - np.asarray(pictures[step][0])).max() < 40
            assert read.info["duration"] == (500 if step == 5 else 100)


def cow() -> tuple[Task, tuple[Scene, ...]]:
    task = load_task("voxel/hunt_cow")
    env = make_env(task.env, 1)
    env.action_space.seed(0)
    recorded = [play(env, task, lambda obs, mask: env.random_actions(), seed) for seed in (0, 1)]
    env.close()
    return task, tuple(Scene(episode=with_human_reward(each), title="cow") for each in recorded)


def test_a_hundred_frames_of_a_voxel_world_are_under_three_megabytes(tmp_path: Path) -> None:
    task, scenes = cow()
    draw(Films(task=task, films=(Film(scenes=scenes[:1], out=tmp_path / "cow.gif"),)))
    assert (tmp_path / "cow.gif").stat().st_size < 3_000_000
    with Image.open(tmp_path / "cow.gif") as read:
        assert (read.n_frames, read.width) == (100, WIDTH)  # type: ignore[attr-defined]


def test_contact_sheets_of_several_episodes_are_one_picture(tmp_path: Path) -> None:
    task, scenes = cow()
    one = Film(scenes=scenes[:1], out=tmp_path / "one.png", frames=4)
    two = Film(scenes=scenes, out=tmp_path / "two.png", frames=4)
    film(Films(task=task, films=(one, two)))
    with Image.open(tmp_path / "one.png") as one, Image.open(tmp_path / "two.png") as two:
        assert two.width == one.width > 4 * 400
        assert two.height == 2 * one.height


def test_terms_are_shown_where_nothing_can_be_drawn() -> None:
    scenes = [Scene(episode=EPISODE, title="one"), Scene(episode=EPISODE, title="two")]
    with Image.open(BytesIO(strips(scenes))) as both, Image.open(BytesIO(strips(scenes[:1]))) as one:
        assert both.height == 2 * one.height == 2 * STRIP.height
        upper, lower = (np.asarray(both.convert("RGB"))[top : top + one.height] for top in (0, one.height))
        assert np.array_equal(upper[HEAD:], lower[HEAD:])
        assert has(both.convert("RGB"), MARKS["death"]).any()


@pytest.mark.parametrize("name", ["film.avi", "film", "film.jpeg"])
def test_other_endings_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"\.gif, \.mp4, \.png"):
        check_out(tmp_path / name)


def test_a_folder_or_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.gif").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        check_out(tmp_path / "a.gif")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"b\.gif cannot be written: "):
        check_out(tmp_path / "file" / "b.gif")
    check_out(tmp_path / "c.gif")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gif", "file"], "trying leaves nothing behind"


def test_a_machine_without_ffmpeg_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(UserError, match=r"no ffmpeg here.*pip install imageio-ffmpeg.*\.gif"):
        check_out(tmp_path / "film.mp4")


def test_an_ffmpeg_that_fails_is_quoted_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho no such encoder >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) + ":/usr/bin:/bin")
    with pytest.raises(UserError, match="no such encoder"):
        write_mp4(tmp_path / "film.mp4", iter([(Image.new("RGB", (504, 400)), 100)] * 40))
    assert [path.name for path in tmp_path.iterdir()] == ["ffmpeg"]


@pytest.mark.skipif(ffmpeg() is None, reason="no ffmpeg here")
def test_an_mp4_holds_every_picture(tmp_path: Path) -> None:
    write_mp4(tmp_path / "film.mp4", iter([(Image.new("RGB", (504, 400)), 100)] * 20))
    said = subprocess.run(
        [str(ffmpeg()), "-i", str(tmp_path / "film.mp4")], capture_output=True, text=True, check=False
    ).stderr
    assert "h264" in said and "504x400" in said and "00:00:02.00" in said
