"""Reads what an environment's docstring says of itself, without what it says of its reward."""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from autoreward.envs.withheld import open_part, text_is_withheld
from autoreward.language.expressions import RESERVED

_DROPPED = re.compile(
    r"reward|argument|parameter|version|vector|credit|reference|citation|render|install|usage|example|score|scoring",
    re.IGNORECASE,
)
_LONGEST = 8000
"""Characters of a description."""
_UNITS = ("rad/s", "m/s", "N m", "rad", "m", "N", "s", "kg")


@dataclass(frozen=True)
class Section:
    """A heading with the lines below it."""

    level: int
    heading: str
    lines: tuple[str, ...]

    @property
    def told(self) -> bool:
        """Whether a Designer may be told of it."""
        return _DROPPED.search(self.heading) is None


@dataclass(frozen=True)
class ObservationRow:
    """A row of the table of observations."""

    meaning: str
    low: float | None
    high: float | None
    unit: str


def sections(doc: str | None) -> list[Section]:
    """The docstring's sections, those that are withheld left out together with their subsections."""
    found: list[tuple[int, str, list[str]]] = [(1, "", [])]
    for level, heading, line in _marked(_without_code(inspect.cleandoc(doc or "").splitlines())):
        if heading is not None:
            found.append((level, heading, []))
        else:
            found[-1][2].append(line)
    kept, hidden = [], 99
    for level, heading, lines in found:
        section = Section(level, heading, tuple(lines))
        if level <= hidden:
            hidden = 99 if section.told else level
        if hidden == 99:
            kept.append(section)
    return kept


def _without_code(lines: Iterable[str]) -> Iterator[str]:
    inside = False
    for line in lines:
        if line.strip().startswith("```"):
            inside = not inside
        elif not inside and not line.strip().startswith((">>>", "![")):
            yield line.rstrip()


def _marked(lines: Iterable[str]) -> Iterator[tuple[int, str | None, str]]:
    """(level, heading or None, line): `## Heading`, `Heading:` alone, `**Heading**` alone, or an underlined line."""
    text = list(lines)
    hanging: int | None = None  # indentation of a `Heading:` whose section is the indented block below it
    for position, line in enumerate(text):
        bare = line.strip()
        indent = len(line) - len(line.lstrip())
        if hanging is not None and bare and indent <= hanging:
            hanging = None
            yield 9, "", ""
        if match := re.match(r"(#+)\s*(.*)", bare):
            yield len(match[1]), match[2].strip(" #*:"), ""
        elif re.fullmatch(r"[-=~]{3,}", bare):
            continue
        elif position + 1 < len(text) and bare and re.fullmatch(r"[-=~]{3,}", text[position + 1].strip()):
            yield 8, bare.strip("*: "), ""
        elif re.fullmatch(r"\*{2,3}[\w ]{1,40}:?\*{2,3}:?", bare) or re.fullmatch(r"[A-Z]\w*( \w+){0,2}:", bare):
            below = next((entry for entry in text[position + 1 :] if entry.strip()), "")
            hanging = indent if len(below) - len(below.lstrip()) > indent else None
            yield 9, bare.strip("*: "), ""
        else:
            yield 0, None, line


def description(doc: str | None) -> str:
    """What a Designer is told of the environment; tables of observations are left to the fields."""
    parts = []
    for section in sections(doc):
        drop_tables = "observation" in section.heading.lower()
        blocks = [text for text in (_told(block, drop_tables) for block in _blocks(section.lines)) if text]
        if blocks:
            parts.append("\n".join([f"## {section.heading}", *blocks] if section.heading else blocks))
    return "\n\n".join(parts)[:_LONGEST]


def _blocks(lines: Iterable[str]) -> list[str]:
    """Paragraphs, list items and table rows, each on one line."""
    blocks: list[str] = []
    fresh = True
    for line in lines:
        bare = line.strip()
        if not bare:
            fresh = True
        elif fresh or bare.startswith("|") or re.match(r"([-*]|\d+[.)])\s", bare) or blocks[-1].startswith("|"):
            blocks.append(bare)
            fresh = False
        else:
            blocks[-1] += " " + bare
    return blocks


def _told(block: str, drop_tables: bool) -> str:
    if block.startswith("|"):
        hidden = drop_tables or re.fullmatch(r"[|:\s-]+", block) or text_is_withheld(block)
        return "" if hidden else "| " + " | ".join(_cells(block)) + " |"
    return open_part(block)


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def _first_table(found: Iterable[Section], wanted: str) -> tuple[list[str], list[list[str]]]:
    """Header (lower case) and rows of the first numbered table in the section that `wanted` names."""
    for section in found:
        if wanted not in section.heading.lower():
            continue
        rows: list[list[str]] = []
        header: list[str] = []
        for line in (*section.lines, ""):
            if not line.strip().startswith("|"):
                if rows:
                    return header, rows
                continue
            cells = _cells(line)
            if "num" in (cell.lower() for cell in cells):
                header, rows = [cell.lower() for cell in cells], []
            elif header and cells[0].isdigit() and int(cells[0]) == len(rows) and len(cells) >= 2:
                rows.append(cells + [""] * (len(header) - len(cells)))
    return [], []


def observation_rows(doc: str | None) -> list[ObservationRow]:
    """The rows of the first table of observations, in order; empty where there is none that reads."""
    header, rows = _first_table(sections(doc), "observation")

    def cell(row: list[str], *names: str) -> str:
        return next((row[index] for index, title in enumerate(header) if any(name in title for name in names)), "")

    return [
        ObservationRow(
            meaning=(cell(row, "observation") or row[1]).replace("`", "").replace("*", ""),
            low=_number(cell(row, "min")),
            high=_number(cell(row, "max")),
            unit=_unit(cell(row, "unit")) or _unit(cell(row, "min")),
        )
        for row in rows
    ]


def action_meaning(doc: str | None) -> str:
    """What the actions do, from the table or the list in the section on actions."""
    found = sections(doc)
    header, rows = _first_table(found, "action")
    if rows:
        column = next((index for index, title in enumerate(header) if "action" in title), 1)
        told = [f"{row[0]}: {row[column]}" for row in rows]
    else:
        lines = [line.strip() for section in found if "action" in section.heading.lower() for line in section.lines]
        told = [line[2:].strip() for line in lines if re.match(r"[-*] `?\d+`?\s*[:=]", line)]
    return "; ".join(entry for entry in told if not text_is_withheld(entry))


def _number(cell: str) -> float | None:
    match = re.search(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", cell, re.IGNORECASE)
    return float(match[0]) if match and "inf" not in cell.lower() else None


def _unit(cell: str) -> str:
    inside = re.findall(r"\(([^()]*)\)", cell) + re.findall(r"\d\s+(\S+)", cell) + [cell]
    return next((unit for text in inside for unit in _UNITS if text.strip() == unit), "")


def identifier(text: str, taken: Collection[str] = ()) -> str:
    """A readable field name: `angular velocity of the thigh hinge` gives `thigh_hinge_angular_velocity`."""
    text = re.sub(r"(?<=\s)\([^()]*\)", " ", " " + text.lower())  # remarks, but not the argument of cos(theta)
    text = re.sub(r"\s-\s", " minus ", text)
    text = re.sub(r"\balong\b.*", " ", text)
    parts = [re.sub(r"\b(the|a|an|its|this)\b", " ", part) for part in re.split(r"\bof\b", text)]
    words = [word for part in reversed(parts) for word in re.findall(r"[a-z0-9]+", part.replace("'s", " "))]
    name = "_".join(words) or "value"
    if not name[0].isalpha() or keyword.iskeyword(name) or name in RESERVED:
        name = f"field_{name}"
    if name not in taken:
        return name
    return next(f"{name}_{count}" for count in range(2, len(taken) + 3) if f"{name}_{count}" not in taken)
