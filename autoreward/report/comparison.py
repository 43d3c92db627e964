"""What is told of runs side by side; `autoreward.search.comparing` fills it."""

from __future__ import annotations

from typing import Literal

from autoreward.critic.distances import Distances
from autoreward.records import Record
from autoreward.report.run import State
from autoreward.store.records import Row, Spent

Seeds = Literal["report", "selection", "search"]
"""Which seeds a success was measured on. A reward that was chosen on its seeds looks better on them than it is."""


class Side(Record):
    """One of the runs."""

    name: str
    """`A`, `B` ... in the order in which they were named."""
    run: str
    """Its id."""
    folder: str
    task: str
    state: State
    designer: str
    candidate: str | None
    """The best one, as `round.index`; None where none was trained."""
    seeds: Seeds | None
    best: Row | None
    """The best reward on these seeds."""
    reference: Row | None
    """The environment's own reward, or the hand-written reference, where the run has its report."""
    spent: Spent


class Pair(Record):
    """The first run beside another one."""

    first: str
    second: str
    improvement: float | None = None
    """Probability that a training with the second's best reward succeeds more often than one with the first's."""
    improvement_interval: tuple[float, float] | None = None
    """95% bootstrap interval of it; None below 5 seeds."""
    not_compared: str = ""
    """Why success is not compared, in words; empty where it is."""
    diff: tuple[str, ...] = ()
    """Lines of a unified diff of the best rewards, without line ends; none where they are equal or one is missing."""
    distances: Distances | None = None
    not_measured: str = ""
    """Why the distances are not known, in words; empty where they are."""


class Difference(Record):
    """A setting in which the runs differ."""

    setting: str
    values: tuple[str, ...]
    """Of each run, in their order."""


class Comparison(Record):
    """Runs side by side."""

    sides: tuple[Side, ...]
    pairs: tuple[Pair, ...]
    """The first run with each of the others."""
    settings: tuple[Difference, ...]
