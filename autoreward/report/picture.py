"""A contact sheet of one evaluated episode: eight frames in one PNG."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from autoreward.envs.registry import make_env
from autoreward.records import Record, write_bytes
from autoreward.report.apart import answer, draw_apart
from autoreward.report.playing import evenly, frames, play, player
from autoreward.task import Task
from autoreward.training.policy import Policy
from autoreward.training.seeds import derive

FRAMES = 8
COLUMNS = 4
FRAME_WIDTH = 320
"""Pixels of one frame on the sheet; panels side by side keep their own width, to stay legible."""
GAP = 6
CAPTION = 26
"""Pixels of the line above each frame: on the frame it would hide what an environment itself writes there."""
INK = (20, 24, 31)
GROUND = (176, 182, 191)
"""Between the frames: neither white nor black, as frames are."""

Frame = NDArray[np.uint8]


class PictureJob(Record):
    """What the drawing process is told."""

    task: Task
    policy: Path
    out: Path
    seed: int


@dataclass(frozen=True)
class Shot:
    """One moment of the episode."""

    step: int
    frame: Frame
    """[H, W, 3]."""


def rollout_picture(task: Task, policy: Path, out: Path, seed: int) -> None:
    """Draw the first episode of a training's evaluation for the report as a contact sheet.

    Where actions are drawn by their probabilities, it is one that the policy plays from the same start.

    Args:
        task: what the policy was trained for.
        policy: its safetensors file.
        out: where the PNG goes.
        seed: of the training; its evaluation episodes derive from it.

    Raises:
        UserError: the environment cannot be drawn on this machine; the message says what is missing.
    """
    Policy.load(policy)
    job = PictureJob(task=task, policy=policy.resolve(), out=out.resolve(), seed=seed)
    draw_apart("autoreward.report.picture", job, task.env.id)


def draw(job: PictureJob) -> None:
    """Draw in this process: what the process of `rollout_picture` does.

    Raises:
        UserError: the policy or the environment does not do it.
    """
    policy = Policy.load(job.policy)
    env = make_env(job.task.env.used_for("report"), 1)
    try:
        first = derive(job.seed, "final", 1)[0]
        episode = play(env, job.task, player(env, job.task, policy, first), first).episode
        # The episode again, the same by its seed: only now is it known which steps to draw.
        shots = [Shot(step, frame) for step, frame in frames(env, episode, evenly(episode.steps, FRAMES))]
    finally:
        env.close()
    write_bytes(job.out, contact_sheet(shots, episode.success))


def contact_sheet(shots: Sequence[Shot], success: bool) -> bytes:
    """The frames in rows of four, each with its step, the last with how the episode ended, as PNG bytes.

    Args:
        shots: at least one, all frames of one size.
        success: whether the episode was a success.
    """
    height, width = shots[0].frame.shape[:2]
    cell_width = width if width > 2 * height else FRAME_WIDTH
    cell_height = round(height * cell_width / width)
    rows = -(-len(shots) // COLUMNS)
    columns = min(COLUMNS, len(shots))
    row_height = CAPTION + cell_height + GAP
    sheet = Image.new("RGB", (columns * (cell_width + GAP) + GAP, rows * row_height), GROUND)
    font = ImageFont.load_default(size=18)
    pen = ImageDraw.Draw(sheet)
    for place, shot in enumerate(shots):
        x, y = GAP + (place % COLUMNS) * (cell_width + GAP), (place // COLUMNS) * row_height
        last = place == len(shots) - 1
        text = f"step {shot.step}" + (f": {'success' if success else 'no success'}" if last else "")
        pen.text((x, y + CAPTION // 2), text, font=font, fill=INK, anchor="lm")
        frame = Image.fromarray(shot.frame).resize((cell_width, cell_height), Image.Resampling.LANCZOS)
        sheet.paste(frame, (x, y + CAPTION))
    buffer = BytesIO()
    sheet.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


if __name__ == "__main__":
    answer(Path(sys.argv[1]), Path(sys.argv[2]), PictureJob, draw)
