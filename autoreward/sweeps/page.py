"""`summary.html`: one page that shows a sweep, finished or not, and needs no network.

Texts are treated as on a run's page: cut, escaped, and nothing is loaded or run (see `autoreward.report.page`).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from autoreward.records import write_bytes
from autoreward.report.page import PARTS as REPORT_PARTS
from autoreward.report.text import clean, cut, percent
from autoreward.sweeps.plots import curves_plot, overall_plot, pairs_plot, profile_plot
from autoreward.sweeps.records import SweepRecord
from autoreward.sweeps.summary import BASELINES, Summary, baseline_of, success_of
from autoreward.sweeps.tables import basis, estimate_cell, spent

PAGE = "summary.html"
PARTS = Path(__file__).parent / "parts"
MOST = 2000
"""Characters of any one text that are shown."""


@dataclass(frozen=True)
class RunRow:
    """A run as the page lists it."""

    task: str
    seed: int
    arm: str
    status: str
    baselines: tuple[float | None, ...]
    designed: float | None
    name: str
    linked: bool
    """Whether its own page is there."""
    error: str


def write_page(folder: Path, record: SweepRecord, summary: Summary) -> Path:
    """Write the page into a sweep's folder, whose runs' own pages it links to."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PARTS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: clean(cut(value, MOST)) if type(value) is str else value,
    )
    environment.filters |= {"percent": percent, "estimate": estimate_cell}
    css = (REPORT_PARTS / "report.css").read_text()
    pictures = {
        "overall_plot": overall_plot(summary),
        "profile_plot": profile_plot(summary),
        "pairs_plot": pairs_plot(summary),
        "steps_plot": curves_plot(summary, summary.by_steps, "environment steps of the search"),
        "usd_plot": curves_plot(summary, summary.by_usd, "US dollars for the language model"),
    }
    html = environment.get_template("sweep.html.j2").render(
        name=folder.resolve().name,
        record=record,
        summary=summary,
        finished=sum(run.status == "finished" for run in record.runs),
        basis=basis(summary),
        spent=spent(record),
        baselines=tuple(BASELINES),
        rows=tuple(_rows(folder, record)),
        css=Markup(css),
        css_hash=Markup(base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()),
        **{name: Markup(address) for name, address in pictures.items()},
    )
    write_bytes(folder / PAGE, html.encode(errors="replace"))
    return folder / PAGE


def _rows(folder: Path, record: SweepRecord) -> Iterator[RunRow]:
    for run in record.runs:
        yield RunRow(
            task=run.task,
            seed=run.seed,
            arm=run.arm,
            status=run.status,
            baselines=tuple(baseline_of(run, name) for name in BASELINES),
            designed=success_of(run),
            name=run.name,
            linked=(folder / run.name / "report.html").exists(),
            error=" ".join(run.error.split()),
        )
