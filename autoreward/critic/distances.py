"""How far two finished rewards are from each other: EPIC and STARC on states that a random policy meets."""

from __future__ import annotations

from collections.abc import Callable

from autoreward.critic.checks.trial import STEPS, Trial
from autoreward.critic.earlier import measure
from autoreward.critic.similarity import pearson_distance, starc_distance
from autoreward.envs.contract import Transitions
from autoreward.language.static import grammar_of
from autoreward.records import Record
from autoreward.sandbox.contract import Cell
from autoreward.schema import EnvSchema
from autoreward.task import Task


class Distances(Record):
    """Between two rewards, each in [0, 1]; see `autoreward.critic.similarity`."""

    starc: float
    epic: float | None
    """None where one of them keeps something in memory: EPIC is not defined then."""
    seen: bool
    """Whether each term of both pays in some of these states; one that never does is in neither distance."""


def distances(
    first: str, second: str, schema: EnvSchema, task: Task, transitions: Transitions, new_cell: Callable[[], Cell]
) -> Distances:
    """Measure two programs, which run in a cell only.

    Args:
        first: a reward program.
        second: the other.
        schema: fields that they may read.
        task: that both are for; its discount counts.
        transitions: of that task's environment, by a random policy.
        new_cell: makes the cell; it is closed again.

    Raises:
        RewardRefused: one of them is no program of the reward language, or reads what is not there.
        CellFailed: one of them raised or ran too long, or no cell could be started.
    """
    cell = new_cell()
    try:
        program = cell.load(first, schema, grammar_of(first))
        inputs = {name: array[:STEPS] for name, array in transitions.inputs.items()}
        trial = Trial(program, schema, cell, new_cell, inputs, transitions.begun[:STEPS], task)
        one, two = measure(trial, first), measure(trial, second)
    finally:
        cell.close()
    epic = None if one.epic is None or two.epic is None else pearson_distance(one.epic, two.epic)
    return Distances(starc=starc_distance(one.starc, two.starc), epic=epic, seen=one.seen and two.seen)
