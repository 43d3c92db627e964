"""The run folder: where each record lies, and nothing that is not on disk.

It is the log, the cache, the resume point, the replay cassette and the worker's contract at once.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from autoreward.critic.contract import Verdict
from autoreward.designer.contract import Proposal
from autoreward.errors import RunDamaged, UserError
from autoreward.records import Record, RecordT, read_record, write_bytes, write_record
from autoreward.store.records import CandidateRecord, Report, RoundAnalysis, RunRecord, Selection, Spent
from autoreward.training.contract import TrainingJob, TrainingResult
from autoreward.training.files import JOB, result_name


class Drafted(Record):
    """`proposal.json`: the proposal that a candidate ended with, after `repairs` repairs."""

    proposal: Proposal
    repairs: int


class RunFolder:
    """Reads and writes one run. Getters give None, or nothing, for what is not there yet.

    Raises:
        RunDamaged: (by every getter) a file is there but does not read as its record.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """An existing run.

        Raises:
            UserError: there is no run folder at this path.
        """
        folder = cls(path)
        if not path.is_dir():
            raise UserError(f"{path} is not a folder; `ls {path.parent}` shows the runs that are there")
        if not (path / "run.json").exists():
            raise RunDamaged(f"{path} has no run.json, so it is no run folder or the run never began; start a new run")
        return folder

    # Paths ------------------------------------------------------------------------------------------------------

    @property
    def best(self) -> Path:
        """The exported package of the best reward."""
        return self.path / "best"

    @property
    def rounds_path(self) -> Path:
        """Folder of the rounds; LLM calls are recorded under it."""
        return self.path / "rounds"

    def candidate_path(self, round_: int, index: int) -> Path:
        """Folder of one candidate."""
        return self.rounds_path / f"{round_:02d}" / "candidates" / str(index)

    def training_folder(self, training_hash: str) -> Path:
        """Folder of one training."""
        return self.path / "trainings" / training_hash

    # Reading ----------------------------------------------------------------------------------------------------

    def _get(self, path: Path, model: type[RecordT]) -> RecordT | None:
        return read_record(path, model) if path.exists() else None

    def run(self) -> RunRecord:
        """What the run is."""
        return read_record(self.path / "run.json", RunRecord)

    def rounds(self) -> list[int]:
        """Numbers of the rounds that have begun."""
        return _numbered(self.rounds_path)

    def indices(self, round_: int) -> list[int]:
        """Indices of the candidates that have been begun in a round."""
        return _numbered(self.rounds_path / f"{round_:02d}" / "candidates")

    def candidates(self, round_: int) -> list[CandidateRecord]:
        """The candidates of a round whose end is recorded."""
        paths = (self.candidate_path(round_, index) / "candidate.json" for index in self.indices(round_))
        return [record for path in paths if (record := self._get(path, CandidateRecord))]

    def all_candidates(self) -> Iterator[CandidateRecord]:
        """The candidates of all rounds, in order."""
        for round_ in self.rounds():
            yield from self.candidates(round_)

    def source(self, round_: int, index: int) -> str:
        """The candidate's reward program; links are not followed, since what they lead to may be nobody's to show."""
        path = self.candidate_path(round_, index) / "reward.py"
        if path.resolve() != self.path.resolve() / path.relative_to(self.path):
            raise RunDamaged(f"{path} cannot be read: it lies behind a link, which is not followed")
        try:
            return path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise RunDamaged(f"{path} cannot be read: {error}") from None

    def drafted(self, round_: int, index: int) -> Drafted | None:
        """The candidate's proposal."""
        return self._get(self.candidate_path(round_, index) / "proposal.json", Drafted)

    def verdict(self, round_: int, index: int) -> Verdict | None:
        """What the Critic said last."""
        return self._get(self.candidate_path(round_, index) / "verify.json", Verdict)

    def candidate(self, round_: int, index: int) -> CandidateRecord | None:
        """The candidate's end in the search."""
        return self._get(self.candidate_path(round_, index) / "candidate.json", CandidateRecord)

    def analysis(self, round_: int) -> RoundAnalysis | None:
        """What closes a round."""
        return self._get(self.rounds_path / f"{round_:02d}" / "analysis.json", RoundAnalysis)

    def selection(self) -> Selection | None:
        """The comparison of the finalists."""
        return self._get(self.path / "selection.json", Selection)

    def report(self) -> Report | None:
        """What closes the run."""
        return self._get(self.path / "report.json", Report)

    def spent(self) -> Spent:
        """What the search has used."""
        return self._get(self.path / "spent.json", Spent) or Spent()

    def result(self, training_hash: str, steps: int) -> TrainingResult | None:
        """The result of a training."""
        return self._get(self.training_folder(training_hash) / result_name(steps), TrainingResult)

    # Writing ----------------------------------------------------------------------------------------------------

    def write_text(self, name: str, text: str) -> None:
        """A text file at the top of the folder."""
        write_bytes(self.path / name, text.encode())

    def write_run(self, record: RunRecord) -> None:
        """Write `run.json`."""
        write_record(self.path / "run.json", record)

    def write_draft(self, round_: int, index: int, draft: Drafted, verdict: Verdict) -> None:
        """A designed candidate; the verdict comes last, since its presence says that the design is done."""
        path = self.candidate_path(round_, index)
        write_bytes(path / "reward.py", draft.proposal.source.encode(errors="replace"))
        write_record(path / "proposal.json", draft)
        write_record(path / "verify.json", verdict)

    def write_candidate(self, record: CandidateRecord) -> None:
        """Write `candidate.json`."""
        write_record(self.candidate_path(record.round, record.index) / "candidate.json", record)

    def write_analysis(self, analysis: RoundAnalysis) -> None:
        """Write `analysis.json`."""
        write_record(self.rounds_path / f"{analysis.round:02d}" / "analysis.json", analysis)

    def write_selection(self, selection: Selection) -> None:
        """Write `selection.json`."""
        write_record(self.path / "selection.json", selection)

    def write_report(self, report: Report) -> None:
        """Write `report.json`."""
        write_record(self.path / "report.json", report)

    def write_spent(self, spent: Spent) -> None:
        """Write `spent.json`."""
        write_record(self.path / "spent.json", spent)

    def add_training(self, job: TrainingJob) -> Path:
        """The folder of a training, with its job; the same job has the same folder, however it is isolated.

        What a worker reads there is this job, whatever the folder said: a run from elsewhere names no Python there.
        """
        folder = self.training_folder(job.hash)
        if self._get(folder / JOB, TrainingJob) != job:
            write_record(folder / JOB, job)
        return folder


PAUSES = (0.0, 0.02, 0.1)
"""Seconds before each attempt to lock a folder: whoever asks `is_locked` holds it for a moment too."""


def _numbered(folder: Path) -> list[int]:
    """Folders whose names are numbers; whatever else lies there is not ours."""
    return sorted(int(path.name) for path in folder.glob("[0-9]*") if path.name.isdecimal() and path.is_dir())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep two processes from working in one folder; the lock goes with the process, however it ends.

    Raises:
        UserError: another process holds it, and which; or nothing can be written there.
    """
    try:
        file = (path / ".lock").open("a+")
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {error.strerror or error}; mend that (`ls -ld {path}` shows whose it is), "
            "then type the same command again"
        ) from None
    with file:
        for pause in PAUSES:
            time.sleep(pause)
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
        else:
            raise UserError(f"another process is at work on {path}{_holder(file)}; wait for it, or stop it first")
        with suppress(OSError):  # the lock holds without a name, also on a full disk
            name = f"process {os.getpid()} on {socket.gethostname()}, since {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
            file.truncate(0)
            os.write(file.fileno(), name.encode())
        yield


def _holder(file: TextIO) -> str:
    """Who has written that they hold the lock."""
    file.seek(0)
    told = " ".join(file.read(200).split())
    return f" ({told})" if told.startswith("process ") and told.isprintable() else ""


def is_locked(path: Path) -> bool:
    """Whether a process of this machine is at work on a folder, as `locked` says; False where that cannot be told."""
    try:
        with (path / ".lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
