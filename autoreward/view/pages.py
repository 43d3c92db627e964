"""The pages as HTML. Every text of a run is cut, cleaned and escaped, as in its report."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote
from weakref import WeakKeyDictionary

from markupsafe import Markup, escape

from autoreward.report.colours import DiffLine, python
from autoreward.report.comparison import Comparison
from autoreward.report.page import PARTS as REPORT_PARTS
from autoreward.report.text import clean, cut, duration, large, number, percent
from autoreward.view.brief import STATES, Brief
from autoreward.view.sparkline import sparkline

if TYPE_CHECKING:
    import jinja2

PARTS = Path(__file__).parent / "parts"
MOST_CHARACTERS = 4_000
"""Of any one text that is shown."""
MOST_OF_WORD = 24
"""Characters of what is never broken."""
_LEADING = re.compile(rb"<(?:meta|link|base|i?frame|object|embed)\b", re.IGNORECASE)
"""By which a page loads something or leads elsewhere without a script; after its head, a report has none."""
_ROWS: WeakKeyDictionary[Brief, Markup] = WeakKeyDictionary()


def table_page(briefs: Sequence[Brief], root: Path, version: str) -> bytes:
    """The table of all runs.

    Args:
        briefs: the runs, in the order in which they are shown.
        root: the runs folder.
        version: of the table, for the page to ask what is new.
    """
    levels = sorted({brief.level for brief in briefs if brief.level})
    return _rendered(
        "table.html.j2",
        rows=[row(brief) for brief in briefs],
        summary=summary(briefs),
        tasks=sorted({brief.task for brief in briefs if brief.task}),
        states=STATES,
        levels=levels,
        root=str(root),
        version=version,
    )


def row(brief: Brief) -> Markup:
    """A run as a row of the table; drawn once."""
    if brief not in _ROWS:
        human = brief.human.mean if brief.human else None
        spark = sparkline(brief.rounds, brief.planned, None if brief.scores else human)
        shown = {"run": brief, "key": quoted(brief.key), "human": human, "spark": spark}
        _ROWS[brief] = Markup(_environment().get_template("row.html.j2").render(shown))
    return _ROWS[brief]


def summary(briefs: Sequence[Brief]) -> Markup:
    """What the runs are together."""
    compared = [brief for brief in briefs if brief.gain is not None]
    return Markup(
        _environment()
        .get_template("summary.html.j2")
        .render(
            total=len(briefs),
            states=Counter(brief.state for brief in briefs),
            compared=len(compared),
            standings=Counter(brief.standing for brief in compared),
            seconds=sum(brief.spent.wall_seconds for brief in briefs),
            steps=sum(brief.spent.env_steps for brief in briefs),
            tokens=sum(brief.spent.llm_tokens for brief in briefs),
            usd=sum(brief.spent.llm_usd or 0.0 for brief in briefs),
        )
    )


def message_page(title: str, text: str, *, again: bool = False) -> bytes:
    """A page that says something.

    Args:
        title: in a few words.
        text: the rest.
        again: whether the browser asks again in a moment.
    """
    return _rendered("message.html.j2", title=title, text=text, again=again)


def comparison_page(comparison: Comparison, home: str = "") -> bytes:
    """Runs side by side, as one page that loads nothing.

    Args:
        comparison: what is told of them.
        home: address of the table, and beginning of those of the reports; empty where the page is a file of its own.
    """
    return _rendered("compare.html.j2", found=comparison, home=home, css=Markup(style()), policy=comparison_policy())


def breakable(name: str) -> Markup:
    """A name that is broken after `_` and `/` rather than within its words, where they are words."""
    parts = re.split(r"(?<=[_/])", clean(name))
    words = (
        escape(part) if len(part) > MOST_OF_WORD else Markup(f'<span class="word">{escape(part)}</span>')
        for part in parts
    )
    return Markup("<wbr>").join(words)


def diff_lines(diff: Sequence[str]) -> list[DiffLine]:
    """The lines of a unified diff, in colours."""
    body = [line for line in diff[2:] if line]
    plain = [escape(clean(line[1:])) for line in body]
    coloured = python("\n".join(line[1:] for line in body))
    kinds: dict[str, Literal["new", "old", "gap"]] = {"+": "new", "-": "old", "@": "gap"}
    lines = coloured if len(coloured) == len(plain) else plain
    return [DiffLine(kinds.get(line[0], "same"), html) for line, html in zip(body, lines, strict=True)]


def style() -> str:
    """The style sheet of the pages here: that of the report, and what is added."""
    return (REPORT_PARTS / "report.css").read_text() + (PARTS / "view.css").read_text()


def script() -> str:
    """The script of the table."""
    return (PARTS / "view.js").read_text()


def comparison_policy() -> str:
    """What the comparison's page may load: its own style sheet, known by its hash."""
    return f"default-src 'none'; style-src '{digest(style())}'; base-uri 'none'; form-action 'none'"


def is_report(page: bytes) -> bool:
    """Whether a stored page is one that this version would write with the same looks, as far as that can be told.

    One from elsewhere could begin otherwise, and lead the browser to another site by itself, which no policy forbids.
    """
    template = (REPORT_PARTS / "page.html.j2").read_text().partition("#}\n")[2].partition("<title>")[0]
    names = {f"{{{{ {kind}_hash }}}}": digest((REPORT_PARTS / f"report.{kind}").read_text()) for kind in ("css", "js")}
    for name, found in names.items():
        template = template.replace(f"sha256-{name}", found)
    head = template.encode()
    return page.startswith(head) and not _LEADING.search(page, len(head))


def report_policy() -> str:
    """What a report may load: the script and the style sheet of this version, known by their hashes, and pictures."""
    script_, style_ = (digest((REPORT_PARTS / f"report.{kind}").read_text()) for kind in ("js", "css"))
    return (
        f"default-src 'none'; img-src data:; style-src '{style_}'; script-src '{script_}'; base-uri 'none'; "
        "form-action 'none'"
    )


def digest(text: str) -> str:
    """As a page's policy names a text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def quoted(key: str) -> str:
    """A run's path as part of an address."""
    return quote(key.encode(errors="surrogateescape"))


def _rendered(template: str, **context: Any) -> bytes:  # noqa: ANN401 - whatever the template shows
    return _environment().get_template(template).render(context).encode(errors="replace")


@functools.cache
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([PARTS, REPORT_PARTS]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: clean(cut(value, MOST_CHARACTERS)) if type(value) is str else value,
    )
    environment.filters |= {
        "percent": percent,
        "number": number,
        "duration": duration,
        "large": large,
        "address": quoted,
        "breakable": breakable,
        "difflines": diff_lines,
    }
    return environment
