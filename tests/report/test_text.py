"""Texts as the page shows them."""

import math
import sys
import unicodedata

from autoreward.report.text import clean, cut, duration, large


def test_every_character_is_shown_dropped_or_named() -> None:
    for code in range(sys.maxunicode + 1):
        char, kind = chr(code), unicodedata.category(chr(code))
        if kind in ("Cc", "Cs") and char not in "\n\t":
            assert clean(char) == ""
        elif kind == "Cf":
            assert clean(char) == f"\\u{code:04x}"
        elif code % 97 == 0 or code < 512 or char in "\n\t":
            assert clean(char) == char


def test_a_cut_text_keeps_both_ends_and_says_how_much_is_missing() -> None:
    text = "a" * 60 + "b" * 60
    shown = cut(text, 40)
    assert shown == "a" * 30 + "\n[... 80 of 120 characters left out ...]\n" + "b" * 10
    assert cut(text, 120) == text
    assert cut(text, 0).strip() == "[... 120 of 120 characters left out ...]"


def test_large_numbers_are_short() -> None:
    assert [large(value) for value in (0, 812, 96_200, 9_600_000, 2 * 10**9)] == ["0", "812", "96.2k", "9.6M", "2G"]
    assert [large(value) for value in (999, 1000, 999_400, 999_936, 999_999_999)] == ["999", "1k", "999k", "1M", "1G"]


def test_what_no_run_can_have_spent_is_shown_all_the_same() -> None:
    """A record from elsewhere may say anything, and a table over many runs shows it."""
    assert [duration(value) for value in (math.nan, math.inf, -math.inf)] == ["-", "-", "-"]
    assert large(10**400) == "over 999T"
    assert large(-1) == "-1"
