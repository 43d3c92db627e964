# ruff: noqa: D102 - what each method means stands in Observer
"""`run.log`: every event of a run as a line, whatever else watches it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from autoreward.search.observer import Observer, PassedOn
from autoreward.store.records import CandidateRecord, Report, RoundAnalysis, RunRecord
from autoreward.training.contract import Progress


class LoggedObserver(PassedOn):
    """Writes to `run.log` what it passes on to another observer."""

    def __init__(self, path: Path, watcher: Observer) -> None:
        super().__init__(watcher)
        self._path = path

    def _log(self, text: str) -> None:
        with self._path.open("a") as file:
            file.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {' '.join(text.split())}\n")

    def run_started(self, folder: Path, run: RunRecord, resumed: bool) -> None:
        self._log(f"{'resumed' if resumed else 'started'}: task {run.task.name}, designer {run.designer}")
        super().run_started(folder, run, resumed)

    def note(self, text: str) -> None:
        self._log(text)
        super().note(text)

    def round_started(self, round_: int, candidates: int) -> None:
        self._log(f"round {round_}: {candidates} candidates")
        super().round_started(round_, candidates)

    def candidate_stage(self, round_: int, index: int, stage: str, detail: str = "") -> None:
        self._log(f"candidate {round_}.{index}: {stage} {detail}")
        super().candidate_stage(round_, index, stage, detail)

    def training_progress(self, label: str, seed: int, progress: Progress) -> None:
        if progress.stage in ("finished", "failed"):
            self._log(f"training {label} seed {seed}: {progress.stage} at step {progress.step}")
        super().training_progress(label, seed, progress)

    def candidate_finished(self, record: CandidateRecord) -> None:
        reached = f"success {record.success_rate}, score {record.score}"
        self._log(f"candidate {record.name}: {record.status}, {reached} {record.stopped}")
        super().candidate_finished(record)

    def round_finished(self, analysis: RoundAnalysis) -> None:
        self._log(f"round {analysis.round} analysed; best so far {analysis.incumbent}")
        super().round_finished(analysis)

    def phase_started(self, name: str, detail: str) -> None:
        self._log(f"{name}: {detail}")
        super().phase_started(name, detail)

    def run_finished(self, folder: Path, report: Report) -> None:
        self._log(f"finished: winner {report.winner}")
        super().run_finished(folder, report)

    def run_stopped(self, reason: str) -> None:
        with suppress(OSError):  # the disk may be why
            self._log(f"stopped: {reason}")
        super().run_stopped(reason)
