"""The strip below an episode's pictures: its reward's terms over the steps, a cursor, and marks of what happened."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from autoreward.report.playing import SUCCESS, TOTAL, Episode
from autoreward.report.plots import COLOURS

HEAD, LANE, ROW = 17, 12, 19
"""Pixels high: the line of text, the events, one term."""
LABEL, NUMBER, COUNTER = 112, 54, 92
"""Pixels wide: the names at the left, the numbers at the right, and `step 100 of 1000` above them."""
MOST_ROWS = 6
"""Terms that are shown: the total and the largest."""
GROUND, FIELD, INK, FAINT, CURSOR = (24, 26, 32), (35, 38, 46), (228, 231, 236), (140, 146, 156), (255, 255, 255)
MARKS = {SUCCESS: (66, 214, 108), "death": (255, 60, 60), "damage": (255, 150, 40), "mined": (214, 190, 120)}
"""The later ones are drawn below the earlier ones."""
TERMS = tuple((int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)) for code in COLOURS)

Colour = tuple[int, int, int]


class Strip:
    """The strip of an episode; only cursor and numbers differ from step to step.

    Args:
        episode: with its courses.
        title: what stands at the left of the first line.
        width: in pixels.
    """

    def __init__(self, episode: Episode, title: str, width: int) -> None:
        self._episode, self._width = episode, width
        self._rows = _largest(episode)
        self._left, self._right = LABEL, width - NUMBER
        self._base = self._background(title)
        self.height = self._base.height

    def at(self, step: int) -> Image.Image:
        """The strip at a step, from 0 to the episode's end."""
        image = self._base.copy()
        pen = ImageDraw.Draw(image)
        x = self._x(step)
        pen.line([(x, HEAD), (x, self.height - 3)], fill=CURSOR)
        pen.text((self._width - 6, 3), f"step {step} of {self._episode.steps}", font=font(), fill=INK, anchor="ra")
        for row, name in enumerate(self._rows if step else ()):
            value = self._episode.courses[name][step - 1]
            place = (self._width - 5, self._top(row) + ROW // 2)
            pen.text(place, f"{value:+.3g}" if value else "0", font=font(), fill=INK if value else FAINT, anchor="rm")
        return image

    def _background(self, title: str) -> Image.Image:
        height = HEAD + LANE + ROW * len(self._rows) + 3
        image = Image.new("RGB", (self._width, height + height % 2), GROUND)
        pen = ImageDraw.Draw(image)
        seen = [event for event in MARKS if event in self._episode.marks]
        legend = sum(20 + pen.textlength(event, font=font()) for event in seen)
        shown = _short(title, pen, self._width - COUNTER - legend - 20)
        pen.text((6, 3), shown, font=font(), fill=INK)
        self._draw_marks(pen, 6 + pen.textlength(shown, font=font()) + 14)
        for row, name in enumerate(self._rows):
            self._draw_course(pen, row, name)
        return image

    def _draw_marks(self, pen: ImageDraw.ImageDraw, legend: float) -> None:
        pen.rectangle((self._left, HEAD, self._right, HEAD + LANE - 2), fill=FIELD)
        for event, colour in reversed(MARKS.items()):
            for step in self._episode.marks.get(event, ()):
                x = self._x(step)
                pen.rectangle((x - 1, HEAD, x + 1, HEAD + LANE - 2), fill=colour)
        for event in (event for event in MARKS if event in self._episode.marks):
            pen.rectangle((legend, 6, legend + 6, 12), fill=MARKS[event])
            pen.text((legend + 10, 3), event, font=font(), fill=FAINT)
            legend += 20 + pen.textlength(event, font=font())

    def _draw_course(self, pen: ImageDraw.ImageDraw, row: int, name: str) -> None:
        """One term as bars from zero, on a scale of its own."""
        top, colour = self._top(row), INK if name == TOTAL else TERMS[row % len(TERMS)]
        pen.text((6, top + ROW // 2), _short(name, pen, LABEL - 12), font=font(), fill=colour, anchor="lm")
        pen.rectangle((self._left, top + 1, self._right, top + ROW - 2), fill=FIELD)
        values = np.array(self._episode.courses[name])
        high, low = max(values.max(initial=0.0), 0.0), min(values.min(initial=0.0), 0.0)
        if not values.any():
            high, low = 1.0, -1.0
        span = high - low
        room = ROW - 5

        def level(value: float) -> int:
            return top + 2 + round(float((high - value) / span) * room)

        steps = len(values)
        for x in range(self._left + 1, self._right + 1):
            first = min(int((x - self._left - 1) / (self._right - self._left) * steps), steps - 1)
            last = max(int((x - self._left) / (self._right - self._left) * steps), first + 1)
            here = values[first:last]
            ends = sorted((level(max(here.max(), 0.0)), level(min(here.min(), 0.0))))
            if here.any():
                pen.line([(x, ends[0]), (x, ends[1])], fill=colour)
        pen.line([(self._left, level(0.0)), (self._right, level(0.0))], fill=FAINT)

    def _top(self, row: int) -> int:
        return HEAD + LANE + row * ROW

    def _x(self, step: int) -> int:
        return self._left + round(step / max(self._episode.steps, 1) * (self._right - self._left))


def _largest(episode: Episode) -> list[str]:
    """The total, and the terms that weigh most, in their own order."""
    weight = {name: float(np.abs(values).sum()) for name, values in episode.courses.items()}
    kept = sorted(weight, key=lambda name: (name != TOTAL, -weight[name]))[:MOST_ROWS]
    return [name for name in episode.courses if name in kept]


def _short(name: str, pen: ImageDraw.ImageDraw, room: float) -> str:
    """As much of a name as there is room for; what comes from a language model may hold anything."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in name[:200])
    if pen.textlength(shown, font=font()) <= room:
        return shown
    while shown and pen.textlength(shown + "...", font=font()) > room:
        shown = shown[:-1]
    return shown + "..."


@functools.cache
def font(size: int = 11) -> Any:  # noqa: ANN401 - PIL gives one kind or another
    """Pillow's own, so that strips look alike on every machine."""
    return ImageFont.load_default(size=size)
