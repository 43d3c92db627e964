"""A reward program, ready to score: checked, and run in a cell unless the caller trusts it."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from autoreward.errors import UserError
from autoreward.language.program import Grammar, Program
from autoreward.language.static import check
from autoreward.sandbox.contract import Cell, Inputs, Memory, Scores
from autoreward.sandbox.isolation import Level
from autoreward.sandbox.process import ProcessCell
from autoreward.schema import EnvSchema


class Reward:
    """A reward program with the cell that runs it. Usable as a context manager; it can be copied and pickled.

    Attributes:
        program: what the static rules found: terms' weights, fields read, whether memory is used.
        schema: of the environment that it is for.
        trusted: whether it runs in this process instead of a cell.
        isolation: the least level that its cell must have; nothing to a trusted program.
    """

    def __init__(
        self,
        source: str,
        schema: EnvSchema,
        grammar: Grammar = "terms",
        trusted: bool = False,
        isolation: Level = "B",
    ) -> None:
        """Check a program; its cell starts with the first call of `score`.

        Raises:
            RewardRefused: it breaks a rule; the message says where, and what to write instead.
        """
        self.program: Program = check(source, schema.names, grammar)
        self.schema, self.trusted, self.isolation = schema, trusted, isolation
        self._cell: Cell | None = None
        self._owner = 0

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the arrays that `score` needs: `state.x`, `next_state.x`, `action`."""
        return self.program.inputs

    def score(self, inputs: Inputs, begun: NDArray[np.bool_], memory: Memory | None = None) -> Scores:
        """Terms of a rollout chunk, before weights; `autoreward.reward.total` makes the total.

        Args:
            inputs: the arrays named by `inputs`, each [T, N, ...].
            begun: [T, N], true where the step is the first of its episode.
            memory: of the N rows before the chunk; None at the very start.

        Raises:
            CellFailed: the program raised, died, ran past its deadline, or gave something that is not terms.
            IsolationTooWeak: as `start`.
        """
        return self._running().score(inputs, begun, memory if memory is not None else Memory())

    def start(self) -> None:
        """Start the cell now, rather than with the first score.

        Raises:
            CellFailed: it does not start, or the program fails while it is defined.
            IsolationTooWeak: it is isolated less than asked for; the message says how to accept that.
        """
        self._running()

    def close(self) -> None:
        """End the cell. A later `score` starts another one."""
        if self._cell is not None and self._owner == os.getpid():
            self._cell.close()
        self._cell = None

    def _running(self) -> Cell:
        # A process forked from this one shares the pipes of its cell, and needs a cell of its own.
        if self._cell is None or self._owner != os.getpid():
            cell = self._new_cell()
            try:
                cell.load(self.program.source, self.schema, self.program.grammar)
            except BaseException:
                cell.close()
                raise
            self._cell, self._owner = cell, os.getpid()
        return self._cell

    def _new_cell(self) -> Cell:
        if not self.trusted:
            return ProcessCell(least=self.isolation)
        from autoreward.sandbox.inprocess import InProcessCell  # RestrictedPython is needed here alone

        return InProcessCell()

    def __enter__(self) -> Reward:
        """The reward itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the cell."""
        self.close()

    def __reduce__(self) -> tuple[type[Reward], tuple[str, EnvSchema, Grammar, bool, Level]]:
        """Copies and pickles hold the program, and start a cell of their own."""
        return Reward, (self.program.source, self.schema, self.program.grammar, self.trusted, self.isolation)

    def __repr__(self) -> str:
        """The idea and the environment, for notebooks."""
        return f"<Reward for {self.schema.env_id}: {self.program.idea or 'no IDEA given'}>"


def read_source(path: Path) -> str:
    """The text of a reward file.

    Raises:
        UserError: it is missing, is no file, or is no text.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise UserError(f"reward file {path} does not exist") from None
    except UnicodeDecodeError:
        raise UserError(f"reward file {path} is not UTF-8 text") from None
    except OSError as error:
        raise UserError(f"reward file {path} cannot be read: {error.strerror}") from None
