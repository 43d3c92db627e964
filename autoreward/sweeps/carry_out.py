"""A sweep from its file to its summary: checked, begun or gone on with, carried out, told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from autoreward.designer.registry import find_designer
from autoreward.errors import UserError
from autoreward.llm.prices import Prices
from autoreward.prompts.render import Templates
from autoreward.records import write_record
from autoreward.reward.reward import read_source
from autoreward.search.loop import prepared
from autoreward.search.roles import new_chat, new_engine, resolve_designer
from autoreward.sweeps.board import Board
from autoreward.sweeps.caps import Account
from autoreward.sweeps.files import write_tables
from autoreward.sweeps.matrix import Planned
from autoreward.sweeps.page import write_page
from autoreward.sweeps.pool import Pool
from autoreward.sweeps.records import SweepFile, SweepRecord
from autoreward.sweeps.state import SPENT, SWEEP, recorded, standing, used
from autoreward.sweeps.summary import summarise
from autoreward.sweeps.tables import spent, summary_tables

NO_PRICE = (
    "the price of the language model {model} is not known, so the cap on money (budget.llm_usd) cannot be kept; give "
    "llm.price_in and llm.price_out in `config` (US dollars per million tokens), or cap tokens with budget.llm_tokens"
)


def check_all(sweep: SweepFile, planned: Sequence[Planned], file: Path) -> None:
    """Refuse what no run of it could begin with, before anything is spent.

    Raises:
        UserError: settings do not fit a task, a designer, a language model or a reward to start from cannot be had, or
            money is capped and a model's price unknown.
    """
    seen = set[tuple[str, str]]()
    for each in planned:
        if (each.run.task, each.run.arm) in seen:
            continue
        seen.add((each.run.task, each.run.arm))
        llm = each.config.llm
        asks = resolve_designer(each.config.designer, llm) == "llm"
        try:
            prepared(each.task, each.config)
            chat = new_chat(llm, lambda note: None) if asks else None
            find_designer(resolve_designer(each.config.designer, llm), chat, Templates(llm.prompts))
            if each.config.start_from is not None:
                read_source(each.config.start_from)
        except UserError as error:
            raise UserError(f"sweep file {file}: {each.run.task} with {each.run.arm}: {error}") from None
        if sweep.budget.llm_usd is not None and asks and Prices(llm).usd(1, 1) is None:
            raise UserError(f"sweep file {file}: {NO_PRICE.format(model=llm.model)}")


def begin(folder: Path, planned: Sequence[Planned], file: str) -> SweepRecord:
    """The sweep as its folder stands, written to `sweep.json`.

    Raises:
        UserError: a run was begun with other settings than the plan has.
        RunDamaged: a record does not read.
    """
    before = recorded(folder)
    runs = standing(folder, planned, before, file)
    record = SweepRecord(file=file, runs=tuple(runs), spent=used(folder, before))
    write_record(folder / SWEEP, record)
    return record


@contextmanager
def pool_of(
    sweep: SweepFile, record: SweepRecord, planned: Sequence[Planned], folder: Path, board: Board
) -> Iterator[Pool]:
    """The pool that carries a sweep out, on the engine that its `config` says; both end with the block."""
    account = Account(sweep.budget, record.spent, lambda spent: write_record(folder / SPENT, spent))
    with new_engine(sweep.config.model_copy(update={"replay_trainings": False})) as engine:
        yield Pool(record, planned, folder, engine, account, board)


def finish(folder: Path, record: SweepRecord) -> list[RenderableType]:
    """Write `summary.html`, `summary.csv` and `runs.csv`; what a terminal shows."""
    summary = summarise(record)
    write_tables(folder, record, summary)
    page = write_page(folder, record, summary)
    lines = (f"spent: {spent(record)}", f"page: {page}", f"tables: {folder / 'summary.csv'}, {folder / 'runs.csv'}")
    return [*summary_tables(record, summary), *map(Text, (*lines, f"runs and sweep.json: {folder}"))]
