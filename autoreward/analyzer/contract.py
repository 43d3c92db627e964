"""What the anatomy of a reward holds, and from which trainings it is made; see `autoreward.analyzer.anatomy`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from autoreward.language.program import Grammar
from autoreward.records import Record

Number = Annotated[float, Field(ge=-1e60, le=1e60, allow_inf_nan=False)]
"""What can be drawn, whoever wrote the file that it is read from."""


@dataclass(frozen=True)
class Source:
    """A training whose recorded episodes are looked at."""

    folder: Path
    label: str
    """What its policy was trained on, as people read it: `candidate 1.2`, `random policy`."""
    own: bool
    """Whether that is the reward which is looked at."""

    @property
    def training(self) -> str:
        """Its hash."""
        return self.folder.name


class Happened(Record):
    """Something that happened in an episode."""

    step: int
    """After which it was so, from 0 (before the first step)."""
    kind: Literal["field", "success", "end"]
    text: str


class Shown(Record):
    """One episode, step by step."""

    title: str
    """Why it is shown, such as `a typical success`."""
    source: str
    """What its policy was trained on."""
    own: bool
    """Whether that is this reward."""
    training: str
    """Hash of the training."""
    episode: int
    """Number in its final evaluation."""
    steps: Annotated[int, Field(ge=1, le=10**7)]
    success: bool
    score: Number | None
    happened: tuple[Happened, ...]
    """In order; the last one is its end, with the outcomes that hold there."""
    moments: tuple[int, ...]
    """Key steps: first, last, and where the fields that success and score read bend."""
    at: tuple[int, ...]
    """Steps (from 1) that the courses are given for; of a stretch of steps, each gives what lies farthest from 0."""
    total: tuple[Number, ...]
    """The reward of these steps."""
    terms: dict[str, tuple[Number, ...]]
    """Term -> what it pays, weighted, in these steps."""
    sums: dict[str, Number]
    """Term -> what it pays in all steps together."""
    value: Number
    """The return."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        whole = all(len(course) == len(self.at) for course in (self.total, *self.terms.values()))
        inside = all(0 <= step <= self.steps for step in (*self.moments, *(each.step for each in self.happened)))
        if not (
            whole
            and inside
            and self.at
            and list(self.at) == sorted({*self.at})
            and 0 < self.at[0] <= self.at[-1] <= self.steps
        ):
            raise ValueError("the courses of an episode do not fit its steps")
        return self


class Returns(Record):
    """Undiscounted returns of the recorded episodes; each None where there are no such episodes."""

    own: float | None
    """Mean of the policies that were trained on this reward."""
    success: float | None
    """Mean over all successes, whatever their policies were trained on."""
    failure: float | None
    """Mean over all failures."""
    order: float | None
    """Share of the pairs of a success and a failure in which the success returns more; equals count half."""


class Term(Record):
    """One term."""

    name: str
    weight: float | None
    """None in the grammar `signs`, which has no weights."""
    share: float
    """Of the return of the reward's own policies: its mean absolute sum over an episode, of those of all terms."""
    active: float
    """Share of their steps in which it is not 0."""
    level: float | None
    """The end of its range that it has most often; None where it has three values or fewer, as events have."""
    saturated: float
    """Share of the steps in which it lies there."""
    correlation: float | None
    """Of its sum over an episode with success, over all episodes; None where either is the same in all."""
    score_correlation: float | None
    """The same with the task's score."""
    without: Returns
    """Of the reward without this term, over the same episodes."""


class Count(Record):
    """How many episodes were looked at."""

    trainings: int
    successes: int
    failures: int


class Anatomy(Record):
    """Of one reward."""

    grammar: Grammar
    trainings: tuple[str, ...]
    """Hashes of those whose episodes were looked at, as far as they recorded any."""
    own: Count
    """Episodes of policies trained on this reward."""
    others: Count
    """Those of other policies of the run."""
    whole: Returns
    terms: tuple[Term, ...]
    """The largest share first."""
    shown: tuple[Shown, ...]
    """A success and a failure, as far as there are any."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        names = {term.name for term in self.terms}
        if not names or any({*shown.terms} != names or {*shown.sums} != names for shown in self.shown):
            raise ValueError("an episode is not told of each term")
        return self
