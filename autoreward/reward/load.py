"""A reward program, ready to score: read from a file, checked, and run in a cell unless the caller trusts it."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from autoreward.errors import RewardRefused, UserError
from autoreward.language.program import Grammar, Program
from autoreward.language.static import check, grammar_of
from autoreward.sandbox.contract import Cell, Inputs, Memory, Scores
from autoreward.sandbox.process import ProcessCell
from autoreward.schema import EnvSchema


class Reward:
    """A reward program with the cell that runs it. Usable as a context manager; it can be copied and pickled.

    Attributes:
        program: what the static rules found: terms' weights, fields read, whether memory is used.
        schema: of the environment that it is for.
        trusted: whether it runs in this process instead of a cell.
    """

    def __init__(self, source: str, schema: EnvSchema, grammar: Grammar = "terms", trusted: bool = False) -> None:
        """Check a program; its cell starts with the first call of `score`.

        Raises:
            RewardRefused: it breaks a rule; the message says where, and what to write instead.
        """
        self.program: Program = check(source, schema.names, grammar)
        self.schema, self.trusted = schema, trusted
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
        """
        return self._running().score(inputs, begun, memory if memory is not None else Memory())

    def start(self) -> None:
        """Start the cell now, rather than with the first score.

        Raises:
            CellFailed: it does not start, or the program fails while it is defined.
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
            cell = _new_cell(self.trusted)
            try:
                cell.load(self.program.source, self.schema, self.program.grammar)
            except BaseException:
                cell.close()
                raise
            self._cell, self._owner = cell, os.getpid()
        return self._cell

    def __enter__(self) -> Reward:
        """The reward itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the cell."""
        self.close()

    def __reduce__(self) -> tuple[type[Reward], tuple[str, EnvSchema, Grammar, bool]]:
        """Copies and pickles hold the program, and start a cell of their own."""
        return Reward, (self.program.source, self.schema, self.program.grammar, self.trusted)

    def __repr__(self) -> str:
        """The idea and the environment, for notebooks."""
        return f"<Reward for {self.schema.env_id}: {self.program.idea or 'no IDEA given'}>"


def _new_cell(trusted: bool) -> Cell:
    if not trusted:
        return ProcessCell()
    from autoreward.sandbox.inprocess import InProcessCell  # RestrictedPython is needed here alone

    return InProcessCell()


def load_reward(path: str | Path, env: str | EnvSchema | None = None, trusted: bool = False) -> Reward:
    """Load a reward program from a file, or a reward package from its folder.

    Args:
        path: a reward file, or the folder of an exported package (such as a run's `best/`).
        env: what it is for: a task's name, a Gymnasium id, `module:Id`, or a schema. A package knows it.
        trusted: run the program in this process, without a cell. Faster for single steps, and without protection
            from a program that hangs, fills the memory, or breaks out of the reward language.

    Raises:
        UserError: the file cannot be read, or the environment is not given.
        UnknownName: there is no such task or environment.
        RewardRefused: the program breaks a rule.
    """
    path = Path(path)
    if path.is_dir():
        from autoreward.reward.package import load_package

        return load_package(path, trusted=trusted)
    source = read_source(path)
    if env is None:
        raise UserError(f"{path}: say which environment the reward is for: load_reward({str(path)!r}, env=...)")
    schema = env if isinstance(env, EnvSchema) else find_schema(env)
    try:
        return Reward(source, schema, grammar_of(source), trusted)
    except RewardRefused as error:
        named = RewardRefused(f"{path}: {error}", error.rule)
        named.line, named.column = error.line, error.column
        raise named from None


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


def find_schema(name: str) -> EnvSchema:
    """The schema of a task's environment (`reacher`, `pack.yaml`), or of a Gymnasium id.

    Raises:
        UnknownName: there is neither; the message lists the closest names.
    """
    from autoreward.envs.registry import describe  # gymnasium takes a while to import
    from autoreward.task import EnvSpec, load_task, task_names

    if ".yaml" in name or name in task_names():
        return describe(load_task(name).env)
    return describe(EnvSpec(id=name))
