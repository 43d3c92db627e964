"""Recorded episodes of any policies as one reward pays them: the program runs in its cell, and nowhere else.

Covered: a file of episodes is data from anywhere; names, shapes, types and sizes are checked before arrays are read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoreward.analyzer.contract import Source
from autoreward.analyzer.recorded import Array
from autoreward.analyzer.telling import Episode, recorded_episodes
from autoreward.critic.stored_arrays import Arrays, Damaged
from autoreward.envs.episodes import EpisodeJudge
from autoreward.errors import CellFailed
from autoreward.language.program import Program
from autoreward.reward.total import total, total_without, weighted
from autoreward.sandbox.contract import Cell, Memory
from autoreward.schema import EnvSchema
from autoreward.task import Task
from autoreward.training.evaluation import RECORDED
from autoreward.training.files import TRAJECTORIES

_TYPES = {"float32": "f", "int64": "iu", "bool": "b"}

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """One recorded episode, and what the reward pays for it."""

    source: Source
    episode: Episode
    """With the reward's terms, weighted; not with those that its policy was trained on."""
    paid: Floats
    """[T]: the reward of each step."""
    without: dict[str, float]
    """Term -> the return, had the reward been without it."""

    @property
    def value(self) -> float:
        """Its return, undiscounted."""
        return float(self.paid.sum())


def scored(
    text: str,
    sources: Sequence[Source],
    task: Task,
    schema: EnvSchema,
    new_cell: Callable[[], Cell],
    note: Callable[[str], None],
) -> tuple[Program, list[Scored]]:
    """The recorded episodes of some trainings as a reward program pays them.

    Episodes on which the program fails, or for which it pays something that is not finite, are left out.

    Args:
        text: the program.
        sources: the trainings.
        task: that the program is for, and whose rules judge episodes.
        schema: of the environment.
        new_cell: makes the cell that the program runs in; it is closed again.
        note: is told which files are skipped, and why.

    Raises:
        RewardRefused: it is no program of the reward language.
        CellFailed: the cell died, or ran past its limits.
        IsolationTooWeak: the cell is isolated less than it must be.
    """
    cell, found = new_cell(), list[Scored]()
    try:
        program = cell.load(text, schema, task.grammar)
        for source in sources:
            try:
                found += _of_training(source, cell, program, task, schema)
            except (OSError, Damaged) as error:
                note(f"the episodes of training {source.training} are left out: {error}")
    finally:
        cell.close()
    return program, found


def _of_training(source: Source, cell: Cell, program: Program, task: Task, schema: EnvSchema) -> list[Scored]:
    path = source.folder / TRAJECTORIES
    if not path.is_file():
        return []
    arrays = _read(path, program, task, schema)
    if not len(arrays["recorded"]):
        return []
    try:
        return _paid(source, cell, program, arrays)
    except CellFailed as fault:
        _check_of_program(fault)
    # It fails on one of them at least: on which, only one at a time tells.
    found = []
    for row in range(len(arrays["recorded"])):
        try:
            found += _paid(source, cell, program, _only(arrays, row))
        except CellFailed as fault:
            _check_of_program(fault)
    return found


def _check_of_program(fault: CellFailed) -> None:
    """Raise what is not the program's answer to these states."""
    if fault.reason not in ("exception", "output"):
        raise fault


def _only(arrays: dict[str, Array], row: int) -> dict[str, Array]:
    """The arrays of one recorded episode, without what lies past its end."""
    steps, rows = int(arrays["length"][arrays["recorded"][row]]), slice(row, row + 1)
    fields = {name: arrays[name][rows, : steps + 1] for name in arrays if name.startswith("field.")}
    return arrays | fields | {"recorded": arrays["recorded"][rows], "action": arrays["action"][rows, :steps]}


def _paid(source: Source, cell: Cell, program: Program, arrays: dict[str, Array]) -> list[Scored]:
    terms = cell.score(_inputs(arrays, program), _begun(arrays["action"]), Memory()).terms
    pay, whole = weighted(program, terms), total(program, terms)
    left = total_without(program, terms) or {name: whole - values for name, values in pay.items()}
    found = []
    for episode in recorded_episodes(arrays):
        steps = slice(0, episode.length)
        own = {name: values[steps, episode.place] for name, values in pay.items()}
        paid = whole[steps, episode.place].astype(np.float64)
        if not all(np.isfinite(values).all() for values in (paid, *own.values())):
            continue
        without = {name: float(values[steps, episode.place].sum(dtype=np.float64)) for name, values in left.items()}
        found.append(Scored(source, replace(episode, terms=own), paid, without))
    return found


def _inputs(arrays: dict[str, Array], program: Program) -> dict[str, Array]:
    """[T, R, ...]; what lies past an episode's end is its last state again."""
    inputs = {"action": arrays["action"].swapaxes(0, 1)}
    for name in {*program.state_fields, *program.next_state_fields}:
        values = arrays[f"field.{name}"].swapaxes(0, 1)
        inputs[f"state.{name}"], inputs[f"next_state.{name}"] = values[:-1], values[1:]
    return {name: np.ascontiguousarray(inputs[name]) for name in program.inputs}


def _begun(action: Array) -> NDArray[np.bool_]:
    begun = np.zeros(action.shape[1::-1], dtype=np.bool_)
    begun[0] = True
    return begun


def _read(path: Path, program: Program, task: Task, schema: EnvSchema) -> dict[str, Array]:
    """What is needed of a `trajectories.npz`: results, actions, and some of the fields."""
    with Arrays(path) as file:
        count, of_all = file.length_of("recorded"), file.length_of("length")
        recorded = file.read("recorded", (count,), "iu")
        if count > RECORDED or (count and not 0 <= recorded.min() <= recorded.max() < of_all):
            raise Damaged("`recorded` names episodes that are not there")
        outcomes = [f"outcome.{name}" for name in task.outcomes if file.has(f"outcome.{name}")]
        kinds = {"length": "iu", "success": "b", "score": "f"} | dict.fromkeys(outcomes, "b")
        arrays = {name: file.read(name, (of_all,), letters) for name, letters in kinds.items()}
        arrays |= {"recorded": recorded, "action": file.read("action", (count, None, *schema.action.shape), "fiu")}
        lengths, steps = arrays["length"][recorded], arrays["action"].shape[1]
        if count and not 1 <= lengths.min() <= lengths.max() <= steps <= schema.step_limit:
            raise Damaged(f"an episode has {lengths.max()} steps of at most {min(steps, schema.step_limit)}")
        for field in (schema.field(name) for name in sorted(_wanted(program, task, schema))):
            arrays[f"field.{field.name}"] = file.read(
                f"field.{field.name}", (count, steps + 1, *field.shape), _TYPES[field.dtype]
            )
    return arrays


def _wanted(program: Program, task: Task, schema: EnvSchema) -> Collection[str]:
    """Fields: those that the program and the task's rules read, and single numbers, whose changes are events."""
    wanted = {*program.state_fields, *program.next_state_fields, *EpisodeJudge(task, schema, 1).fields}
    return wanted | {field.name for field in schema.fields if not field.shape}
