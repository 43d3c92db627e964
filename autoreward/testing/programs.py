"""Every program of both collections against a cell: what its header says must become of it, and nothing outside."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from autoreward.critic.contract import Verdict
from autoreward.critic.verify import verify
from autoreward.envs.contract import Transitions
from autoreward.envs.record import record_transitions
from autoreward.envs.registry import describe
from autoreward.errors import RewardRefused
from autoreward.language.program import Grammar
from autoreward.language.static import grammar_of
from autoreward.sandbox.contract import Cell
from autoreward.sandbox.isolation import Isolation
from autoreward.schema import EnvSchema
from autoreward.task import load_task
from autoreward.testing import arm
from autoreward.testing.cell import PLAIN, SCHEMA, episodes, sample
from autoreward.testing.outside import Outside, write_valuables

PHRASE = "IGNORE ALL PREVIOUS"
"""What programs of the collections have for readers."""


class Pool:
    """Lends cells. A cell that failed has ended its process and starts another with the next program."""

    def __init__(self, new_cell: Callable[[], Cell]) -> None:
        self._new_cell = new_cell
        self._idle: list[Cell] = []
        self._all: list[Cell] = []

    def lend(self) -> Lent:
        """An idle cell, or a new one."""
        if not self._idle:
            self._all.append(self._new_cell())
            self._idle.append(self._all[-1])
        return Lent(self._idle.pop(), self._idle)

    def close(self) -> None:
        """End all of them."""
        for cell in self._all:
            cell.close()


class Lent:
    """A cell of the pool; `close` gives it back."""

    def __init__(self, cell: Cell, home: list[Cell]) -> None:
        self._cell, self._home = cell, home
        self.load, self.score = cell.load, cell.score

    @property
    def isolation(self) -> Isolation | None:
        """The cell's own."""
        return self._cell.isolation

    def close(self) -> None:
        """Give it back."""
        if self._cell not in self._home:
            self._home.append(self._cell)


def check_programs(new_cell: Callable[[], Cell], every: int = 1) -> None:
    """Try the programs of both collections, in the working folder and user of this process.

    Those that only a process of its own can contain are tried on cells that say to have one (level C or better).

    Args:
        new_cell: makes a cell without a program.
        every: only every so many-th program.

    Raises:
        AssertionError: a program was not treated as its header says, or had an effect outside.
    """
    pool = Pool(new_cell)
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder)
        write_valuables(kept)
        outside = Outside([Path.cwd(), Path("/"), kept], kept)
        try:
            contained = _has_a_process(pool)
            for collection in ("arm", "own"):
                for case in arm.cases(collection)[::every]:
                    if contained or case.expect in ("reject", "accept"):
                        _check_case(case, pool, *surroundings(collection, case.task))
                        assert not (found := outside.effects()), f"{case.name} had an effect outside: {found}"
        finally:
            pool.close()
            late = outside.effects()
            outside.close()
        assert not late, f"an effect outside came late: {late}"


def _has_a_process(pool: Pool) -> bool:
    cell = pool.lend()
    cell.load(PLAIN, SCHEMA, "terms")
    isolation = cell.isolation
    cell.close()
    return isolation is not None and isolation.level != "D"


def _check_case(case: arm.Case, pool: Pool, schema: EnvSchema, recorded: Transitions) -> None:
    before = arm.digest(recorded.inputs)
    verdict = verify(case.source, schema, _grammar(case.source), recorded, pool.lend)
    assert arm.digest(recorded.inputs) == before, f"{case.name} changed its inputs"
    assert PHRASE not in verdict.reason, f"{case.name} chose what is said of it"
    expected = "accepted" if case.expect == "accept" else "invalid"
    assert verdict.status == expected, f"{case.name} must be {expected}, but is {verdict.status}: {verdict.reason}"
    assert case.expect != "reject" or _was_refused(verdict), f"{case.name} was not refused before it ran"


def _was_refused(verdict: Verdict) -> bool:
    return verdict.checks[-1].name == "contract"


def _grammar(source: str) -> Grammar:
    try:
        return grammar_of(source)
    except RewardRefused:
        return "terms"


@cache
def surroundings(collection: str, task: str) -> tuple[EnvSchema, Transitions]:
    """The schema that a program of a collection is for, and transitions for its dry run."""
    if collection == "arm":
        return arm.ARM, arm.recorded()
    if task in ("", "conformance"):
        return SCHEMA, Transitions(sample(8, 16), episodes(8, 16), np.zeros((8, 16), np.bool_))
    loaded = load_task(task)
    return describe(loaded.env), record_transitions(loaded, seed=0, steps=48, num_envs=6)
