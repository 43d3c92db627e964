"""Where the numbers of a run go while it is at work: the sinks, one file each, and what they share.

Covered: a sink is given what it needs by name, never a configuration or an environment, so no key reaches a run folder
or a tracker through us; what the trackers' own clients write there is tested. Programs of a language model go on as
text. Not covered: whoever has a tracker's key sees what is sent there, which is the task's text, the reward programs
and the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Protocol

from pydantic import StringConstraints

from autoreward.records import Record

TrackerName = Literal["tensorboard", "wandb", "mlflow"]
PROJECT = "autoreward"
"""What runs are filed under where the user has not named a project."""


class Sink(Protocol):
    """Takes what a run has to tell, in the order in which it happens; what it raises costs the run nothing."""

    id: str
    """Names the run there; with it, a run that was stopped goes on in the same place."""

    def scalars(self, series: str, step: int, values: Mapping[str, float]) -> None:
        """Finite numbers of one training.

        Args:
            series: which: `LABEL/seed-SEED`, such as `1.2/seed-1000`.
            step: environment steps of that training.
            values: such as `evaluation/success`, `training/length`, `term/reach`, `outcome/fell`.
        """

    def text(self, name: str, text: str) -> None:
        """A text, such as the reward program of candidate `1.2`, or the task's."""

    def close(self, finished: bool) -> None:
        """Nothing more comes for now; unless it is finished, the run may go on later."""


@dataclass(frozen=True)
class Opening:
    """What a sink begins with."""

    folder: Path
    """Of the run."""
    name: str
    """Of the run."""
    settings: Mapping[str, str]
    """What tells this run from others, in words that may be read by anybody who may read the tracker."""
    id: str = ""
    """Of the sink, when the run was at work before; empty where it begins."""


class SeriesState(Record):
    """How far one training has been told."""

    step: int = 0
    """Environment steps of its last point."""
    evaluated: int = 0
    """Those of its last evaluation."""
    final: str = ""
    """What its final evaluation was of; empty while that was not told."""


class TrackingRecord(Record):
    """`tracking.json`: what has been told of a run, so that a resumed one goes on and repeats nothing."""

    ids: dict[str, Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{0,64}$")]] = {}
    """Tracker -> `Sink.id`."""
    series: dict[str, SeriesState] = {}
    texts: tuple[str, ...] = ()
    """Names of the texts."""
