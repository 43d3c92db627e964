"""The executable part of the Critic: what a program must stand before any training is paid for."""

from __future__ import annotations

import time
from collections.abc import Callable

from autoreward.critic.checks import deterministic, edges, finite, rows, runs, timing, varies
from autoreward.critic.checks.outcome import Outcome, fault
from autoreward.critic.checks.trial import Trial
from autoreward.critic.contract import Check, Verdict
from autoreward.envs.contract import Transitions
from autoreward.errors import CellFailed, RewardRefused
from autoreward.language.program import Grammar, Program
from autoreward.sandbox.contract import Cell
from autoreward.schema import EnvSchema

CHECKS: tuple[tuple[str, Callable[[Trial], Outcome]], ...] = (
    ("runs", runs.check),
    ("finite", finite.check),
    ("finite_at_edges", edges.check),
    ("deterministic", deterministic.check),
    ("row_independent", rows.check),
    ("not_constant", varies.check),
    ("time", timing.check),
)
"""Cheap before dear; they stop at the first failure."""


def verify(
    source: str, schema: EnvSchema, grammar: Grammar, transitions: Transitions, new_cell: Callable[[], Cell]
) -> Verdict:
    """Verify a reward program: static rules, then a dry run on recorded transitions.

    Args:
        source: the program.
        schema: fields that it may read.
        grammar: which functions it must define.
        transitions: recorded with a random policy, [T, N, ...].
        new_cell: makes the cells that the program runs in; all are closed again.

    Raises:
        CellFailed: no cell can be started on this machine, so nothing can be said about the program.
    """
    cell = new_cell()
    try:
        program, contract = _load(cell, source, schema, grammar)
        checks = [contract]
        if program is None:
            return Verdict(status="invalid", checks=tuple(checks))
        trial = Trial.of(program, schema, cell, new_cell, transitions)
        for name, check in CHECKS:
            checks.append(_carry_out(name, check, trial))
            if not checks[-1].passed:
                return Verdict(status="invalid", checks=tuple(checks), program=program)
        return Verdict(status="accepted", checks=tuple(checks), program=program, terms=tuple(trial.recorded.terms))
    finally:
        cell.close()


def _load(cell: Cell, source: str, schema: EnvSchema, grammar: Grammar) -> tuple[Program | None, Check]:
    """The check `contract`: the reward language's rules, and that the cell can compile the program."""
    began = time.perf_counter()
    try:
        program = cell.load(source, schema, grammar)
    except (RewardRefused, CellFailed) as error:
        _blame_program(error)
        seconds = time.perf_counter() - began
        return None, Check(name="contract", passed=False, message=str(error), line=error.line, seconds=seconds)
    return program, Check(name="contract", passed=True, seconds=time.perf_counter() - began)


def _carry_out(name: str, check: Callable[[Trial], Outcome], trial: Trial) -> Check:
    began, line = time.perf_counter(), None
    try:
        outcome = check(trial)
    except (CellFailed, RewardRefused) as error:
        _blame_program(error)
        outcome, line = fault(str(error)), error.line
    seconds = time.perf_counter() - began
    return Check(name=name, passed=outcome.passed, message=outcome.message, line=line, seconds=seconds)


def _blame_program(error: RewardRefused | CellFailed) -> None:
    """Only where there was a program to blame: a machine that starts no cell refuses no candidate."""
    if isinstance(error, CellFailed) and error.reason == "start":
        raise error
