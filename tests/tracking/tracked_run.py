"""A small run that is interrupted and resumed, for the tests of trackers."""

from pathlib import Path

import pytest

from autoreward.designer.contract import Brief, Proposal
from autoreward.search.loop import resume, start
from autoreward.search.observer import Observer
from autoreward.store.folder import RunFolder
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.run import small_run
from autoreward.testing.trainer import CLIMB, line_task
from autoreward.training.contract import Progress

SECRET = "0123456789secret0123456789secret01234567"


class Climbing:
    """A Designer whose programs work."""

    def propose(self, brief: Brief) -> Proposal:
        return Proposal(source=CLIMB)

    def repair(self, brief: Brief, refused: Proposal, reason: str, attempt: int) -> Proposal:
        raise AssertionError(f"none is refused: {reason}")


class Stopping(Observer):
    """Stops the run when the sparse reward is trained, and keeps the notes."""

    def __init__(self, stops: bool = True) -> None:
        self._stops = stops
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def training_progress(self, label: str, seed: int, progress: Progress) -> None:
        if self._stops and label == "sparse":
            raise KeyboardInterrupt


def interrupted_and_resumed(runs: Path, track: str) -> RunFolder:
    """One candidate, really trained; the notes of both parts are none about a tracker."""
    made = {"designer": "tracked_run:Climbing", "trainer": {"name": "batch"}, "steps": 1_000, "track": track}
    watch, again = Stopping(), Stopping(stops=False)
    with pytest.raises(KeyboardInterrupt):
        start(line_task(), small_run(runs, **made), watch, engine=InProcessEngine())
    (folder,) = (path.parent for path in runs.glob("*/run.json"))
    resume(folder, again, engine=InProcessEngine())
    assert not [note for note in watch.notes + again.notes if "could not be told" in note]
    return RunFolder(folder)


def holders(folder: Path, secret: str) -> list[Path]:
    """The files of a folder that hold a secret."""
    return [path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
