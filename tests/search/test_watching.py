"""A run can be watched: its page is there, and as of now, when a round ends."""

from pathlib import Path

from autoreward.designer.contract import Brief, Proposal
from autoreward.search.loop import start
from autoreward.search.observer import Observer
from autoreward.store.records import RoundAnalysis, RunRecord
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.run import small_run
from autoreward.testing.trainer import CLIMB, line_task


class Climbing:
    """A Designer whose programs all work."""

    def propose(self, brief: Brief) -> Proposal:
        return Proposal(source=CLIMB.replace("2.0", f"{2 + brief.round + brief.index}.0"))

    def repair(self, brief: Brief, refused: Proposal, reason: str, attempt: int) -> Proposal:
        raise AssertionError(f"none is refused: {reason}")


class Watching(Observer):
    """Opens the page at the end of each round."""

    def __init__(self) -> None:
        self.pages: list[str] = []
        self.notes: list[str] = []

    def run_started(self, folder: Path, run: RunRecord, resumed: bool) -> None:
        self.folder = folder

    def round_finished(self, analysis: RoundAnalysis) -> None:
        page = self.folder / "report.html"
        self.pages.append(page.read_text() if page.exists() else "")

    def note(self, text: str) -> None:
        self.notes.append(text)


class InTheWay(Watching):
    """Keeps the page from being written until the last round has ended."""

    def run_started(self, folder: Path, run: RunRecord, resumed: bool) -> None:
        super().run_started(folder, run, resumed)
        (folder / "report.html").mkdir()

    def round_finished(self, analysis: RoundAnalysis) -> None:
        if analysis.round == 1:
            (self.folder / "report.html").rmdir()


def watched(runs: Path, watch: Watching) -> Watching:
    seeds = dict.fromkeys(("search_seeds", "selection_seeds", "report_seeds", "candidates"), 1)
    config = small_run(runs, designer="test_watching:Climbing", rounds=2, report_episodes=2, **seeds)
    start(line_task(), config, watch, engine=InProcessEngine())
    return watch


def test_the_page_is_written_again_after_each_round(tmp_path: Path) -> None:
    first, second = watched(tmp_path, Watching()).pages
    assert 'id="c-0-0"' in first and 'id="c-1-0"' not in first
    assert 'id="c-1-0"' in second
    assert 'data-live="' in second and ">running at 20" in second


def test_a_page_that_cannot_be_written_ends_no_run(tmp_path: Path) -> None:
    watch = watched(tmp_path, InTheWay())
    assert len([note for note in watch.notes if "report.html could not be written" in note]) == 2
    assert (watch.folder / "report.html").is_file(), "at the end nothing was in the way"
