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


class PassedOn(Observer):
    """Passes everything on to another observer; override what is to be done besides."""

    def __init__(self, watcher: Observer) -> None:
        self._watcher = watcher

    def run_started(self, folder: Path, run: RunRecord, resumed: bool) -> None:  # noqa: D102 - as in Observer
        self._watcher.run_started(folder, run, resumed)

    def note(self, text: str) -> None:  # noqa: D102
        self._watcher.note(text)

    def round_started(self, round_: int, candidates: int) -> None:  # noqa: D102
        self._watcher.round_started(round_, candidates)

    def candidate_stage(self, round_: int, index: int, stage: str, detail: str = "") -> None:  # noqa: D102
        self._watcher.candidate_stage(round_, index, stage, detail)

    def training_progress(self, label: str, seed: int, progress: Progress) -> None:  # noqa: D102
        self._watcher.training_progress(label, seed, progress)

    def candidate_finished(self, record: CandidateRecord) -> None:  # noqa: D102
        self._watcher.candidate_finished(record)

    def round_finished(self, analysis: RoundAnalysis) -> None:  # noqa: D102
        self._watcher.round_finished(analysis)

    def phase_started(self, name: str, detail: str) -> None:  # noqa: D102
        self._watcher.phase_started(name, detail)

    def run_finished(self, folder: Path, report: Report) -> None:  # noqa: D102
        self._watcher.run_finished(folder, report)

    def run_stopped(self, reason: str) -> None:  # noqa: D102
        self._watcher.run_stopped(reason)
