"""The `Designer` contract: what a Designer is told, and what it gives."""

from __future__ import annotations

from typing import Literal, Protocol

from autoreward.language.program import Grammar
from autoreward.records import Record
from autoreward.schema import EnvSchema
from autoreward.task import Task
from autoreward.training.contract import Evaluation, TermStatistics

Label = Literal[
    "solved",
    "not_the_reward",
    "never_fires",
    "survival_farming",
    "wrong_sign",
    "budget_too_short",
    "unstable_learning",
    "premature_death",
    "observation_limited",
    "wrong_frame",
    "reward_flooding",
    "exploit",
    "exploration_failure",
    "weak_shaping",
]
"""Why a candidate does as it does, one of them for each; `docs/critic-and-analyzer.md` says what each means.
`not_the_reward` is said of a round, where every reward fails alike."""

Diagnosis = (
    Literal[
        "never_succeeds",
        "misaligned",
        "flooding",
        "constant_term",
        "early_death",
        "unstable",
        "still_improving",
        "training_failed",
        "advice",
    ]
    | Label
)
"""Labels, further things that are computed, and `advice` for what a language model adds. `misaligned`: own return rises
while success and score do not; `flooding`: one dense term swamps the others; `wrong_sign`: a term's sum correlates
negatively with success or score; `early_death`: episodes end early in failure; `unstable`: success was reached and
lost."""


class Finding(Record):
    """One thing that the Analyzer found out about a candidate; the next round's Designer is given it."""

    diagnosis: Diagnosis
    text: str
    """What was seen, with its numbers."""
    suggestion: str
    """What to change."""
    term: str | None = None
    """The term it is about."""
    evidence: dict[str, float] = {}
    source: Literal["computed", "llm"] = "computed"


class Course(Record):
    """A training's episodes in about ten equal stretches of it, exploration included; empty stretches are left out."""

    points: tuple[int, ...]
    """Environment steps at which each stretch ends."""
    success: tuple[float, ...]
    length: tuple[float, ...]
    """Steps, mean."""
    own_return: tuple[float, ...]
    score: tuple[float, ...] = ()
    outcomes: dict[str, tuple[float, ...]] = {}
    """Outcome -> share of the episodes; only those that happened."""


class Measured(Record):
    """What was computed from the files of the training that is told of: the search seed that did worst."""

    seed: int
    others: dict[int, tuple[float, ...]] = {}
    """Each other seed -> success at the evaluations during its training."""
    course: Course | None = None
    saturation: dict[str, float] = {}
    """Term -> share of the steps of the told episodes in which it had its largest or its smallest value, where that is
    in half of them at least."""


class PastCandidate(Record):
    """A candidate of an earlier round, as a Designer is told of it."""

    round: int
    index: int
    idea: str
    source: str
    status: Literal["trained", "refused", "failed"]
    reason: str = ""
    """Why it was refused or failed."""
    steps: int = 0
    """Environment steps of each of its trainings; among candidates, those with more come first."""
    stopped: str = ""
    """Why it was stopped before the task's steps, in words; empty where it was not."""
    success_rate: float | None = None
    """Mean over the search seeds."""
    seed_success: tuple[float, ...] = ()
    """The success rate on each of them."""
    score: float | None = None
    evaluations: tuple[Evaluation, ...] = ()
    """Of the search seed that did worst, during training; terms and episodes are of it too."""
    shipped_step: int | None = None
    """Where that seed's policy was kept: the checkpoint with the best own return."""
    terms: dict[str, TermStatistics] = {}
    label: Finding | None = None
    """Why it does as it does; None where nothing was trained, and in records of before there were labels."""
    measured: Measured | None = None
    parent: tuple[int, int] | None = None
    """(round, index) of the candidate that it was made from."""
    findings: tuple[Finding, ...] = ()
    episodes: str = ""
    """The best, a middling and failed episodes told as text."""
    warnings: tuple[str, ...] = ()
    """What the Critic's executable checks suspected before it was trained, a sentence each."""
    incumbent: bool = False
    """Whether it is the best so far."""
    plain: bool = False
    """Whether means are all that is told of it (`--analyzer statistics`)."""


class Brief(Record):
    """Everything that a Designer may know: never the value of the success rule, the score, or the human reward."""

    task: Task
    schema_: EnvSchema
    grammar: Grammar
    round: int
    index: int
    """Which candidate of the round."""
    candidates: int
    """How many candidates the round has."""
    history: tuple[PastCandidate, ...] = ()
    """All earlier rounds, in order."""
    siblings: tuple[str, ...] = ()
    """Sources already proposed in this round, which a new proposal must differ from."""
    seed: int = 0
    """Of the run; with `round` and `index` it determines what the composer proposes."""


class Proposal(Record):
    """A candidate before verification."""

    source: str
    origin: Literal["composer", "llm", "start_from"] = "composer"
    note: str = ""
    """What it changes and why, in a sentence."""
    parent: tuple[int, int] | None = None
    """(round, index) of the candidate that it was made from."""


class Designer(Protocol):
    """Proposes reward programs. Implementations pass `autoreward.testing.check_designer`."""

    def propose(self, brief: Brief) -> Proposal:
        """A new candidate."""
        ...

    def repair(self, brief: Brief, refused: Proposal, reason: str, attempt: int) -> Proposal:
        """The candidate mended, after the Critic refused it for `reason`; `attempt` counts from 1."""
        ...
