"""Contact sheets: as many frames as there are moments, and no word over a frame."""

from io import BytesIO

import numpy as np
from PIL import Image

from autoreward.report.picture import Shot, contact_sheet


def test_a_short_episode_has_as_many_frames_as_moments() -> None:
    frame = np.zeros((40, 60, 3), dtype=np.uint8)
    one, eight = contact_sheet([Shot(0, frame)], False), contact_sheet([Shot(step, frame) for step in range(8)], True)
    assert one.startswith(b"\x89PNG")
    assert len(one) < len(eight)


def test_no_word_covers_a_part_of_a_frame() -> None:
    colours = [(200, 10 * place, 0) for place in range(6)]
    shots = [Shot(1000 * place, np.full((100, 320, 3), colour, dtype=np.uint8)) for place, colour in enumerate(colours)]
    with Image.open(BytesIO(contact_sheet(shots, False))) as sheet:
        counts = {colour: count for count, colour in sheet.getcolors(2**16) or ()}
    assert [counts[colour] for colour in colours] == [100 * 320] * 6
    assert len(counts) > len(colours) + 2, "steps are written beside them"
