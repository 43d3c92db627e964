"""Episodes as a GIF, an MP4 (where ffmpeg is there) or contact sheets in a PNG, with a strip of the reward below.

They are played again from seed and actions in a process of their own, and drawn as they go.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from autoreward.envs.contract import BatchEnv
from autoreward.envs.registry import make_env
from autoreward.errors import UserError
from autoreward.records import Record, write_bytes
from autoreward.report.apart import answer, draw_apart
from autoreward.report.picture import FRAMES, Shot, contact_sheet
from autoreward.report.playing import Episode, evenly, frames
from autoreward.report.strip import FAINT, FIELD, GROUND, INK, MARKS, TERMS, Strip
from autoreward.task import Task

MOST_FRAMES = {".gif": 100, ".mp4": 2000, ".png": FRAMES}
"""Of a file (`.png`: of an episode), where the user does not say: what GIFs hold in under 3 MB."""
WIDTH, TALLEST = 504, 378
"""Pixels that a picture is made to fit into where it is larger: a voxel world's panels as they are."""
STEP_MS, END_MS = 100, 1600
"""Milliseconds that a frame and the last one of an episode are shown."""
KEPT = (*MARKS.values(), *TERMS, GROUND, FIELD, INK, FAINT, (255, 255, 255), (238, 44, 20), (0, 244, 244))
"""Colours that every GIF has: the strip's, and a map's lava and target, which are small and matter."""
COLOURS = 255 - len(KEPT)
"""That a GIF chooses for itself."""


class Scene(Record):
    """An episode in a film."""

    episode: Episode
    title: str
    """What stands at the left of the strip's first line."""


class Film(Record):
    """One file."""

    scenes: tuple[Scene, ...]
    """One after the other."""
    out: Path
    frames: int | None = None
    """At most so many pictures; None: `MOST_FRAMES`."""


class Films(Record):
    """What the drawing process is told."""

    task: Task
    films: tuple[Film, ...]


def film(job: Films) -> None:
    """Draw films in a process of its own.

    Raises:
        UserError: they cannot be drawn on this machine, or not written; the message says why.
    """
    steps = sum(scene.episode.steps for one in job.films for scene in one.scenes)
    draw_apart("autoreward.report.video", job, job.task.env.id, 120 + 0.5 * steps)


def check_out(out: Path) -> None:
    """Refuse, before anything is played, a file that could not be written.

    Raises:
        UserError: its ending is none of a film's, ffmpeg is missing for it, or its folder cannot be written.
    """
    if out.suffix.lower() not in MOST_FRAMES:
        raise UserError(f"--out {out}: end its name with {', '.join(MOST_FRAMES)}")
    if out.is_dir():
        raise UserError(f"--out {out} is a folder; name a file")
    if out.suffix.lower() == ".mp4" and ffmpeg() is None:
        raise UserError(
            f"--out {out}: there is no ffmpeg here; type apt install ffmpeg or pip install imageio-ffmpeg, "
            "or end the name with .gif"
        )
    try:
        write_bytes(probe := out.with_name(f".{out.name}.probe"), b"")
        probe.unlink()
    except OSError as error:
        raise UserError(f"--out {out} cannot be written: {error.strerror or error}") from None


def ffmpeg() -> str | None:
    """The path of an ffmpeg: the machine's, or that of the package imageio-ffmpeg."""
    if (found := shutil.which("ffmpeg")) is not None:
        return found
    with contextlib.suppress(ImportError, RuntimeError):
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    return None


def draw(job: Films) -> None:
    """Draw in this process: what the process of `film` does."""
    env = make_env(job.task.env, 1)
    try:
        for one in job.films:
            _write(env, one)
    finally:
        env.close()


def _write(env: BatchEnv, one: Film) -> None:
    kind = one.out.suffix.lower()
    most = one.frames or MOST_FRAMES[kind]
    if kind == ".png":
        write_bytes(one.out, _sheets(env, one.scenes, most))
    elif kind == ".gif":
        write_bytes(one.out, gif(list(_pictures(env, one.scenes, most // len(one.scenes)))))
    else:
        write_mp4(one.out, _pictures(env, one.scenes, most // len(one.scenes)))


Picture = tuple[Image.Image, int]
"""With the milliseconds that it is shown."""


def _pictures(env: BatchEnv, scenes: Sequence[Scene], count: int) -> Iterator[Picture]:
    for scene in scenes:
        strip: Strip | None = None
        for step, frame in frames(env, scene.episode, evenly(scene.episode.steps, count)):
            fitted = fit(frame)
            strip = strip or Strip(scene.episode, scene.title, fitted.width)
            yield stacked([fitted, strip.at(step)]), END_MS if step == scene.episode.steps else STEP_MS


def _sheets(env: BatchEnv, scenes: Sequence[Scene], count: int) -> bytes:
    """Each episode's contact sheet with its strip, one below the other."""
    parts: list[Image.Image] = []
    for scene in scenes:
        episode = scene.episode
        shots = [Shot(step, frame) for step, frame in frames(env, episode, evenly(episode.steps, count))]
        sheet = contact_sheet(shots, episode.success)
        parts.append(Image.open(BytesIO(sheet)).convert("RGB"))
        parts.append(Strip(episode, scene.title, parts[-1].width).at(episode.steps))
    return png(parts)


def strips(scenes: Sequence[Scene]) -> bytes:
    """The strips alone, one below the other, as PNG: what can be shown where nothing can be drawn."""
    return png([Strip(scene.episode, scene.title, 2 * WIDTH).at(scene.episode.steps) for scene in scenes])


def png(parts: Sequence[Image.Image]) -> bytes:
    """Pictures one below the other, as the bytes of a PNG."""
    buffer = BytesIO()
    stacked(parts).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def fit(frame: NDArray[np.uint8]) -> Image.Image:
    """A frame [H, W, 3] as a picture that is `WIDTH` wide: smaller, or with ground at its sides."""
    image = Image.fromarray(frame)
    scale = min(WIDTH / image.width, TALLEST / image.height, 1.0)
    if scale < 1.0:
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    ground = Image.new("RGB", (WIDTH, image.height + image.height % 2), GROUND)
    ground.paste(image, ((WIDTH - image.width) // 2, 0))
    return ground


def stacked(parts: Sequence[Image.Image]) -> Image.Image:
    """Pictures one below the other."""
    whole = Image.new("RGB", (max(part.width for part in parts), sum(part.height for part in parts)), GROUND)
    top = 0
    for part in parts:
        whole.paste(part, (0, top))
        top += part.height
    return whole


def gif(pictures: Sequence[Picture]) -> bytes:
    """An animated GIF, repeated for ever, in colours that are the same in all of its pictures."""
    palette = _palette([image for image, _ in pictures])
    drawn = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image, _ in pictures]
    buffer = BytesIO()
    drawn[0].save(
        buffer,
        format="GIF",
        save_all=True,
        append_images=drawn[1:],
        duration=[shown for _, shown in pictures],
        loop=0,
        optimize=False,
    )
    return buffer.getvalue()


def _palette(images: Sequence[Image.Image]) -> Image.Image:
    """The colours that suit some of the pictures best, and `KEPT`, as an image with that palette."""
    some = np.concatenate([np.asarray(images[place])[::2, ::2].reshape(-1, 3) for place in evenly(len(images) - 1, 24)])
    found, counts = np.unique(some // 4, axis=0, return_counts=True)
    # By the root of how often they are seen: walls of grey would leave no colours for the glow of a little lava.
    told = np.repeat(found * 4 + 2, np.ceil(np.sqrt(counts)).astype(int), axis=0).astype(np.uint8)
    best = Image.fromarray(told[None]).quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    own: list[int] = [int(part) for part in best.getpalette() or []][: 3 * COLOURS]
    palette = Image.new("P", (1, 1))
    palette.putpalette(own + [part for colour in KEPT for part in colour])
    return palette


def write_mp4(out: Path, pictures: Iterator[Picture]) -> None:
    """Write H.264 by ffmpeg; a picture that is shown longer is written several times.

    Raises:
        UserError: ffmpeg is not there, or did not do it.
    """
    program = ffmpeg()
    if program is None:
        raise UserError("there is no ffmpeg here")
    process: subprocess.Popen[bytes] | None = None
    unfinished = out.with_name(f".{out.name}.unfinished.mp4")
    try:
        for image, shown in pictures:
            process = process or _encoder(program, image, unfinished)
            assert process.stdin is not None
            process.stdin.write(image.tobytes() * max(shown // STEP_MS, 1))
        said = process.communicate()[1] if process else b""
    except BrokenPipeError:
        said = process.communicate()[1] if process else b""
    if process is None or process.returncode or not unfinished.exists():
        unfinished.unlink(missing_ok=True)
        words: Any = said.decode(errors="replace").split()
        raise UserError(f"ffmpeg did not write {out}: {' '.join(words[-30:])}")
    unfinished.replace(out)


def _encoder(program: str, image: Image.Image, out: Path) -> subprocess.Popen[bytes]:
    size, rate = f"{image.width}x{image.height}", str(1000 / STEP_MS)
    given = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", rate, "-i", "-"]
    wanted = ["-an", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "20", "-movflags", "+faststart"]
    return subprocess.Popen(
        [program, "-y", "-loglevel", "error", *given, *wanted, str(out)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


if __name__ == "__main__":
    answer(Path(sys.argv[1]), Path(sys.argv[2]), Films, draw)
