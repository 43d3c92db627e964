"""A contact sheet of one episode: some of its frames in one PNG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

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


@dataclass(frozen=True)
class Shot:
    """One moment of the episode."""

    step: int
    frame: Frame
    """[H, W, 3]."""


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
