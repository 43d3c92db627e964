# ruff: noqa: D102 - what each method means stands in Observer
"""Tells trackers what happens: TensorBoard's event files in every run, and what `--track` names.

It runs in the parent process, and reads records and progress only. Whatever fails in a tracker is one note, and the run
goes on without that tracker.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from autoreward.records import read_record, write_record
from autoreward.report.text import clean
from autoreward.search.observer import Observer, PassedOn
from autoreward.store.folder import RunFolder
from autoreward.store.records import CandidateRecord, Report, Row, RunRecord
from autoreward.tracking.contract import Opening, SeriesState, Sink, TrackerName, TrackingRecord
from autoreward.tracking.points import of_curves, of_evaluation, of_progress
from autoreward.tracking.registry import open_sink
from autoreward.training.contract import Progress

RECORD = "tracking.json"
POINTS = 50
"""Of a curve while a training is at work, at most."""
_PASSWORD = re.compile(r"//[^/@\s]*@")


class TrackedObserver(PassedOn):
    """Passes everything on to another observer, and tells sinks of it."""

    def __init__(self, watcher: Observer, tracker: TrackerName | None) -> None:
        super().__init__(watcher)
        self._names: list[TrackerName] = ["tensorboard", *([tracker] if tracker else [])]
        self._sinks: dict[str, Sink] = {}
        self._over = False
        self._record = TrackingRecord()

    # Events -----------------------------------------------------------------------------------------------------

    def run_started(self, folder: Path, run: RunRecord, resumed: bool) -> None:
        super().run_started(folder, run, resumed)
        self._folder, self._run = RunFolder(folder), run
        with self._harmless():
            if (folder / RECORD).exists():
                self._record = read_record(folder / RECORD, TrackingRecord)
        for name in () if self._over else self._names:
            opening = Opening(folder, run.id, _settings(run), self._record.ids.get(name, ""))
            with self._harmless(name):
                self._sinks[name] = open_sink(name, opening)
        with self._harmless():
            ids = self._record.ids | {name: sink.id for name, sink in self._sinks.items()}
            self._record = self._record.model_copy(update={"ids": ids})
            for record in self._folder.all_candidates():
                self._tell_candidate(record)
            self._save()

    def training_progress(self, label: str, seed: int, progress: Progress) -> None:
        super().training_progress(label, seed, progress)
        series = f"{label}/seed-{seed}"
        with self._harmless():
            state = self._state(series)
            if (evaluation := progress.evaluation) and evaluation.step > state.evaluated:
                self._tell(series, evaluation.step, of_evaluation(evaluation), evaluated=evaluation.step)
            gap = self._run.task.steps // POINTS if progress.stage == "training" else 1
            if progress.recent and progress.step - state.step >= max(gap, 1):
                self._tell(series, progress.step, of_progress(progress), step=progress.step)

    def candidate_finished(self, record: CandidateRecord) -> None:
        super().candidate_finished(record)
        with self._harmless():
            self._tell_candidate(record)
            self._save()

    def run_finished(self, folder: Path, report: Report) -> None:
        super().run_finished(folder, report)
        with self._harmless():
            selection = self._folder.selection()
            for place, row in zip(selection.finalists, selection.rows, strict=True) if selection else ():
                self._tell_trainings(f"{place[0]}.{place[1]}", row.trainings, row.steps)
            for row in report.rows:
                self._tell_row(row)
        self._close(finished=True)

    def run_stopped(self, reason: str) -> None:
        super().run_stopped(reason)
        self._close(finished=False)

    # Telling ----------------------------------------------------------------------------------------------------

    def _tell_candidate(self, record: CandidateRecord) -> None:
        if record.name not in self._record.texts:
            text = clean(self._folder.source(record.round, record.index))
            self._each(lambda sink: sink.text(record.name, text))
            self._record = self._record.model_copy(update={"texts": (*self._record.texts, record.name)})
        self._tell_trainings(record.name, record.trainings, record.steps)

    def _tell_trainings(self, label: str, trainings: dict[int, str], steps: int) -> None:
        """What their results have that their progress did not tell."""
        for seed, training in trainings.items():
            series = f"{label}/seed-{seed}"
            state, told = self._state(series), f"{training}-{steps}"
            result = self._folder.result(training, steps or self._run.task.steps) if state.final != told else None
            if result is None or result.final is None:
                continue
            for step, values in of_curves(result) if not state.step else ():
                self._tell(series, step, values, step=step)
            for evaluation in result.evaluations:
                if evaluation.step > state.evaluated:
                    self._tell(series, evaluation.step, of_evaluation(evaluation), evaluated=evaluation.step)
            self._tell(series, result.trained, of_evaluation(result.final, "final"), final=told)

    def _tell_row(self, row: Row) -> None:
        """A row of the report: each seed, and all of them together."""
        self._tell_trainings(row.name, row.trainings, row.steps)
        values = {"report/success": row.success_iqm, "report/score": row.score_iqm}
        known = {name: value for name, value in values.items() if value is not None}
        if self._state(row.name).final != row.label:
            self._tell(row.name, row.steps, known, final=row.label)

    def _tell(self, series: str, at: int, values: dict[str, float], **reached: int | str) -> None:
        if values:
            self._each(lambda sink: sink.scalars(series, at, values))
        state = self._state(series).model_copy(update=reached)
        self._record.series[series] = state

    def _state(self, series: str) -> SeriesState:
        return self._record.series.get(series, SeriesState())

    # Sinks ------------------------------------------------------------------------------------------------------

    def _each(self, call: Callable[[Sink], None]) -> None:
        for name, sink in list(self._sinks.items()):
            with self._harmless(name):
                call(sink)

    def _close(self, finished: bool) -> None:
        with self._harmless():
            self._save()
        self._each(lambda sink: sink.close(finished))
        self._sinks.clear()

    def _save(self) -> None:
        if self._sinks:
            write_record(self._folder.path / RECORD, self._record)

    @contextmanager
    def _harmless(self, name: str = "") -> Iterator[None]:
        """Whatever fails in it costs that tracker, or all of them where it is none in particular."""
        try:
            yield
        except Exception as fault:
            if self._over:
                return
            self._over = not name
            for lost in [name] if name else list(self._sinks):
                self._sinks.pop(lost, None)
            told = _PASSWORD.sub("//***@", clean(" ".join(f"{type(fault).__name__}: {fault}".split())))
            self.note(f"{name or 'the trackers'} could not be told, and the run goes on without: {told[:300]}")


def _settings(run: RunRecord) -> dict[str, str]:
    """What tells a run from others; nothing of the language model's endpoint but the model."""
    config = run.config
    found: dict[str, object] = {
        "task": run.task.name,
        "text": clean(run.task.text),
        "environment": run.task.env.id,
        "success": clean(run.task.success.expression),
        "designer": run.designer,
        "steps": run.task.steps,
        "rounds": config.rounds,
        "candidates": config.candidates,
        "seed": config.seed,
        "isolation": run.isolation.level,
        "autoreward": run.autoreward,
    }
    if run.designer == "llm":
        found["model"] = config.llm.model
    return {name: str(value) for name, value in found.items()}
