"""Programs in colours: the same text, whatever it says, and what differs between two."""

import html
import re

import pytest
from markupsafe import Markup

from autoreward.report.colours import MOST_CHARACTERS, MOST_LINES, difference, python
from autoreward.testing.hostile import prying

PROGRAM = '''IDEA = "x < 1 & y"

def compute_reward(state, action, next_state, memory):
    text = """two
    lines"""
    return {"a": state["x"] ** 2}  # why
'''


def text_of(lines: list[Markup]) -> str:
    return html.unescape(re.sub(r"</?span[^>]*>", "", "\n".join(lines)))


@pytest.mark.parametrize("source", [PROGRAM, "\t\n\n'''never closed\n<b>", "", "def (: \\", *prying("/x").values()])
def test_colours_change_no_character(source: str) -> None:
    assert text_of(python(source)) == source.strip("\n")


def test_each_line_is_markup_of_its_own() -> None:
    lines = python(PROGRAM)
    assert len(lines) == len(PROGRAM.strip("\n").split("\n"))
    assert all(line.count("<span") == line.count("</span>") for line in lines)
    assert any('class="p-k"' in line for line in lines)


def test_only_spans_come_out() -> None:
    lines = python('<script>alert("x")</script>\n# <img src=x onerror=y>')
    assert set(re.findall(r"<(/?\w+)", "".join(lines))) == {"span", "/span"}


def test_a_program_of_great_length_is_plain_and_cut() -> None:
    lines = python("x = 1\n" * MOST_CHARACTERS, most=2 * MOST_CHARACTERS)
    assert "left out" in text_of(lines)
    assert not any("<span" in line for line in lines)


def test_what_is_cut_of_a_program_are_whole_lines() -> None:
    whole = python("".join(f"a{line} = {line}\n" for line in range(400)))
    lines = python("".join(f"a{line} = {line}\n" for line in range(400)), most=1_000)
    place = next(at for at, line in enumerate(lines) if "left out" in line)
    rest = len(lines) - place - 1
    assert lines[place] == f"[... {400 - place - rest} of 400 lines left out ...]"
    assert (lines[:place], lines[place + 1 :]) == (whole[:place], whole[-rest:])
    assert 900 < len(text_of(lines)) < 1_100
    assert "characters left out" in text_of(python("x" * 2_000, most=1_000)), "of a long line, a part"


def test_a_difference_shows_what_changed_and_some_lines_around_it() -> None:
    old = [Markup(str(line)) for line in range(30)]
    new = [*old[:12], Markup("twelve"), *old[13:]]
    shown = difference(old, new)
    assert [(line.kind, str(line.html)) for line in shown if line.kind in ("old", "new")] == [
        ("old", "12"),
        ("new", "twelve"),
    ]
    assert [str(line.html) for line in shown if line.kind == "same"] == ["9", "10", "11", "13", "14", "15"]
    assert shown[0].kind == "gap"
    assert shown[0].html == "line 10"


def test_equal_and_endless_programs_are_not_compared() -> None:
    lines = [Markup("x")] * 5
    assert difference(lines, lines) == ()
    assert difference(lines, [Markup("y")] * (MOST_LINES + 1)) == ()
