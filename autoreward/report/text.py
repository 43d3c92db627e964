"""Numbers and texts as the page shows them."""

from __future__ import annotations

import math
import re
import unicodedata
from functools import lru_cache

from autoreward.sandbox.isolation import Isolation

_UNUSUAL = re.compile(r"[^\n\t -~]")
"""All but what is surely visible; only these are looked up, so that long texts are quick."""

UNITS = ((10**3, "k"), (10**6, "M"), (10**9, "G"), (10**12, "T"), (10**15, "P"))


def clean(text: str) -> str:
    """Text that shows what it holds: control characters go, those that reverse the reading order become visible.

    Escaping is the template's work and not done here.
    """
    return _UNUSUAL.sub(lambda found: _visible(found[0]), text)


@lru_cache(4096)
def _visible(char: str) -> str:
    kind = unicodedata.category(char)
    if kind == "Cf":
        return f"\\u{ord(char):04x}"
    return "" if kind in ("Cc", "Cs") else char


def cut(text: str, most: int) -> str:
    """A text of at most about so many characters: its beginning, how much is left out, and a last quarter.

    Args:
        text: any text.
        most: characters that stay.
    """
    if len(text) <= most:
        return text
    end = most // 4
    missing = f"[... {len(text) - most:,} of {len(text):,} characters left out ...]"
    return f"{text[: most - end]}\n{missing}\n{text[len(text) - end :]}"


def percent(value: float | None) -> str:
    """A rate; `-` where there is none."""
    return "-" if value is None else f"{100 * value:.0f}%" if value in (0, 1) else f"{100 * value:.1f}%"


def number(value: float | None) -> str:
    """A score with about four digits; `-` where there is none."""
    return "-" if value is None else f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def isolation_text(isolation: Isolation) -> str:
    """The level, what it means, and below A what was not denied or is missing."""
    if isolation.level == "A":
        return isolation.text
    found = [f"not denied: {name}" for name, denied in isolation.probes.items() if not denied]
    found += [f"without {layer}: {why}" for layer, why in isolation.missing.items()]
    return f"{isolation.text} ({'; '.join(found)})" if found else isolation.text


def faults_text(training: int, evaluation: int) -> str:
    """How many simulations blew up, and when."""
    return (
        f"simulations that blew up, which ended their episodes: {training:,} in training, {evaluation:,} in evaluations"
    )


def duration(seconds: float) -> str:
    """Seconds as `42 s`, `3:05 min` or `1:02 h`; `-` where they are no number, as a damaged record may say."""
    if not math.isfinite(seconds):
        return "-"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60}:{whole % 60:02d} min" if whole < 3600 else f"{whole // 3600}:{whole % 3600 // 60:02d} h"


def large(value: int) -> str:
    """A large number of things as `812`, `96k` or `9.6M`."""
    if value < 1000:
        return str(value)
    if value >= 10**15:
        return "over 999T"
    shown = ((f"{value / unit:.3g}", letter) for unit, letter in UNITS)
    # Three digits of 999,900 are 1,000 thousands, which is a million.
    return next(digits + letter for digits, letter in shown if "e" not in digits)
