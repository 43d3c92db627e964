"""What a running search tells whoever watches. Libraries never print: the CLI's display is an observer."""

from __future__ import annotations

from pathlib import Path

from autoreward.store.records import CandidateRecord, Report, RoundAnalysis, RunRecord
from autoreward.training.contract import Progress


class Observer:
    """Override what you want to see; everything does nothing by default."""

    def run_started(self, folder: Path, run: RunRecord, resumed: bool) -> None:
        """The run folder exists."""

    def note(self, text: str) -> None:
        """Something worth a line: a skipped picture, a notice on isolation, a cap that is reached."""

    def round_started(self, round_: int, candidates: int) -> None:
        """A generation begins; `round_` counts from 0."""

    def candidate_stage(self, round_: int, index: int, stage: str, detail: str = "") -> None:
        """A candidate moves on: `designing`, `verifying`, `repairing`, `refused`, `waiting`."""

    def training_progress(self, label: str, seed: int, progress: Progress) -> None:
        """A training of `label` moves on: `1.2` for a candidate, `sparse`, `human`, `designed` ... for the others."""

    def candidate_finished(self, record: CandidateRecord) -> None:
        """A candidate's trainings have ended, or it was refused."""

    def round_finished(self, analysis: RoundAnalysis) -> None:
        """A generation is analysed."""

    def phase_started(self, name: str, detail: str) -> None:
        """`selection` or `report` begins."""

    def run_finished(self, folder: Path, report: Report) -> None:
        """The report is written."""

    def run_stopped(self, reason: str) -> None:
        """It ends before its report, through a fault or the user; `resume` goes on with it."""
