"""A run as people look at it: what its folder holds, joined by round and candidate. Nothing of it is written.

Covered: every text of a run is escaped in what notebooks show, and no program of it is run. A record is read when it is
first asked for and then kept; load the run again to see what has been added.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from autoreward.designer.contract import Finding
from autoreward.errors import UnknownName, UserError
from autoreward.llm.calls import RecordedCall, read_calls
from autoreward.llm.ledger import Ledger, ledger
from autoreward.records import RecordT
from autoreward.report.candidate import Candidate
from autoreward.report.notebook import COLUMNS, escaped, html_table, row
from autoreward.report.text import number, percent
from autoreward.store.folder import RunFolder, is_locked
from autoreward.store.records import (
    Report,
    Row,
    RunRecord,
    Selection,
    Spent,
)
from autoreward.task import Task

if TYPE_CHECKING:
    import pandas

State = Literal["finished", "running", "stopped"]
"""`running`: a process of this machine is at work on it."""


class ReadOnce(RunFolder):
    """A run folder whose files are read once: what shows a run looks at the same training several times."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._read: dict[Path, Any] = {}

    def _get(self, path: Path, model: type[RecordT]) -> RecordT | None:
        if path not in self._read:
            self._read[path] = super()._get(path, model)
        found: RecordT | None = self._read[path]
        return found


class Round:
    """A round of a run."""

    def __init__(self, folder: RunFolder, number_: int) -> None:
        self.number = number_
        self.analysis = folder.analysis(number_)
        """What closed it; None before."""
        self.candidates = tuple(Candidate(folder, number_, index, self.analysis) for index in folder.indices(number_))

    @property
    def incumbent(self) -> tuple[int, int] | None:
        """(round, index) of the best candidate after it."""
        return self.analysis.incumbent if self.analysis else None

    @property
    def hopeless(self) -> Finding | None:
        """That no reward so far has led to success, and most likely why."""
        return self.analysis.hopeless if self.analysis else None

    def __repr__(self) -> str:
        return f"<Round {self.number}: {len(self.candidates)} candidates>"


class Run:
    """A run, finished or not.

    Raises:
        UserError: (when it is made) there is no run folder at this path.
        RunDamaged: (when it is made, and by every property) a file is there but does not read as its record.
    """

    def __init__(self, path: Path) -> None:
        self.folder = ReadOnce.open(path)
        self.record: RunRecord = self.folder.run()
        """Task, configuration and versions, as the run began."""

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.folder.path

    @property
    def task(self) -> Task:
        """What was asked, with the configuration's overrides."""
        return self.record.task

    @property
    def state(self) -> State:
        """Whether it has come to its end, and if not, whether a process is at work on it."""
        if self.report:
            return "finished"
        return "running" if is_locked(self.path) else "stopped"

    @cached_property
    def report(self) -> Report | None:
        """What closes it: winner and baselines on seeds that the search never saw; None before."""
        return self.folder.report()

    @cached_property
    def selection(self) -> Selection | None:
        """The finalists on seeds of their own; None before."""
        return self.folder.selection()

    @property
    def finalists(self) -> dict[tuple[int, int], Row]:
        """(round, index) of each finalist -> how it did on the selection seeds."""
        return dict(zip(self.selection.finalists, self.selection.rows, strict=False)) if self.selection else {}

    @cached_property
    def spent(self) -> Spent:
        """What it has used so far."""
        return self.report.spent if self.report else self.folder.spent()

    @cached_property
    def calls(self) -> tuple[RecordedCall, ...]:
        """Each call of the language model."""
        return tuple(read_calls(self.folder.rounds_path))

    @property
    def incumbents(self) -> dict[int, tuple[int, int] | None]:
        """Closed round -> (round, index) of the best candidate after it."""
        return {round_.number: round_.incumbent for round_ in self.rounds if round_.analysis}

    @cached_property
    def ledger(self) -> Ledger:
        """What the language model took, by role, by round, and for each candidate that became the best."""
        return ledger(self.calls, self.incumbents)

    @cached_property
    def rounds(self) -> tuple[Round, ...]:
        """Those that have begun."""
        return tuple(Round(self.folder, number_) for number_ in self.folder.rounds())

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Of all rounds, in order."""
        return tuple(candidate for round_ in self.rounds for candidate in round_.candidates)

    def candidate(self, name: str | tuple[int, int]) -> Candidate:
        """The candidate of a name such as `1.2`, or of a place such as (1, 2).

        Raises:
            UnknownName: there is none.
        """
        wanted = name if isinstance(name, str) else f"{name[0]}.{name[1]}"
        for candidate in self.candidates:
            if candidate.name == wanted:
                return candidate
        known = [candidate.name for candidate in self.candidates]
        there = f"{self.path} has {', '.join(known[:40])}." if known else f"{self.path} has none yet."
        raise UnknownName("candidate", wanted, known, f"{there} `autoreward inspect {self.path}` shows them.")

    @property
    def best(self) -> Candidate | None:
        """The winner; before the end, the selected candidate, or the best so far; None where there is none."""
        if self.report:
            place = self.report.winner
        elif self.selection:
            place = self.selection.winner
        else:
            closed = [round_.incumbent for round_ in self.rounds if round_.incumbent]
            place = closed[-1] if closed else None
        return self.candidate(place) if place else None

    def to_frame(self) -> pandas.DataFrame:
        """A row a candidate, named `round.index`; columns as in `row`.

        Raises:
            UserError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise UserError("to_frame needs pandas, which is not installed; type: pip install pandas") from None
        rows = {candidate.name: row(candidate) for candidate in self.candidates}
        return pandas.DataFrame.from_dict(rows, orient="index", columns=COLUMNS)

    def __repr__(self) -> str:
        return f"<Run {self.record.id}: {self.task.name}, {self.state}, {len(self.candidates)} candidates>"

    def _repr_html_(self) -> str:
        """The run in a notebook: what was asked, what came out, and a row a candidate."""
        best = f"best: candidate {self.best.name}" if self.best else "no candidate trained yet"
        head = [f"{self.record.id}: {self.state}, {best}", f"{self.task.name}: {self.task.text}"]
        results = [
            (one.label, percent(one.success_iqm), f"{len(one.success)} seeds")
            for one in (self.report.rows if self.report else ())
        ]
        candidates = [
            (
                candidate.name + ("*" if candidate.incumbent else ""),
                candidate.status,
                percent(candidate.success),
                number(candidate.score),
                candidate.label.diagnosis if candidate.label else "",
                candidate.reason or candidate.idea,
            )
            for candidate in self.candidates
        ]
        parts = [f"<p>{'<br>'.join(map(escaped, head))}</p>"]
        parts += [html_table(("reward", "true success", "on"), results)] if results else []
        parts += [html_table(("candidate", "status", "success", "score", "label", "idea, or the reason"), candidates)]
        return "\n".join(parts)
