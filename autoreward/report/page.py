"""`report.html`: one page that shows a run, finished or not, and needs no network.

Covered: every text of a run (task, ideas, notes, code, reasons, findings, replies) is cut to a length and escaped,
control and reordering characters are made visible or dropped; the page's own policy lets a browser run the one script
and use the one style sheet that are part of this package, known by their hashes, and load nothing.
Not covered: what a text says to its reader.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from autoreward.llm.calls import read_calls
from autoreward.llm.ledger import ledger
from autoreward.records import RecordT, write_bytes
from autoreward.report.colours import python
from autoreward.report.curves import Key, best_trainings, report_lines, search_lines, term_lines, term_rows
from autoreward.report.entries import Round, checks, marks, rounds
from autoreward.report.lineage import rounds_plot
from autoreward.report.plots import data_address, line_plot
from autoreward.report.seeds import by_seed
from autoreward.report.settings import settings
from autoreward.report.standing import standings
from autoreward.report.text import clean, cut, duration, faults_text, isolation_text, large, number, percent
from autoreward.report.transcripts import transcripts
from autoreward.store.faults import blown_up
from autoreward.store.folder import RunFolder, is_locked
from autoreward.store.records import RunRecord

if TYPE_CHECKING:
    import jinja2

TEMPLATE = "page.html.j2"
PARTS = Path(__file__).parent / "parts"
PICTURE = "rollout.png"
MOST_PICTURE_BYTES = 4 * 2**20
"""A larger picture is left out: the page is mailed around."""
MOST_BYTES = 9_500_000
"""Of the page, as far as shorter texts can bring it there."""
LENGTHS = (20_000, 4_000, 800)
"""Characters of any one text that are shown: the first with which the page is small enough."""


class ReadOnce(RunFolder):
    """A run folder whose files are read once: one page looks at the same training several times."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._read: dict[Path, Any] = {}

    def _get(self, path: Path, model: type[RecordT]) -> RecordT | None:
        if path not in self._read:
            self._read[path] = super()._get(path, model)
        found: RecordT | None = self._read[path]
        return found


def write_report(folder: Path, out: Path | None = None) -> Path:
    """Write `report.html` from what a run folder holds so far.

    Args:
        folder: the run folder.
        out: where the page goes, in place of the folder.

    Returns:
        Path of the page.

    Raises:
        RunDamaged: a file of the folder is there but does not read.
    """
    page, run, pictures = out or folder / "report.html", ReadOnce(folder), dict[str, Markup]()
    for most in LENGTHS:
        context = _context(run, most)
        pictures = pictures or _pictures(run, context["rounds"])
        context |= pictures
        html = _environment(most).get_template(TEMPLATE).render(context).encode(errors="replace")
        if len(html) <= MOST_BYTES:
            break
    write_bytes(page, html)
    return page


def _environment(most: int) -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PARTS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # What is Markup (a str too) is a number, a picture, or was escaped where it was made.
        finalize=lambda value: clean(cut(value, most)) if type(value) is str else value,
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


def _context(folder: RunFolder, most: int) -> dict[str, Any]:
    run, report, selection = folder.run(), folder.report(), folder.selection()
    listed = rounds(folder, most)
    best = _best(folder)
    candidate = folder.candidate(*best) if best else None
    verdict = folder.verdict(*best) if best else None
    source = folder.source(*best) if best else ""
    weights = verdict.program.weights if verdict and verdict.program else {}
    calls = read_calls(folder.rounds_path)
    book = ledger(calls, _incumbents(listed))
    return {
        "run": run,
        "task": run.task,
        "state": "finished" if report else "running" if is_locked(folder.path) else "not finished",
        "report": report,
        "standings": standings(report),
        "by_seed": [by_seed(folder, row, run.task.steps) for row in report.rows] if report else [],
        "selection": selection,
        "spent": report.spent if report else folder.spent(),
        "rounds": listed,
        "checks": checks(listed),
        "best": best,
        "best_name": f"{best[0]}.{best[1]}" if best else "",
        "best_rate": candidate.success_rate if candidate else None,
        "best_idea": candidate.idea if candidate else "",
        "best_code": python(source, max(most, 4_000)) if best else [],
        "terms": term_rows(best_trainings(folder, report, best), weights, source),
        "faults": blown_up(folder),
        "folder": shlex.quote(str(folder.path)),
        "package_there": (folder.best / "reward.py").exists(),
        "few_seeds": report is not None and all(row.success_interval is None for row in report.rows),
        "fields": {"seen": _count(run, True), "hidden": _count(run, False)},
        "transcripts": transcripts(calls, most),
        "tallies": [*book.by_role.items(), ("in all", book.total)],
        "settings": settings(folder, run),
        **_own_files(),
    }


def _pictures(folder: RunFolder, listed: list[Round]) -> dict[str, Markup]:
    """The page's pictures, which do not depend on how much of each text is shown."""
    report, best = folder.report(), _best(folder)
    rate = any(record.success_rate for record in folder.all_candidates())
    winner = best if report or folder.selection() else None
    axis = "true success" if rate else "score (no candidate succeeded)"
    drawn = {
        "rounds_plot": rounds_plot(marks(folder, listed, winner, rate), _incumbents(listed), axis, rate),
        "learning_plot": line_plot(report_lines(folder, report), "success", rate=True),
        "search_plot": line_plot(search_lines(folder, best), "success", rate=True),
        "terms_plot": line_plot(term_lines(best_trainings(folder, report, best)), "episode sum, weighted"),
        "picture": _picture(folder.best / PICTURE),
    }
    return {name: Markup(address) for name, address in drawn.items()}


def _incumbents(listed: Iterable[Round]) -> dict[int, Key | None]:
    return {each.number: each.analysis.incumbent for each in listed if each.analysis}


def _best(folder: RunFolder) -> Key | None:
    """The winner; before the end, the selected candidate, or the best so far."""
    if report := folder.report():
        return report.winner
    if selection := folder.selection():
        return selection.winner
    analyses = [folder.analysis(round_) for round_ in folder.rounds()]
    return next((each.incumbent for each in reversed(analyses) if each and each.incumbent), None)


def _own_files() -> dict[str, Markup]:
    """Style sheet and script of this package, and the hashes by which the page's policy knows them."""
    found: dict[str, Markup] = {}
    for name in ("css", "js"):
        text = (PARTS / f"report.{name}").read_text()
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        found |= {name: Markup(text), f"{name}_hash": Markup(digest)}
    return found


def _picture(path: Path) -> str:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_PICTURE_BYTES:
        return ""
    return data_address(path.read_bytes(), "image/png")


def _count(run: RunRecord, seen: bool) -> int:
    return sum(field.policy_sees is seen for field in run.env_schema.fields)
