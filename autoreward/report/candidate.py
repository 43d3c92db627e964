"""A candidate as people look at it: its records, joined. Each is read when it is first asked for, and then kept."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from autoreward.critic.contract import Verdict
from autoreward.designer.contract import Finding
from autoreward.report.text import percent
from autoreward.store.folder import Drafted, RunFolder
from autoreward.store.records import CandidateAnalysis, CandidateRecord, RoundAnalysis
from autoreward.training.contract import TrainingResult

Status = Literal["being designed", "waiting", "trained", "refused", "failed"]
"""`waiting`: the Critic has accepted it, and its trainings have not ended."""


class Candidate:
    """A candidate of a run: its program, where it came from, what was said of it, and what training made of it.

    Raises:
        RunDamaged: (by every property) a file is there but does not read as its record.
    """

    def __init__(self, folder: RunFolder, round_: int, index: int, analysis: RoundAnalysis | None) -> None:
        self.folder = folder
        self.round, self.index = round_, index
        self._round = analysis

    @property
    def place(self) -> tuple[int, int]:
        """(round, index), as records name it."""
        return self.round, self.index

    @property
    def name(self) -> str:
        """As screens show it: `round.index`."""
        return f"{self.round}.{self.index}"

    # Records ----------------------------------------------------------------------------------------------------

    @cached_property
    def drafted(self) -> Drafted | None:
        """The proposal that it ended with; None while it is designed."""
        return self.folder.drafted(self.round, self.index)

    @cached_property
    def verdict(self) -> Verdict | None:
        """What the Critic said last; None while it is designed."""
        return self.folder.verdict(self.round, self.index)

    @cached_property
    def record(self) -> CandidateRecord | None:
        """Its end in the search; None before."""
        return self.folder.candidate(self.round, self.index)

    @property
    def analysis(self) -> CandidateAnalysis:
        """What the Analyzer found out about it; empty before its round is closed."""
        found = self._round.candidates.get(self.index) if self._round else None
        return found or CandidateAnalysis()

    # Design -----------------------------------------------------------------------------------------------------

    @cached_property
    def source(self) -> str:
        """The reward program; empty while it is designed."""
        return self.folder.source(self.round, self.index) if self.verdict else ""

    @property
    def origin(self) -> str:
        """`composer`, `llm` or `start_from`; empty while it is designed."""
        return self.drafted.proposal.origin if self.drafted else ""

    @property
    def parent(self) -> tuple[int, int] | None:
        """(round, index) of the candidate that it was made from."""
        return self.drafted.proposal.parent if self.drafted else None

    @property
    def note(self) -> str:
        """What it changes and why, in the Designer's words."""
        return self.drafted.proposal.note if self.drafted else ""

    @property
    def idea(self) -> str:
        """What its program says of itself."""
        return self.verdict.program.idea if self.verdict and self.verdict.program else ""

    @property
    def repairs(self) -> int:
        """How often it was mended after the Critic refused it."""
        return self.drafted.repairs if self.drafted else 0

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the Critic's checks suspected, a sentence each."""
        return self.verdict.warnings if self.verdict else ()

    # Training ---------------------------------------------------------------------------------------------------

    @property
    def status(self) -> Status:
        """How far it has come."""
        if self.record:
            return self.record.status
        if self.verdict is None:
            return "being designed"
        return "waiting" if self.verdict.status == "accepted" else "refused"

    @property
    def reason(self) -> str:
        """Why it was stopped early, refused, or failed; empty where it was not."""
        return self.record.why if self.record else self.verdict.reason if self.verdict else ""

    @property
    def steps(self) -> int:
        """Environment steps of each of its trainings, which success and score belong to; 0 before they have ended."""
        return self.record.steps if self.record and self.record.trainings else 0

    @property
    def success(self) -> float | None:
        """Mean true success rate over the search seeds."""
        return self.record.success_rate if self.record else None

    @property
    def score(self) -> float | None:
        """Mean score over the search seeds."""
        return self.record.score if self.record else None

    @cached_property
    def results(self) -> dict[int, TrainingResult]:
        """Seed -> result of its training, of those that are there, failed ones included."""
        trainings = self.record.trainings if self.record else {}
        found = {seed: self.folder.result(training, self.steps) for seed, training in trainings.items()}
        return {seed: result for seed, result in found.items() if result is not None}

    @property
    def success_by_seed(self) -> dict[int, float | None]:
        """Search seed -> success rate of the shipped policy; None where the training failed."""
        return {seed: result.final.success_rate if result.final else None for seed, result in self.results.items()}

    @property
    def label(self) -> Finding | None:
        """Why it does as it does, in one word and its evidence."""
        return self.analysis.label

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the Analyzer found, the label first."""
        return self.analysis.told

    @property
    def incumbent(self) -> bool:
        """Whether the search held it for the best after its round."""
        return self._round is not None and self._round.incumbent == self.place

    def __repr__(self) -> str:
        return f"<Candidate {self.name}: {self.status}, success {percent(self.success)}>"
