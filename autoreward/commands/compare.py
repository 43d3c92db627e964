"""`compare`: runs side by side, in the terminal, as JSON, or as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console, RenderableType
from rich.syntax import Syntax
from rich.text import Text

from autoreward.commands.arguments import Command, Json, Trusted
from autoreward.display import count, dollars, new_console, one_line, show, success_cell, table
from autoreward.errors import UserError
from autoreward.records import write_bytes
from autoreward.report.comparison import Comparison, Pair, Side
from autoreward.report.run import Run
from autoreward.report.text import clean, duration, percent
from autoreward.search.comparing import compare
from autoreward.store.find import find_run

MOST_CELL = 60
"""Characters of a setting's value."""


class Compare(Command):
    """Compare runs: success on fresh seeds, the best rewards' programs and distance, settings, cost."""

    names: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN RUN ...")] = ()
    """Two runs or more (folders, or unique beginnings of their names); each is compared with the first."""
    json_: Json = False
    """Print everything as JSON."""
    html: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write it as a page, one file that can be mailed and needs no network, in place of printing it."""
    isolation: Literal["A", "B", "C"] = "B"
    """Least isolation of the processes that their rewards are run in, to measure the distance."""
    trust: Trusted = ()
    """Environments of your own that the runs' records may have imported and run."""
    runs: Path = Path("runs")
    """Folder that holds run folders."""

    def execute(self) -> int:
        """Print the comparison."""
        found = [Run(find_run(name, self.runs)) for name in self.names]
        comparison, console = compare(found, self.isolation, self.trust), new_console()
        if self.html is not None:
            _write(comparison, self.html)
            new_console(stderr=self.json_).print(Text(clean(f"wrote {self.html}")))
        if self.json_:
            console.file.write(comparison.model_dump_json(indent=1) + "\n")
        elif self.html is None:
            show(console, _parts(comparison, console))
        return 0


def _write(found: Comparison, page: Path) -> None:
    from autoreward.view.pages import comparison_page

    try:
        write_bytes(page, comparison_page(found))
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"cannot write {page}: {reason}; name another place with --html FILE") from None


def _parts(found: Comparison, console: Console) -> Iterator[RenderableType]:
    for side in found.sides:
        yield Text(clean(f"{side.name}  {side.run}: {side.task}, {side.state}, designer {side.designer}"))
    yield _sides(found.sides)
    for pair in found.pairs:
        for line in _told(pair):
            yield Text(clean(line))
    if found.settings:
        names = [side.name for side in found.sides]
        rows = [(one.setting, *(one_line(value, MOST_CELL) for value in one.values)) for one in found.settings]
        yield table(("setting", *names), rows, title="Settings that differ")
    else:
        yield Text("the settings are the same")
    for pair in found.pairs:
        yield from _diff(pair, console, found.sides)


def _sides(sides: tuple[Side, ...]) -> RenderableType:
    """What came out and what it cost, a row a run."""
    columns = ("", "best", "success", "on", "human or reference", "search steps", "time", "LLM")
    rows = [
        (
            side.name,
            side.candidate or "none",
            success_cell(side.best) if side.best else "no result",
            f"{count(len(side.best.success), f'{side.seeds} seed')} x {side.best.episodes}" if side.best else "",
            success_cell(side.reference) if side.reference else "-",
            f"{side.spent.env_steps:,}",
            duration(side.spent.wall_seconds),
            f"{count(side.spent.llm_calls, 'call')}, {dollars(side.spent.llm_usd)}",
        )
        for side in sides
    ]
    title = "Success: interquartile mean and 95% interval, or each seed where there are fewer than 5"
    return table(columns, rows, numbers=("search steps", "time"), title=title)


def _told(pair: Pair) -> Iterator[str]:
    """A pair in sentences."""
    one, two = pair.first, pair.second
    if pair.improvement is None:
        yield f"{two} beside {one}: success is not compared: {pair.not_compared}"
    else:
        ends = pair.improvement_interval
        how = f"[{percent(ends[0])}, {percent(ends[1])}]" if ends else "fewer than 5 seeds give no interval"
        yield f"{two} beside {one}: the probability that {two} succeeds more often than {one} is " + (
            f"{percent(pair.improvement)} ({how}; seed by seed, equals count half)"
        )
    if pair.distances is None:
        yield f"  distance of the rewards: not measured: {pair.not_measured}"
        return
    epic = "not defined, since a reward keeps something in memory"
    if pair.distances.epic is not None:
        epic = f"{pair.distances.epic:.2f}"
    unseen = "" if pair.distances.seen else "; a term that pays in none of the tried states is in neither"
    yield f"  distance of the rewards (0: alike, 1: opposite): STARC {pair.distances.starc:.2f}, EPIC {epic}{unseen}"


def _diff(pair: Pair, console: Console, sides: Sequence[Side]) -> Iterator[RenderableType]:
    if not pair.diff:
        both = all(side.candidate for side in sides if side.name in (pair.first, pair.second))
        if pair.distances:
            yield Text(f"the best rewards of {pair.first} and {pair.second} are the same program")
        elif both:
            told = f"the best rewards of {pair.first} and {pair.second} do not differ, as far as they could be read"
            yield Text(told)
        return
    yield Text(f"from the best reward of {pair.first} to that of {pair.second}:")
    text = clean("\n".join(pair.diff))
    if console.is_terminal:
        yield Syntax(text, "diff", theme="ansi_light", background_color="default", word_wrap=True)
    else:
        yield Text(text)
