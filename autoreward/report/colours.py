"""Programs with syntax colours, and what differs between two of them, as markup that is safe to show.

Covered: every character of a program is escaped here, whatever it says; control characters are made visible first; long
programs are shown without colours and not compared, so that none can hold up the page.
"""

from __future__ import annotations

import difflib
import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

from autoreward.report.text import clean, cut

MOST_CHARACTERS = 40_000
"""Of a program that is coloured."""
MOST_LINES = 1_000
"""Of programs that are compared."""
CONTEXT = 3
"""Lines shown around each difference."""


@dataclass(frozen=True)
class DiffLine:
    """One line of a difference."""

    kind: Literal["same", "old", "new", "gap"]
    html: Markup


def python(source: str, most: int = MOST_CHARACTERS) -> list[Markup]:
    """The lines of a program, each markup of its own.

    Args:
        source: the program.
        most: characters that are shown.
    """
    lines = source.split("\n")
    by_lines = len(source) <= MOST_CHARACTERS and max(map(len, lines)) <= most // 4
    shown = clean(source if by_lines else cut(source, most)).strip("\n")
    plain = [escape(line) for line in shown.split("\n")]
    if len(shown) > MOST_CHARACTERS:
        return plain
    coloured = [Markup(line) for line in _coloured(shown).removesuffix("\n").split("\n")]
    found = coloured if len(coloured) == len(plain) else plain
    return _cut_lines(found, [len(line) + 1 for line in plain], most) if by_lines else found


def _cut_lines(lines: list[Markup], lengths: list[int], most: int) -> list[Markup]:
    """As `cut` does with a text: the beginning, how much is left out, and a last quarter, in whole lines."""
    if sum(lengths) <= most:
        return lines
    head = sum(total <= most - most // 4 for total in itertools.accumulate(lengths))
    tail = sum(total <= most // 4 for total in itertools.accumulate(reversed(lengths)))
    missing = Markup(f"[... {len(lines) - head - tail:,} of {len(lines):,} lines left out ...]")
    return [*lines[:head], missing, *lines[len(lines) - tail :]]


@functools.lru_cache(maxsize=128)  # a page that is too large is made once more, with less of its longest texts
def _coloured(source: str) -> str:
    from pygments import highlight
    from pygments.formatters.html import HtmlFormatter  # `pygments.lexers` replaces itself as it is imported: another
    from pygments.lexers.python import PythonLexer  # run's thread may find the one that knows no names

    return highlight(source, PythonLexer(stripnl=False, ensurenl=False), HtmlFormatter(nowrap=True, classprefix="p-"))


def difference(old: list[Markup], new: list[Markup]) -> tuple[DiffLine, ...]:
    """What changed from one program to another, with some lines around each change.

    Args:
        old: the lines of the one, as `python` gives them.
        new: those of the other.

    Returns:
        The lines; none where nothing changed, or the programs are too long.
    """
    if max(len(old), len(new)) > MOST_LINES:
        return ()
    return tuple(_lines(old, new))


def _lines(old: list[Markup], new: list[Markup]) -> Iterator[DiffLine]:
    groups = difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(CONTEXT)
    for place, group in enumerate(groups):
        if place or group[0][1] > 0:
            yield DiffLine("gap", Markup(f"line {group[0][3] + 1}"))
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                yield from (DiffLine("same", line) for line in new[new_from:new_to])
                continue
            yield from (DiffLine("old", line) for line in old[old_from:old_to])
            yield from (DiffLine("new", line) for line in new[new_from:new_to])
