# ruff: noqa: D102 - what each method of an observer means stands in Observer
"""Where the runs of a sweep stand: told by their threads, shown by the command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from autoreward.search.observer import Observer
from autoreward.store.records import CandidateRecord, Report, RoundAnalysis, RunRecord
from autoreward.training.contract import Progress

Say = Callable[[str], None]


@dataclass
class Standing:
    """A run that is under way."""

    stage: str = "starting"
    trainings: dict[tuple[str, int], Progress] = field(default_factory=dict)
    """Those of the stage: label and seed -> how far it is."""
    best: float | None = None
    """True success of its best candidate so far, on its search seeds."""

    @property
    def told(self) -> str:
        """The stage, with how many of its trainings have ended."""
        if not self.trainings:
            return self.stage
        ended = sum(progress.stage in ("finished", "failed") for progress in self.trainings.values())
        return f"{self.stage}, {ended} of {len(self.trainings)} trainings"


class Board:
    """The runs under way. Safe to use from several threads."""

    def __init__(self, say: Say) -> None:
        """Set up; `say` is given each line that is worth one, by any thread but by one at a time."""
        # A live table holds its own lock while it asks where runs stand, and takes it to print a line: whoever prints
        # must not hold what `shown` waits for.
        self._say, self._saying, self._lock, self._said = say, Lock(), Lock(), set[str]()
        self._standings: dict[str, Standing] = {}

    def say(self, text: str) -> None:
        """A line."""
        with self._saying:
            self._say(text)

    def note(self, run: str, text: str) -> None:
        """A note of a run; what others have said too is said once."""
        with self._saying:
            if text not in self._said:
                self._said.add(text)
                self._say(f"{run}: {text}")

    def begin(self, run: str) -> None:
        """A run is begun or gone on with."""
        with self._lock:
            self._standings[run] = Standing()

    def end(self, run: str) -> None:
        """It is no longer under way."""
        with self._lock:
            self._standings.pop(run, None)

    def update(self, run: str, change: Callable[[Standing], None]) -> None:
        """A run moves on."""
        with self._lock:
            if (standing := self._standings.get(run)) is not None:
                change(standing)

    def shown(self) -> list[tuple[str, str, float | None]]:
        """Name, stage and best success so far of each run under way, the earliest first."""
        with self._lock:
            return [(name, standing.told, standing.best) for name, standing in self._standings.items()]


class Watch(Observer):
    """Tells the board how one run moves on, and ends it where the sweep takes no further work."""

    def __init__(self, board: Board, run: str, check: Callable[[], None], at_once: Callable[[], None]) -> None:
        """Set up.

        Args:
            board: is told.
            run: the run's name.
            check: called before each step; what it raises ends the run there.
            at_once: called during trainings too, where only an interrupt is to be heard.
        """
        self._board, self._run, self._check, self._at_once = board, run, check, at_once
        self._best: dict[str, float] = {}

    def run_started(self, folder: Path, run: RunRecord, resumed: bool) -> None:
        self._board.say(f"{'resumed' if resumed else 'started'} {folder}")

    def note(self, text: str) -> None:
        self._board.note(self._run, text)

    def round_started(self, round_: int, candidates: int) -> None:
        self._stage(f"round {round_}")

    def candidate_stage(self, round_: int, index: int, stage: str, detail: str = "") -> None:
        self._stage(f"round {round_}: {stage} {round_}.{index}")

    def training_progress(self, label: str, seed: int, progress: Progress) -> None:
        self._at_once()

        def change(standing: Standing) -> None:
            standing.stage = standing.stage.partition(":")[0]
            standing.trainings[label, seed] = progress

        self._board.update(self._run, change)

    def candidate_finished(self, record: CandidateRecord) -> None:
        if record.success_rate is not None:
            self._best[record.name] = record.success_rate
            best = max(self._best.values())
            self._board.update(self._run, lambda standing: setattr(standing, "best", best))
        self._at_once()

    def round_finished(self, analysis: RoundAnalysis) -> None:
        self._check()

    def phase_started(self, name: str, detail: str) -> None:
        self._stage(name)

    def run_finished(self, folder: Path, report: Report) -> None:
        self._board.update(self._run, lambda standing: setattr(standing, "stage", "finished"))

    def _stage(self, stage: str) -> None:
        def change(standing: Standing) -> None:
            standing.stage, standing.trainings = stage, {}

        self._board.update(self._run, change)
        self._check()
