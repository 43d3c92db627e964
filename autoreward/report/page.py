"""`report.html`: one page that shows a run, finished or not, and needs neither network nor scripts.

Covered: every text of a run (task, ideas, notes, code, reasons, findings) is escaped by the template, control and
reordering characters are made visible or dropped, and the page's own policy lets a browser run no script and load
nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autoreward.critic.contract import Verdict
from autoreward.designer.contract import Finding
from autoreward.records import write_bytes
from autoreward.report.plots import MOST_LINES, Line, data_address, line_plot
from autoreward.report.seeds import by_seed
from autoreward.report.text import clean, duration, faults_text, isolation_text, number, percent
from autoreward.store.faults import blown_up
from autoreward.store.folder import RunFolder
from autoreward.store.records import CandidateRecord, Report, RoundAnalysis, Row, RunRecord
from autoreward.training.contract import TrainingResult

if TYPE_CHECKING:
    import jinja2

TEMPLATE = "report.html.j2"
PICTURE = "rollout.png"
MOST_PICTURE_BYTES = 8 * 2**20
"""A larger picture is left out: the page is mailed around."""


@dataclass(frozen=True)
class Entry:
    """A candidate as the page lists it."""

    name: str
    source: str
    record: CandidateRecord | None
    """None while it is in flight."""
    verdict: Verdict | None
    findings: tuple[Finding, ...]
    episodes: str
    best: bool
    """Whether the search held it for the best after this round."""


@dataclass(frozen=True)
class TermRow:
    """A term of the best reward, averaged over the trainings shown."""

    name: str
    weight: float | None
    share: float
    mean: float
    success_correlation: float | None


def write_report(folder: Path) -> Path:
    """Write `report.html` from what a run folder holds so far.

    Args:
        folder: the run folder.

    Returns:
        Path of the page.

    Raises:
        RunDamaged: a file of the folder is there but does not read.
    """
    page = folder / "report.html"
    html = _environment().get_template(TEMPLATE).render(_context(RunFolder(folder)))
    write_bytes(page, html.encode(errors="replace"))
    return page


def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters |= {
        "percent": percent,
        "number": number,
        "duration": duration,
        "isolation_text": isolation_text,
        "faults_text": lambda counts: faults_text(*counts),
    }
    return environment


def _finalize(value: object) -> object:
    # Markup is a str too, and comes from the template alone.
    return clean(value) if type(value) is str else value


def _context(folder: RunFolder) -> dict[str, Any]:
    run, report, selection = folder.run(), folder.report(), folder.selection()
    analyses = {round_: folder.analysis(round_) for round_ in folder.rounds()}
    best = _best(report, selection.winner if selection else None, analyses.values())
    trained = _best_trainings(folder, report, best)
    candidate = folder.candidate(*best) if best else None
    verdict = folder.verdict(*best) if best else None
    weights = verdict.program.weights if verdict and verdict.program else {}
    return {
        "run": run,
        "task": run.task,
        "report": report,
        "by_seed": [by_seed(folder, row, run.task.steps) for row in report.rows] if report else [],
        "selection": selection,
        "spent": report.spent if report else folder.spent(),
        "rounds": [(round_, _entries(folder, round_, analysis)) for round_, analysis in analyses.items()],
        "analysed": {round_ for round_, analysis in analyses.items() if analysis},
        "best": best,
        "best_name": f"{best[0]}.{best[1]}" if best else "",
        "best_idea": candidate.idea if candidate else "",
        "best_source": folder.source(*best) if best else "",
        "terms": _terms(trained, weights),
        "learning_plot": line_plot(_report_lines(folder, report), "success", rate=True),
        "search_plot": line_plot(_search_lines(folder, best), "success", rate=True),
        "terms_plot": line_plot(_term_lines(trained), "episode sum, weighted"),
        "faults": blown_up(folder),
        "picture": _picture(folder.best / PICTURE),
        "folder": shlex.quote(str(folder.path)),
        "package_there": (folder.best / "reward.py").exists(),
        "few_seeds": report is not None and all(row.success_interval is None for row in report.rows),
        "trainer_steps": run.task.steps,
        "fields": {"seen": _count(run, True), "hidden": _count(run, False)},
    }


def _best(
    report: Report | None, selected: tuple[int, int] | None, analyses: Iterable[RoundAnalysis | None]
) -> tuple[int, int] | None:
    """The winner; before the end, the selected candidate, or the best so far."""
    if report:
        return report.winner
    incumbents = [analysis.incumbent for analysis in analyses if analysis and analysis.incumbent]
    return selected or (incumbents[-1] if incumbents else None)


def _entries(folder: RunFolder, round_: int, analysis: RoundAnalysis | None) -> list[Entry]:
    entries = []
    for index in folder.indices(round_):
        verdict = folder.verdict(round_, index)
        found = analysis.candidates.get(index) if analysis else None
        entries.append(
            Entry(
                name=f"{round_}.{index}",
                source=folder.source(round_, index) if verdict else "",
                record=folder.candidate(round_, index),
                verdict=verdict,
                findings=found.told if found else (),
                episodes=found.episodes if found else "",
                best=analysis is not None and analysis.incumbent == (round_, index),
            )
        )
    return entries


def _results(folder: RunFolder, hashes: Iterable[str], steps: int) -> list[TrainingResult]:
    found = (folder.result(training, steps) for training in hashes)
    return [result for result in found if result is not None and result.status == "ok"]


def _best_trainings(folder: RunFolder, report: Report | None, best: tuple[int, int] | None) -> list[TrainingResult]:
    """Trainings of the best reward: on report seeds where there are any, else on search seeds."""
    for row in report.rows if report else ():
        if row.name == "designed" and (results := _results(folder, row.trainings.values(), row.steps)):
            return results
    record = folder.candidate(*best) if best else None
    return _results(folder, record.trainings.values(), record.steps) if record else []


def _success_line(label: str, results: Sequence[TrainingResult]) -> Line:
    return Line(label, [[(part.step, part.success_rate) for part in result.evaluations] for result in results])


def _report_lines(folder: RunFolder, report: Report | None) -> list[Line]:
    order = ("designed", "human", "reference", "sparse")
    rows: list[Row] = [row for row in report.rows if row.name in order] if report else []
    rows.sort(key=lambda row: order.index(row.name))
    return [_success_line(row.label, _results(folder, row.trainings.values(), row.steps)) for row in rows]


def _search_lines(folder: RunFolder, best: tuple[int, int] | None) -> list[Line]:
    """The best candidates of the search, the winner first."""
    trained = [record for record in folder.all_candidates() if record.status == "trained"]
    trained.sort(key=lambda one: ((one.round, one.index) != best, -one.steps, -(one.success_rate or 0.0)))
    return [
        _success_line(record.name, _results(folder, record.trainings.values(), record.steps))
        for record in trained[:MOST_LINES]
    ]


def _term_lines(results: Sequence[TrainingResult]) -> list[Line]:
    names = dict.fromkeys(name for result in results for name in result.terms)
    total = Line("own return", [list(zip(result.points, result.own_return, strict=False)) for result in results])
    return [
        *([total] if len(names) > 1 else []),  # a single term is the return
        *(
            Line(
                name,
                [
                    list(zip(result.points, result.terms[name].curve, strict=False))
                    for result in results
                    if name in result.terms
                ],
            )
            for name in names
        ),
    ]


def _terms(results: Sequence[TrainingResult], weights: dict[str, float]) -> list[TermRow]:
    rows = []
    for name in dict.fromkeys(name for result in results for name in result.terms):
        found = [result.terms[name] for result in results if name in result.terms]
        known = [term.success_correlation for term in found if term.success_correlation is not None]
        rows.append(
            TermRow(
                name=name,
                weight=weights.get(name),
                share=sum(term.share for term in found) / len(found),
                mean=sum(term.mean for term in found) / len(found),
                success_correlation=sum(known) / len(known) if known else None,
            )
        )
    return sorted(rows, key=lambda row: -row.share)


def _picture(path: Path) -> str:
    if not path.is_file() or path.stat().st_size > MOST_PICTURE_BYTES:
        return ""
    return data_address(path.read_bytes(), "image/png")


def _count(run: RunRecord, seen: bool) -> int:
    return sum(field.policy_sees is seen for field in run.env_schema.fields)
