# ruff: noqa: D102 - what each method of an observer means stands in Observer
"""What a terminal shows of a run: a live table, plain lines where nobody watches, and the final table.

Names, ideas and notes may come from a language model, so every text passes `clean` and is never read as markup.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from autoreward.report.text import clean, duration, number, percent
from autoreward.report.why import going_on
from autoreward.search.observer import Observer
from autoreward.store.records import CandidateRecord, Report, Row, RunRecord
from autoreward.store.trust import resume_command
from autoreward.training.contract import Progress

PLAIN_SECONDS = 15.0
"""Without a terminal, a training writes a line at most this often."""
WIDTH = 140
"""Columns of a table without a terminal."""


def show(console: Console, parts: Iterable[RenderableType]) -> None:
    """Print one below the other."""
    for part in parts:
        console.print(part)


def new_console(stderr: bool = False) -> Console:
    """A console on the present stdout or stderr."""
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=WIDTH, soft_wrap=True)
    return console


def one_line(text: str, width: int = 90) -> str:
    """The text cleaned, on one line, cut to a width."""
    line = " ".join(clean(text).split())
    return line if len(line) <= width else line[: width - 1] + "…"


def count(number_: int, noun: str) -> str:
    """A number of things: `1 seed`, `3 seeds`."""
    return f"{number_:,} {noun}{'' if number_ == 1 else 's'}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = (), title: str = "") -> Table:
    """A table of cleaned text; the columns named in `numbers` are aligned to the right."""
    made = Table(title=Text(title) if title else None, title_justify="left", header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(clean(cell)) for cell in row))
    return made


def code(source: str, console: Console) -> RenderableType:
    """A reward program, with syntax colours on a terminal, and as it is (no line cut or wrapped) elsewhere."""
    if not console.is_terminal:
        return Text(clean(source))
    from rich.syntax import Syntax  # brings Pygments, which nothing else in a terminal needs

    return Syntax(clean(source), "python", theme="ansi_light", background_color="default", word_wrap=True)


def dollars(value: float | None) -> str:
    """An amount of money; `-` where it is not known, which is not the same as nothing."""
    return "US$ -" if value is None else f"US$ {value:.4g}"


def success_cell(row: Row) -> str:
    """Success on fresh seeds: interquartile mean with its interval, or each seed where five are not reached."""
    if row.success_iqm is None:
        return "no result"
    if row.success_interval is None:
        return " ".join(percent(value) for value in row.success)
    low, high = row.success_interval
    return f"{percent(row.success_iqm)} [{percent(low)}, {percent(high)}]"


def score_cell(row: Row) -> str:
    """The score, as `success_cell` does."""
    if row.score_interval is None:
        return " ".join(number(value) for value in row.scores) or "-"
    low, high = row.score_interval
    return f"{number(row.score_iqm)} [{number(low)}, {number(high)}]"


def rows_table(rows: Sequence[Row], title: str) -> Table:
    """Rewards compared: success, samples, score, steps, time."""
    seeds = "success" if any(row.success_interval for row in rows) else "success (each seed)"
    columns = ("reward", seeds, "samples", "score", "steps", "seconds")
    cells = [
        (
            row.label + (f" ({row.missing})" if row.missing else ""),
            success_cell(row),
            f"{count(len(row.success), 'seed')} x {count(row.episodes, 'episode')}",
            score_cell(row),
            f"{row.steps:,}",
            f"{row.seconds:.0f}",
        )
        for row in rows
    ]
    return table(columns, cells, numbers=(seeds, "score", "steps", "seconds"), title=title)


def outcome(folder: Path, report: Report) -> list[RenderableType]:
    """The end of a run: the final table, and where everything lies."""
    parts: list[RenderableType] = []
    if report.rows:
        known = any(row.success_interval for row in report.rows)
        how = "interquartile mean over seeds, 95% interval" if known else "each seed; fewer than 5 give no interval"
        parts.append(rows_table(report.rows, f"Success on fresh seeds ({how})"))
    if report.winner is None:
        early = "no candidate was trained before a cap was reached, so nothing was measured"
        parts.append(Text(early if report.stopped else "no candidate could be trained; `autoreward inspect` shows why"))
    if report.stopped:
        parts.append(Text(f"the search stopped early: {clean(report.stopped)}"))
        parts.append(Text(f"{clean(_how(report))}: {clean(resume_command(folder) + going_on(report))}"))
    elif report.hopeless:
        parts.append(Text(clean(f"not the reward: {report.hopeless.text}. {report.hopeless.suggestion}")))
    spent = report.spent
    used = f"{spent.env_steps:,} environment steps of search, {duration(spent.wall_seconds)}"
    parts.append(
        Text(f"spent: {used}, {spent.llm_calls} LLM calls, {spent.llm_tokens:,} tokens, {dollars(spent.llm_usd)}")
    )
    parts += [Text(f"{name:<8} {path}") for name, path in artefacts(folder)]
    return parts


def _how(report: Report) -> str:
    if report.hopeless:
        return f"{report.hopeless.suggestion}; or go on all the same"
    return "go on with a larger cap, or without it"


def artefacts(folder: Path) -> list[tuple[str, str]]:
    """Name and path of what a run leaves: reward, policy, film of the best episode, report; or that it is not there."""
    best, none = folder / "best", {"picture": "none: skipped, no renderer here (`autoreward doctor`)"}
    there = {
        "reward": [*best.glob("reward.py")],
        "policy": [*best.glob("policy.safetensors")],
        "picture": [*sorted(folder.glob("rollouts/*/best.*")), *best.glob("rollout.png")],
    }
    found = [(name, str(paths[0]) if paths else none.get(name, "none")) for name, paths in there.items()]
    page = folder / "report.html"
    return [*found, ("report", str(page) if page.exists() else "none"), ("run", str(folder))]


@dataclass
class _Line:
    """A row of the live table: a candidate or a baseline."""

    stage: str = "waiting"
    detail: str = ""
    seeds: dict[int, Progress] = field(default_factory=dict)
    success: float | None = None
    """Final success, once it is measured."""

    def steps(self) -> str:
        seeds = self._seeds()
        return f"{sum(seed.step for seed in seeds):,} / {sum(seed.steps for seed in seeds):,}" if seeds else ""

    def _seeds(self) -> list[Progress]:
        # A copy: the table is drawn by a thread of its own.
        return list(self.seeds.values())

    def mean(self, values: Iterable[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known else None

    def cells(self, label: str) -> tuple[str, ...]:
        own = self.mean(seed.own_return for seed in self._seeds())
        now = self.mean(seed.success_rate for seed in self._seeds())
        success = now if self.success is None else self.success
        return label, self.stage, self.steps(), number(own), percent(success), one_line(self.detail, 60)


class Display(Observer):
    """What live and plain displays share: they remember the run's folder, and are entered and left."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.folder: Path | None = None

    def __enter__(self) -> Display:
        """Begin to show."""
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        """Stop; what is shown stays."""

    def say(self, text: str) -> None:
        """A line above whatever is live."""
        self.console.print(Text(clean(text)))

    def run_started(self, folder: Path, run: RunRecord, resumed: bool) -> None:
        self.folder = folder
        verb = "resumed" if resumed else "started"
        self.say(f"{verb} {folder}: task {run.task.name}, designer {run.designer}, {run.task.steps:,} steps a training")

    def note(self, text: str) -> None:
        self.say(f"note: {one_line(text, 400)}")

    def phase_started(self, name: str, detail: str) -> None:
        self.say(f"{name}: {one_line(detail, 200)}")


class PlainDisplay(Display):
    """One line an event, for files and pipes."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._last: dict[tuple[str, int], tuple[str, float]] = {}

    def round_started(self, round_: int, candidates: int) -> None:
        self.say(f"round {round_}: {candidates} candidates")

    def candidate_stage(self, round_: int, index: int, stage: str, detail: str = "") -> None:
        self.say(f"{round_}.{index} {stage} {one_line(detail, 160)}".rstrip())

    def training_progress(self, label: str, seed: int, progress: Progress) -> None:
        stage, at = self._last.get((label, seed), ("", 0.0))
        if progress.stage == stage and time.monotonic() - at < PLAIN_SECONDS:
            return
        self._last[label, seed] = progress.stage, time.monotonic()
        self.say(
            f"{label} seed {seed} {progress.stage}: step {progress.step:,} of {progress.steps:,}, own return "
            f"{number(progress.own_return)}, true success {percent(progress.success_rate)}"
        )

    def candidate_finished(self, record: CandidateRecord) -> None:
        result = f"true success {percent(record.success_rate)}, score {number(record.score)}"
        told = record.reason or "; ".join(part for part in (result, record.stopped) if part)
        self.say(f"{record.name} {record.status}: {one_line(told, 160)}")


class LiveDisplay(Display):
    """A table that is redrawn in place: a row a candidate."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live

        super().__init__(console)
        self._lines: dict[str, _Line] = {}
        self._live = Live(console=console, get_renderable=self._table, refresh_per_second=4, transient=False)

    def __enter__(self) -> Display:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()

    def _table(self) -> RenderableType:
        # The newest rows are what matters; older ones are in the log, and a table taller than the screen flickers.
        room = max(self.console.height - 8, 4)
        rows = [line.cells(label) for label, line in list(self._lines.items())[-room:]]
        columns = ("candidate", "stage", "steps", "own return", "true success", "")
        return table(columns, rows, numbers=("steps", "own return", "true success")) if rows else Text("")

    def _line(self, label: str) -> _Line:
        return self._lines.setdefault(label, _Line())

    def candidate_stage(self, round_: int, index: int, stage: str, detail: str = "") -> None:
        line = self._line(f"{round_}.{index}")
        line.stage, line.detail = stage, detail

    def training_progress(self, label: str, seed: int, progress: Progress) -> None:
        line = self._line(label)
        line.seeds[seed] = progress
        stages = [state.stage for state in line.seeds.values()]
        line.stage = next((stage for stage in ("training", "evaluating", "starting") if stage in stages), stages[0])

    def candidate_finished(self, record: CandidateRecord) -> None:
        line = self._line(record.name)
        line.stage, line.success = record.status, record.success_rate
        line.detail = record.why or record.idea


def new_display(console: Console) -> Display:
    """A live table on a terminal, plain lines elsewhere."""
    return LiveDisplay(console) if console.is_terminal and not console.is_dumb_terminal else PlainDisplay(console)
