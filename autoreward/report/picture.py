"""A contact sheet of one evaluated episode: eight frames in one PNG."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from autoreward.envs.contract import BatchEnv
from autoreward.envs.episodes import EpisodeJudge
from autoreward.envs.registry import make_env
from autoreward.records import Record, write_bytes
from autoreward.report.apart import answer, draw_apart
from autoreward.task import Task
from autoreward.training.policy import Policy
from autoreward.training.seeds import derive

FRAMES = 8
COLUMNS = 4
FRAME_WIDTH = 320
"""Pixels of one frame on the sheet."""
GAP = 6
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
    """Draw the first evaluation episode of a training as a contact sheet.

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
    env = make_env(job.task.env, 1)
    try:
        first = derive(job.seed, "final", 1)[0]
        length = sum(1 for _ in _steps(env, EpisodeJudge(job.task, env.schema, 1), policy, first))
        wanted = {int(step) for step in np.linspace(0, length, FRAMES).round()}
        env.reset(seed=first)
        shots = [Shot(0, env.render_frame())]
        # The episode again, the same by its seed: only now is it known which steps to draw. Its judge is a new one:
        # a streak of the first time must not go on into this one.
        judge = EpisodeJudge(job.task, env.schema, 1)
        shots += [Shot(step, env.render_frame()) for step in _steps(env, judge, policy, first) if step in wanted]
        success = bool(judge.finish(np.ones(1, dtype=np.bool_)).success[0])
    finally:
        env.close()
    write_bytes(job.out, contact_sheet(shots, success))


def _steps(env: BatchEnv, judge: EpisodeJudge, policy: Policy, seed: int) -> Iterator[int]:
    """Play an episode; gives the number of each step after it was taken."""
    obs, _ = env.reset(seed=seed)
    step, ended = 0, False
    while not ended:
        obs, _, terminated, truncated, _ = env.step(policy.act(obs, env.action_mask()))
        step += 1
        verdict = judge.step(env.read(judge.fields))
        ended = bool(terminated[0] or truncated[0] or verdict.ends[0])
        yield step


def contact_sheet(shots: Sequence[Shot], success: bool, cell_width: int = FRAME_WIDTH) -> bytes:
    """The frames in rows of four, each with its step, the last with how the episode ended, as PNG bytes.

    Args:
        shots: at least one, all frames of one size.
        success: whether the episode was a success.
        cell_width: pixels of one frame on the sheet.
    """
    height, width = shots[0].frame.shape[:2]
    cell_height = round(height * cell_width / width)
    rows = -(-len(shots) // COLUMNS)
    columns = min(COLUMNS, len(shots))
    sheet = Image.new("RGB", (columns * (cell_width + GAP) + GAP, rows * (cell_height + GAP) + GAP), GROUND)
    font = ImageFont.load_default(size=18)
    draw_on = ImageDraw.Draw(sheet)
    for place, shot in enumerate(shots):
        x = GAP + (place % COLUMNS) * (cell_width + GAP)
        y = GAP + (place // COLUMNS) * (cell_height + GAP)
        sheet.paste(Image.fromarray(shot.frame).resize((cell_width, cell_height), Image.Resampling.LANCZOS), (x, y))
        last = place == len(shots) - 1
        text = f"step {shot.step}" + (f": {'success' if success else 'no success'}" if last else "")
        box = draw_on.textbbox((x + 10, y + 8), text, font=font)
        draw_on.rectangle((box[0] - 6, box[1] - 4, box[2] + 6, box[3] + 4), fill=(20, 24, 31))
        draw_on.text((x + 10, y + 8), text, font=font, fill=(255, 255, 255))
    buffer = BytesIO()
    sheet.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


if __name__ == "__main__":
    answer(Path(sys.argv[1]), Path(sys.argv[2]), PictureJob, draw)
