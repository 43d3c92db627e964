"""The records of a run folder. A record's presence means that the step it records is done."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from autoreward.config import RunConfig
from autoreward.designer.contract import Finding, Measured
from autoreward.records import Record
from autoreward.sandbox.isolation import Isolation
from autoreward.schema import EnvSchema
from autoreward.task import Task

SCHEMA_VERSION = 2
"""1: `isolation` was a sentence."""


def _of_words(value: object) -> object:
    """Every run of version 1 had a cell of level C, and said so in a sentence."""
    return {"level": "C"} if isinstance(value, str) else value


def _as_before(value: object) -> object:
    """Every run of before trainings could be stopped trained all of them to the end, and was judged by no other."""
    return {"stop_when_hacked": False, "episodes": "own", **value} if isinstance(value, dict) else value


class RunRecord(Record):
    """`run.json`: what the run is. Written once, at the start."""

    id: str
    created: str
    """ISO 8601, UTC."""
    autoreward: str
    """Version of the package."""
    task: Task
    """With the configuration's overrides applied."""
    env_schema: EnvSchema
    config: Annotated[RunConfig, BeforeValidator(_as_before)]
    designer: str
    """`composer`, `llm` or `module:attr`; never `auto`."""
    isolation: Annotated[Isolation, BeforeValidator(_of_words)]
    """What a cell had witnessed on this machine when the run began."""
    schema_version: int = SCHEMA_VERSION


class Spent(Record):
    """What the search has used so far."""

    env_steps: int = 0
    wall_seconds: float = 0.0
    llm_calls: int = 0
    llm_tokens: int = 0
    llm_usd: float | None = None
    """US dollars; None where the price of a call is not known, which is not the same as nothing."""
    stopped: str = ""
    """Which cap ended the search, or left a round fewer candidates; empty while none did."""


class CandidateRecord(Record):
    """`candidate.json`: a candidate's end in the search."""

    round: int
    index: int
    origin: str
    idea: str
    note: str = ""
    parent: tuple[int, int] | None = None
    status: Literal["trained", "refused", "failed"]
    reason: str = ""
    repairs: int = 0
    trainings: dict[int, str] = {}
    """Seed -> hash of the training."""
    steps: int = 0
    """Environment steps of each training, which success and score belong to; fewer than the task's where it was stopped
    early, and then no number of it is to be compared with those of a whole training."""
    stopped: str = ""
    """Why it was stopped early, in words; empty where it had all the task's steps."""
    unspent: int = 0
    """Environment steps that its trainings together had left when they were stopped because they hacked the reward."""
    success_rate: float | None = None
    """Mean over the search seeds' final evaluations."""
    score: float | None = None

    @property
    def name(self) -> str:
        """As screens show it: `round.index`."""
        return f"{self.round}.{self.index}"

    @property
    def why(self) -> str:
        """Why it ended as it did, where that needs a word: it was stopped early, refused, or a training failed."""
        return "; ".join(part for part in (self.stopped, self.reason) if part)


class CandidateAnalysis(Record):
    """What the Analyzer found out about one candidate."""

    label: Finding | None = None
    """Why it does as it does, in one word and its evidence; None where nothing was trained, and in older records."""
    measured: Measured | None = None
    findings: tuple[Finding, ...] = ()
    episodes: str = ""
    """The best, a middling and failed episodes told as text."""

    @property
    def told(self) -> tuple[Finding, ...]:
        """The label, then the findings that say something else."""
        if self.label is None:
            return self.findings
        own = (self.label.diagnosis, self.label.term)
        return (self.label, *(finding for finding in self.findings if (finding.diagnosis, finding.term) != own))


class RoundAnalysis(Record):
    """`analysis.json`: closes a round."""

    round: int
    candidates: dict[int, CandidateAnalysis] = {}
    incumbent: tuple[int, int] | None = None
    """(round, index) of the best candidate so far; replaced only when beaten."""
    hopeless: Finding | None = None
    """That no reward so far has led to success, and most likely why; None while one may."""


class Row(Record):
    """One reward, measured on seeds that the search never saw."""

    name: Literal["random", "sparse", "human", "reference", "designed", "finalist"]
    label: str
    """As tables show it."""
    trainings: dict[int, str]
    """Seed -> hash."""
    success: tuple[float, ...]
    """Success rate on each seed, in the order of `trainings`."""
    scores: tuple[float, ...] = ()
    episodes: int
    """Evaluation episodes of each seed."""
    steps: int
    """Environment steps of each training."""
    seconds: float
    """Mean training time."""
    success_iqm: float | None = None
    """Interquartile mean over seeds; None where no training succeeded in ending."""
    success_interval: tuple[float, float] | None = None
    """95% bootstrap interval of it; None below 5 seeds, where each seed is printed instead."""
    score_iqm: float | None = None
    score_interval: tuple[float, float] | None = None
    failed: int = 0
    """Trainings that gave no result, counted as success 0."""
    lost: dict[int, str] = {}
    """Seed -> hash of those that failed through the machine; they count nowhere else."""

    @property
    def missing(self) -> str:
        """How many of its trainings gave nothing, as tables show it; empty where all did."""
        counts = {"failed": self.failed, "lost": len(self.lost)}
        return ", ".join(f"{count} {how}" for how, count in counts.items() if count)


class Selection(Record):
    """`selection.json`: the finalists, compared on seeds of their own."""

    finalists: tuple[tuple[int, int], ...]
    rows: tuple[Row, ...]
    """One a finalist, in the same order."""
    winner: tuple[int, int]


class Report(Record):
    """`report.json`: closes the run."""

    winner: tuple[int, int] | None
    """None where no candidate could be trained."""
    rows: tuple[Row, ...]
    stopped: str = ""
    """Which cap ended the search early, or left a round fewer candidates; empty where none did."""
    hopeless: Finding | None = None
    """That every reward fails alike, the environment's own too, and most likely why."""
    spent: Spent
