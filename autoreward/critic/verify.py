"""The executable part of the Critic: what a program must stand before any training is paid for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from autoreward.critic.checks import (
    balance,
    branches,
    deterministic,
    edges,
    elsewhere,
    episodes,
    exploits,
    fields,
    finite,
    fires,
    ordering,
    rows,
    runs,
    saturation,
    similar,
    timing,
    unit,
    varies,
)
from autoreward.critic.checks.outcome import Outcome, fault, no_evidence
from autoreward.critic.checks.trial import STEPS, Trial
from autoreward.critic.contract import Check, Verdict
from autoreward.critic.earlier import Earlier
from autoreward.critic.stored import Stored
from autoreward.envs.contract import Transitions
from autoreward.errors import CellFailed, RewardRefused
from autoreward.language.program import Grammar, Program
from autoreward.sandbox.contract import Cell
from autoreward.schema import EnvSchema
from autoreward.task import Task

T = TypeVar("T")
Checks = tuple[tuple[str, Callable[[Trial], Outcome]], ...]
SECONDS = 10.0
"""That all checks of a candidate may take together; the dry run is made to its end in any case."""

DRY_RUN: Checks = (
    ("runs", runs.check),
    ("finite", finite.check),
    ("finite_at_edges", edges.check),
    ("deterministic", deterministic.check),
    ("row_independent", rows.check),
    ("not_constant", varies.check),
    ("time", timing.check),
)
"""What a program must stand to be trained at all. Cheap before dear, as in PROBES; both stop at the first failure."""

PROBES: Checks = (
    ("similar", similar.check),
    ("memory_begins_anew", episodes.check),
    ("finite_elsewhere", elsewhere.check),
    ("terms_fire", fires.check),
    ("terms_balanced", balance.check),
    ("terms_saturate", saturation.check),
    ("fields_change", fields.check),
    ("branches", branches.check),
    ("units", unit.check),
    ("ordering", ordering.check),
    ("exploits", exploits.check),
)
"""What a program that runs may still do wrong. Those for which no seconds are left have no evidence."""

CHECKS: Checks = DRY_RUN + PROBES


def verify(
    source: str,
    schema: EnvSchema,
    grammar: Grammar,
    transitions: Transitions,
    new_cell: Callable[[], Cell],
    task: Task | None = None,
    seconds: float = SECONDS,
    earlier: Earlier | None = None,
    probes: bool = True,
    stored: Stored | None = None,
) -> Verdict:
    """Verify a reward program: static rules, a dry run on recorded transitions, then the probes.

    Args:
        source: the program.
        schema: fields that it may read.
        grammar: which functions it must define.
        transitions: recorded with a random policy, [T, N, ...].
        new_cell: makes the cells that the program runs in; all are closed again.
        task: for the probes that step the environment or ask for success.
        seconds: that may be spent in all; probes for which nothing is left have no evidence.
        earlier: candidates of the same run that it is to differ from.
        probes: whether they are made at all; without them this is a smoke test.
        stored: episodes of the task with their outcomes, of other rewards' trainings.

    Raises:
        CellFailed: no cell can be started on this machine, so nothing can be said about the program.
    """
    cell = new_cell()
    ends = time.monotonic() + seconds
    try:
        program, contract = _load(cell, source, schema, grammar)
        checks = [contract]
        if program is None:
            return Verdict(status="invalid", checks=tuple(checks))
        inputs = {name: array[:STEPS] for name, array in transitions.inputs.items()}
        begun, others = transitions.begun[:STEPS], earlier or Earlier()
        trial = Trial(program, schema, cell, new_cell, inputs, begun, task, ends, others, stored)
        for name, check in CHECKS if probes else DRY_RUN:
            probe = (name, check) in PROBES
            checks.append(_probe(name, check, trial, seconds) if probe else _carry_out(name, check, trial))
            if checks[-1].verdict == "fail":
                return Verdict(status="invalid", checks=tuple(checks), program=program)
        return Verdict(status="accepted", checks=tuple(checks), program=program, terms=tuple(trial.recorded.terms))
    finally:
        cell.close()


def _load(cell: Cell, source: str, schema: EnvSchema, grammar: Grammar) -> tuple[Program | None, Check]:
    """The check `contract`: the reward language's rules, and that the cell can compile the program."""
    began = time.perf_counter()
    try:
        program = _once_more(lambda: cell.load(source, schema, grammar))
    except (RewardRefused, CellFailed) as error:
        _blame_program(error)
        seconds = time.perf_counter() - began
        return None, Check(name="contract", verdict="fail", message=str(error), line=error.line, seconds=seconds)
    return program, Check(name="contract", verdict="pass", seconds=time.perf_counter() - began)


def _probe(name: str, check: Callable[[Trial], Outcome], trial: Trial, seconds: float) -> Check:
    """A check that must find time, and whose rows training may never meet: a cell that gives up on them proves nothing.

    The cell is made anew where it ended, so that what comes next can still be made.
    """
    if trial.left <= 0:
        message = f"the {seconds:g} s of all checks were spent before it; allow more with --probe-seconds"
        return Check(name=name, verdict="no evidence", message=message)
    began = time.perf_counter()
    try:
        return _told(name, check(trial), began)
    except CellFailed as error:
        _blame_program(error)
        if error.reason in ("deadline", "died"):
            trial.cell.load(trial.program.source, trial.schema, trial.program.grammar)
        return _told(name, no_evidence(str(error)), began)


def _carry_out(name: str, check: Callable[[Trial], Outcome], trial: Trial) -> Check:
    began = time.perf_counter()

    def again() -> Outcome:
        trial.cell.load(trial.program.source, trial.schema, trial.program.grammar)
        return check(trial)

    try:
        return _told(name, _once_more(lambda: check(trial), again), began)
    except (CellFailed, RewardRefused) as error:
        _blame_program(error)
        return _told(name, fault(str(error), line=error.line), began)


def _once_more(do: Callable[[], T], again: Callable[[], T] | None = None) -> T:
    """A cell that was ended may have been ended from outside, by a user or for memory that others took."""
    try:
        return do()
    except CellFailed as error:
        if error.reason != "died":
            raise
        return (again or do)()


def _told(name: str, outcome: Outcome, began: float) -> Check:
    seconds = time.perf_counter() - began
    return Check(
        name=name,
        verdict=outcome.verdict,
        message=outcome.message,
        rows=outcome.rows,
        tried=outcome.tried,
        line=outcome.line,
        seconds=seconds,
    )


def _blame_program(error: RewardRefused | CellFailed) -> None:
    """Only where there was a program to blame: a machine that starts no cell refuses no candidate."""
    if isinstance(error, CellFailed) and error.reason == "start":
        raise error
