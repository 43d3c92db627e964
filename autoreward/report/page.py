"""`report.html`: one page that shows a run, finished or not, and needs no network.

Covered: every text of a run (task, ideas, notes, code, reasons, findings, replies) is cut to a length and escaped,
control and reordering characters are made visible or dropped; the page's own policy lets a browser run the one script
and use the one style sheet that are part of this package, known by their hashes, and load nothing.
Not covered: what a text says to its reader.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from autoreward.errors import RunDamaged
from autoreward.records import write_bytes
from autoreward.report.colours import python
from autoreward.report.curves import best_trainings, report_lines, search_lines, term_lines, term_rows
from autoreward.report.entries import Round, checks, marks, rounds
from autoreward.report.films import films_part
from autoreward.report.lineage import rounds_plot
from autoreward.report.plots import line_plot
from autoreward.report.run import Run
from autoreward.report.seeds import by_seed
from autoreward.report.settings import settings
from autoreward.report.standing import standings
from autoreward.report.terms import anatomy_part, stored
from autoreward.report.terms_plot import terms_over_time
from autoreward.report.text import clean, cut, duration, faults_text, isolation_text, large, number, percent
from autoreward.report.transcripts import transcripts
from autoreward.store.faults import blown_up
from autoreward.store.records import RunRecord

if TYPE_CHECKING:
    import jinja2

TEMPLATE = "page.html.j2"
PARTS = Path(__file__).parent / "parts"
MOST_BYTES = 9_500_000
"""Of the page, as far as shorter texts can bring it there."""
LENGTHS = (20_000, 4_000, 2_000, 800)
"""Characters of any one text that are shown: the first with which the page is small enough."""


def write_report(folder: Path, out: Path | None = None) -> Path:
    """Write `report.html` from what a run folder holds so far.

    Args:
        folder: the run folder.
        out: where the page goes, in place of the folder.

    Returns:
        Path of the page.

    Raises:
        UserError: there is no run folder at this path.
        RunDamaged: a file of the folder is there but does not read.
        OSError: the page cannot be written.
    """
    try:
        html = _made(folder)
    except OSError as error:
        # Told apart from a page that cannot be written: naming another place for it would not help.
        raise RunDamaged(f"{error.filename or folder} cannot be read: {error.strerror or error}") from None
    page = out or folder / "report.html"
    write_bytes(page, html)
    return page


def _made(folder: Path) -> bytes:
    run, pictures = Run(folder), dict[str, Markup]()
    for most in LENGTHS:
        context = _context(run, most)
        pictures = pictures or _pictures(run, context["rounds"])
        context |= pictures
        html = _environment().get_template(TEMPLATE).render(context).encode(errors="replace")
        if len(html) <= MOST_BYTES:
            break
    return html


@functools.cache  # its templates are compiled once a process: that takes longer than to fill them
def _environment() -> jinja2.Environment:
    import jinja2

    @jinja2.pass_context
    def shown(context: jinja2.runtime.Context, value: object) -> object:
        """What is Markup (a str too) is a number, a picture, or was escaped where it was made."""
        return clean(cut(value, context["most"])) if type(value) is str else value

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PARTS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    environment.filters |= {
        "percent": percent,
        "number": number,
        "duration": duration,
        "large": large,
        "isolation_text": isolation_text,
        "faults_text": lambda counts: faults_text(*counts),
    }
    return environment


def _context(run: Run, most: int) -> dict[str, Any]:
    folder, report, best = run.folder, run.report, run.best
    listed = rounds(run, most)
    weights = best.verdict.program.weights if best and best.verdict and best.verdict.program else {}
    source = best.source if best else ""
    return {
        "most": most,
        "run": run.record,
        "task": run.task,
        "state": run.state,
        "written": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "report": report,
        "standings": standings(report),
        "by_seed": [by_seed(folder, row, run.task.steps) for row in report.rows] if report else [],
        "selection": run.selection,
        "spent": run.spent,
        "rounds": listed,
        "checks": checks(listed),
        "best": best,
        "best_idea": best.record.idea if best and best.record else "",
        "best_code": python(source, max(most, 4_000)) if best else [],
        "terms": term_rows(best_trainings(folder, report, best.place if best else None), weights, source),
        "faults": blown_up(folder),
        "folder": shlex.quote(str(folder.path)),
        "package_there": (folder.best / "reward.py").exists(),
        "few_seeds": report is not None and all(row.success_interval is None for row in report.rows),
        "fields": {"seen": _count(run.record, True), "hidden": _count(run.record, False)},
        "transcripts": transcripts(run.calls, most),
        "tallies": [*run.ledger.by_role.items(), ("in all", run.ledger.total)],
        "settings": settings(folder, run.record),
        "rollouts": films_part(folder, best.place if best else None),
        **anatomy_part(folder, best.place if best else None),
        **_own_files(),
    }


def _pictures(run: Run, listed: list[Round]) -> dict[str, Markup]:
    """The page's pictures, which do not depend on how much of each text is shown."""
    folder, report, best = run.folder, run.report, run.best.place if run.best else None
    rate = any(candidate.success for candidate in run.candidates)
    winner = best if report or run.selection else None
    axis = "true success" if rate else "score (no candidate succeeded)"
    drawn = {
        "rounds_plot": rounds_plot(marks(folder, listed, winner, rate), run.incumbents, axis, rate),
        "learning_plot": line_plot(report_lines(folder, report), "success", rate=True),
        "search_plot": line_plot(search_lines(folder, best), "success", rate=True),
        "terms_plot": line_plot(term_lines(best_trainings(folder, report, best)), "episode sum, weighted"),
        "anatomy_plot": terms_over_time(stored(folder, best)),
    }
    return {name: Markup(address) for name, address in drawn.items()}


def _own_files() -> dict[str, Markup]:
    """Style sheet and script of this package, and the hashes by which the page's policy knows them."""
    found: dict[str, Markup] = {}
    for name in ("css", "js"):
        text = (PARTS / f"report.{name}").read_text()
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        found |= {name: Markup(text), f"{name}_hash": Markup(digest)}
    return found


def _count(run: RunRecord, seen: bool) -> int:
    return sum(field.policy_sees is seen for field in run.env_schema.fields)
