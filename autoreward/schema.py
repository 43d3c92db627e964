"""What a reward program may read: the fields of an environment, with unit, range and meaning."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from autoreward.errors import UnknownName
from autoreward.records import Record


class Field(Record):
    """One named quantity of an environment, the same in every simulation of a batch."""

    name: str
    """Identifier by which programs and expressions read it."""
    shape: tuple[int, ...] = ()
    """Shape without the leading batch dimension; () is one number."""
    dtype: Literal["float32", "int64", "bool"] = "float32"
    """Quantities are float32 (integers would wrap); only ids stay integers and flags booleans."""
    unit: str = ""
    """SI unit, such as `m/s`; empty where there is none or where it is not known."""
    low: float | None = None
    """Lowest value seen or possible; None where unbounded or not known."""
    high: float | None = None
    meaning: str = ""
    """What it is, and which direction is positive."""
    policy_sees: bool = True
    """False for what only reward and success may read."""
    source: str = ""
    """Where the environment adapter finds it, such as `obs[8:10]`, `info.x_position`, `body.torso.xpos`."""


class ActionSpec(Record):
    """The policy's action as reward programs see it."""

    kind: Literal["continuous", "discrete"]
    shape: tuple[int, ...] = ()
    """(A,) for continuous actions; () for discrete ones."""
    low: float | None = None
    high: float | None = None
    choices: int | None = None
    """Number of discrete actions."""
    meaning: str = ""


class EnvSchema(Record):
    """The typed description of an environment that Designer, Critic and reward programs share."""

    env_id: str
    fields: tuple[Field, ...]
    action: ActionSpec
    step_limit: int
    """Steps after which an episode is truncated."""
    description: str = ""
    """What the environment is, with everything that tells the human reward withheld."""

    @property
    def names(self) -> list[str]:
        """Names of all fields, in order."""
        return [field.name for field in self.fields]

    def field(self, name: str) -> Field:
        """The field of that name.

        Raises:
            UnknownName: there is none; the message lists the closest names.
        """
        for field in self.fields:
            if field.name == name:
                return field
        raise UnknownName("field", name, self.names, f"`autoreward envs show {self.env_id}` lists all fields.")

    def check_known(self, names: Iterable[str]) -> None:
        """Raise `UnknownName` for the first name that is not a field."""
        for name in names:
            self.field(name)
