"""Where the reward of a training step comes from: a program in its cell, the success rule, or the environment."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from autoreward.errors import CellFailed, MachineFailed, TrainingFailed
from autoreward.language.program import Program
from autoreward.reward.total import total, weighted
from autoreward.sandbox.contract import Cell, Memory, Scores
from autoreward.sandbox.isolation import Level
from autoreward.schema import EnvSchema
from autoreward.training.contract import RewardSpec

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]


SHOWN = 16
"""Rows that are kept of a reward that is not finite."""


@dataclass(frozen=True)
class Chunk:
    """T steps of N environments, as a reward is computed from them."""

    state: dict[str, Array]
    """Fields before each step, [T, N, ...]."""
    action: Array
    """[T, N, A] float32, or [T, N] int64."""
    next_state: dict[str, Array]
    """Fields after each step and before any reset, [T, N, ...]."""
    begun: Bools
    """[T, N]: the step is the first of its episode."""
    human: Floats
    """[T, N]: the environment's own reward."""
    solved: Bools
    """[T, N]: the episode rule holds for the first time in this step (`final` rules: in the last step)."""
    number: int
    """Environment steps of the training before the chunk, for messages."""


class Fault(TrainingFailed):
    """A reward or an action is no number, or the program fails; `arrays` are the rows that show it, [K, ...] each."""

    def __init__(self, message: str, arrays: dict[str, Array]) -> None:
        super().__init__(message)
        self.arrays = arrays


class RewardSource(Protocol):
    """Gives the rewards of a training, chunk by chunk. One source serves one training."""

    state_fields: tuple[str, ...]
    next_state_fields: tuple[str, ...]
    seconds: float
    """Time spent waiting for the reward."""

    def score(self, chunk: Chunk) -> tuple[Floats, dict[str, Floats]]:
        """The rewards [T, N], and their weighted terms, each [T, N].

        Raises:
            Fault: a reward is not finite, or its program fails on these states.
            TrainingFailed: its program cannot be run at all.
        """
        ...

    def arrays(self) -> dict[str, Array]:
        """For a checkpoint: what the source remembers of the episodes under way."""
        ...

    def restore(self, arrays: dict[str, Array]) -> None:
        """Go back to what `arrays` gave."""
        ...

    def close(self) -> None:
        """End what the source holds open."""
        ...


class _Forgetful:
    """A source that remembers nothing and holds nothing open."""

    state_fields: tuple[str, ...] = ()
    next_state_fields: tuple[str, ...] = ()
    seconds = 0.0

    def arrays(self) -> dict[str, Array]:
        """Nothing."""
        return {}

    def restore(self, arrays: dict[str, Array]) -> None:
        """Nothing is restored."""

    def close(self) -> None:
        """Nothing is open."""


class HumanReward(_Forgetful):
    """The environment's own reward: the baseline `human`."""

    def score(self, chunk: Chunk) -> tuple[Floats, dict[str, Floats]]:
        """What the environment gave."""
        if not np.isfinite(chunk.human).all():
            raise Fault(
                f"the environment's own reward is not finite after step {chunk.number}",
                _rows(chunk, _bad(chunk.human), {"reward": chunk.human}),
            )
        return chunk.human, {}


class SparseReward(_Forgetful):
    """1 in the step in which the episode rule first holds, else 0: the baseline `sparse`."""

    def score(self, chunk: Chunk) -> tuple[Floats, dict[str, Floats]]:
        """Paid once an episode."""
        return chunk.solved.astype(np.float32), {}


class ProgramReward:
    """A reward program in its cell. Memory is kept here, so that the cell can be started again once."""

    def __init__(self, spec: RewardSpec, schema: EnvSchema, new_cell: Callable[[], Cell]) -> None:
        """Load the program.

        Raises:
            RewardRefused: it breaks a rule of the reward language.
            IsolationTooWeak: the cell is isolated less than it must be.
            MachineFailed: no cell can be started.
            TrainingFailed: the cell cannot load it.
        """
        if spec.source is None:
            raise TrainingFailed("a reward of kind 'program' needs its source")
        self._source, self._grammar, self._schema = spec.source, spec.grammar, schema
        self._new_cell = new_cell
        self._memory = Memory()
        self._restarts = 1
        self.seconds = 0.0
        try:
            self._cell, self.program = self._start()
        except CellFailed as error:
            if error.reason == "start":
                raise MachineFailed(str(error)) from error
            raise TrainingFailed(f"the reward program cannot be loaded: {error}") from error
        self.state_fields = self.program.state_fields
        self.next_state_fields = self.program.next_state_fields

    @property
    def isolation(self) -> Level | None:
        """What the cell has witnessed."""
        return self._cell.isolation.level if self._cell.isolation else None

    def score(self, chunk: Chunk) -> tuple[Floats, dict[str, Floats]]:
        """The totals and the weighted terms: one round trip to the cell, however long the chunk."""
        inputs = {f"state.{name}": chunk.state[name] for name in self.state_fields}
        inputs |= {f"next_state.{name}": chunk.next_state[name] for name in self.next_state_fields}
        if self.program.reads_action:
            inputs["action"] = chunk.action
        started = time.perf_counter()
        scores = self._score(inputs, chunk)
        self.seconds += time.perf_counter() - started
        self._memory = scores.memory
        terms = weighted(self.program, scores.terms)
        reward = total(self.program, scores.terms)
        if not np.isfinite(reward).all():
            raise _not_finite(chunk, reward, terms)
        return reward, terms

    def recorded_terms(self, inputs: dict[str, Array], lengths: NDArray[np.int64]) -> dict[str, Floats]:
        """Weighted terms of recorded episodes, each [T, R]; 0 past an episode's end.

        Args:
            inputs: arrays named by `Program.inputs`, [T, R, ...]; T is the longest, what lies past an end is ignored.
            lengths: [R].

        Raises:
            CellFailed: the program cannot score them.
        """
        steps = int(lengths.max(initial=0))
        if not steps:
            return {}
        begun = np.zeros((steps, len(lengths)), dtype=np.bool_)
        begun[0] = True
        valid = np.arange(steps)[:, None] < lengths[None]
        terms = weighted(self.program, self._cell.score(inputs, begun, Memory()).terms)
        return {name: np.where(valid, values, 0.0) for name, values in terms.items()}

    def arrays(self) -> dict[str, Array]:
        """See `RewardSource`: the program's memory."""
        values = {f"value.{name}": array for name, array in self._memory.values.items()}
        return {**values, **{f"present.{name}": array for name, array in self._memory.present.items()}}

    def restore(self, arrays: dict[str, Array]) -> None:
        """See `RewardSource`."""
        parts = {
            kind: {name.removeprefix(kind): array for name, array in arrays.items() if name.startswith(kind)}
            for kind in ("value.", "present.")
        }
        self._memory = Memory(values=parts["value."], present=parts["present."])

    def close(self) -> None:
        """End the cell."""
        self._cell.close()

    def _start(self) -> tuple[Cell, Program]:
        cell = self._new_cell()
        try:
            try:
                return cell, cell.load(self._source, self._schema, self._grammar)
            except CellFailed as error:
                if error.reason != "died":
                    raise
                # Ended from outside, perhaps: it starts again by itself.
                return cell, cell.load(self._source, self._schema, self._grammar)
        except BaseException:
            cell.close()
            raise

    def _score(self, inputs: dict[str, Array], chunk: Chunk) -> Scores:
        begun, number = chunk.begun, chunk.number
        try:
            return self._cell.score(inputs, begun, self._memory)
        except CellFailed as error:
            # What a program raises, or gives that is no reward, it would raise and give again.
            if error.reason in ("exception", "output"):
                raise self._located(inputs, chunk, error) from error
            if not self._restarts:
                raise TrainingFailed(f"reward program failed after step {number}: {error}") from error
        # The memory of before the chunk is still here, so it is scored again as if nothing had happened.
        self._restarts -= 1
        self._cell.close()
        try:
            self._cell, self.program = self._start()
            return self._cell.score(inputs, begun, self._memory)
        except CellFailed as error:
            if error.reason == "start":
                raise MachineFailed(str(error)) from error
            raise TrainingFailed(f"reward program failed twice after step {number}: {error}") from error

    def _located(self, inputs: dict[str, Array], chunk: Chunk, error: CellFailed) -> TrainingFailed:
        """A failure of the chunk as one of the first step in which the program fails, with the rows of that step."""
        memory, rows = self._memory, chunk.begun.shape[1]
        for step in range(len(chunk.begun)):
            one = {name: values[step : step + 1] for name, values in inputs.items()}
            try:
                scores = self._cell.score(one, chunk.begun[step : step + 1], memory)
            except CellFailed as found:
                told = f"reward program failed at step {chunk.number + (step + 1) * rows}: {found}"
                return Fault(told, _rows(chunk, (np.full(rows, step), np.arange(rows)), {}))
            memory = scores.memory
        return TrainingFailed(f"reward program failed after step {chunk.number}: {error}")


def _not_finite(chunk: Chunk, reward: Floats, terms: dict[str, Floats]) -> Fault:
    guilty = [name for name, values in terms.items() if not np.isfinite(values).all()]
    what = f"term {guilty[0]!r}" if guilty else "the sum of the terms"
    given = {"reward": reward, **{f"term.{name}": values for name, values in terms.items()}}
    first = chunk.number + int(np.flatnonzero(~np.isfinite(reward).reshape(-1))[0]) + 1
    return Fault(f"{what} of the reward program is not finite at step {first}", _rows(chunk, _bad(reward), given))


def _bad(reward: Floats) -> tuple[Array, ...]:
    """Steps and rows of the first rewards that are not finite."""
    return tuple(index[:SHOWN] for index in np.nonzero(~np.isfinite(reward)))


def _rows(chunk: Chunk, found: tuple[Array, ...], given: dict[str, Array]) -> dict[str, Array]:
    """These steps and rows of everything that the reward saw, and of what it gave."""
    columns: dict[str, Array] = {"action": chunk.action, "begun": chunk.begun, **given}
    columns |= {f"state.{name}": values for name, values in chunk.state.items()}
    columns |= {f"next_state.{name}": values for name, values in chunk.next_state.items()}
    return {"step": found[0] + chunk.number // chunk.begun.shape[1], "row": found[1]} | {
        name: values[found] for name, values in columns.items()
    }


def make_reward(spec: RewardSpec, schema: EnvSchema, new_cell: Callable[[], Cell]) -> RewardSource:
    """The source of a reward that is trained on (every kind but `random`)."""
    if spec.kind == "program":
        return ProgramReward(spec, schema, new_cell)
    return SparseReward() if spec.kind == "sparse" else HumanReward()
