"""The anatomy of a run's best reward: from which trainings it is made, when again, and how the page shows it."""

import base64
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from autoreward.analyzer.contract import Anatomy, Happened, Shown
from autoreward.records import write_record
from autoreward.report.page import write_report
from autoreward.report.run import Run
from autoreward.report.terms import FILE, MOST_OTHERS, anatomy_part, dissect, heading, readings, sources, stored
from autoreward.report.terms_plot import terms_over_time
from autoreward.sandbox.contract import Cell
from autoreward.sandbox.inprocess import InProcessCell
from autoreward.search.anatomy import keep_anatomy
from autoreward.store.folder import RunFolder
from autoreward.testing.folder import WINNER, example_run
from autoreward.training.files import TRAJECTORIES
from tests.report.reading import HOSTILE, Page, assert_harmless


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example_run(tmp_path_factory.mktemp("runs") / "example", episodes=True)


@pytest.fixture
def run(played: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(played, tmp_path / "run"))


def found(path: Path) -> Anatomy:
    kept = stored(RunFolder(path), WINNER)
    assert kept is not None
    return kept


def no_cell() -> Cell:
    raise AssertionError("no program is run for what is kept")


def test_all_trainings_on_the_reward_count_and_some_on_others(played: Path) -> None:
    folder = RunFolder(played)
    listed = sources(folder, WINNER)
    record, report, selection = folder.candidate(*WINNER), folder.report(), folder.selection()
    assert record and report and selection
    own = {*record.trainings.values(), *report.rows[-1].trainings.values()}
    own |= {*selection.rows[selection.finalists.index(WINNER)].trainings.values()}
    assert {source.training for source in listed if source.own} == own
    assert {source.label for source in listed if source.own} == {"candidate 1.1"}
    others = [source for source in listed if not source.own]
    assert len({source.training for source in others}) == len(others) == MOST_OTHERS
    assert {"random policy", "sparse reward", "environment's own reward"} <= {source.label for source in others}
    assert found(played).trainings == tuple(source.training for source in listed)


def test_it_is_made_again_only_where_there_are_other_trainings(run: Path) -> None:
    folder = RunFolder(run)
    before = found(run)
    assert dissect(folder, folder.run(), WINNER, no_cell, print) == before
    own = next(source for source in sources(folder, WINNER) if source.own)
    (own.folder / TRAJECTORIES).unlink()
    again = dissect(folder, folder.run(), WINNER, InProcessCell, print)
    assert again is not None
    assert again.own.trainings == before.own.trainings - 1
    assert again.trainings == tuple(source.training for source in sources(folder, WINNER))


def test_no_trainings_with_episodes_no_anatomy(tmp_path: Path) -> None:
    path = example_run(tmp_path / "run")
    assert dissect(RunFolder(path), RunFolder(path).run(), WINNER, no_cell, print) is None
    page = Page(write_report(path))
    assert "Anatomy" not in page.text
    assert ("href", "#anatomy") not in page.attributes


def test_a_search_goes_on_where_it_cannot_be_made(run: Path) -> None:
    folder, notes = RunFolder(run), list[str]()
    path = folder.candidate_path(*WINNER)
    (path / FILE).unlink()
    (path / "reward.py").write_text("import os\n")
    keep_anatomy(folder, folder.run(), WINNER, InProcessCell, notes.append)
    assert len(notes) == 1
    assert "terms of 1.1" in notes[0]
    assert "RewardRefused" in notes[0]
    assert not (path / FILE).exists()
    keep_anatomy(folder, folder.run(), None, no_cell, notes.append)
    assert len(notes) == 1


def test_the_page_tells_each_term_and_what_happened(run: Path) -> None:
    page, told = Page(write_report(run)), found(run)
    assert_harmless(page)
    assert heading(told) in page.text
    assert "With all terms a success returns" in page.text
    for one in readings(told):
        assert one.term.name in page.text
        assert one.text
        assert one.text in page.text
    assert "makes up" in page.text
    for shown in told.shown:
        assert f"training {shown.training}, episode {shown.episode}, {shown.steps} steps" in page.text
        assert all(f"step {step}: {text}" in page.text for _, step, text in _events(run, shown))
    assert ("href", "#anatomy") in page.attributes
    assert sum("Each term over the steps" in value for name, value in page.attributes if name == "alt") == 1


def _events(run: Path, shown: Shown) -> list[tuple[int, int, str]]:
    events: list[tuple[int, int, str]] = next(
        events for one, events in anatomy_part(RunFolder(run), WINNER)["anatomy_events"] if one == shown
    )
    assert events[-1][1] == shown.steps
    return events


def test_the_picture_has_a_panel_for_each_term_and_episode(run: Path) -> None:
    told = found(run)
    address = terms_over_time(told)
    kind, _, data = address.partition(",")
    assert kind == "data:image/svg+xml;base64"
    drawn = base64.b64decode(data)
    panels = [one for one in ET.fromstring(drawn).iter() if one.get("id", "").startswith("axes_")]
    assert len(panels) == (1 + len(told.terms)) * len(told.shown)
    assert len(drawn) < 400_000
    assert terms_over_time(told) == address, "a page that is written again is the same"
    assert terms_over_time(None) == terms_over_time(told.model_copy(update={"shown": ()})) == ""


def test_hostile_names_stay_text(run: Path) -> None:
    told, name = found(run), f"$\\frac{HOSTILE}\u202e_"
    first = told.terms[0].name
    event = Happened(step=3, kind="field", text=HOSTILE)
    shown = [
        one.model_copy(
            update={
                "title": HOSTILE,
                "source": "$x_" + HOSTILE,
                "happened": (event, *one.happened),
                "terms": {name if key == first else key: course for key, course in one.terms.items()},
                "sums": {name if key == first else key: course for key, course in one.sums.items()},
            }
        )
        for one in told.shown
    ]
    terms = (told.terms[0].model_copy(update={"name": name}), *told.terms[1:])
    changed = told.model_copy(update={"terms": terms, "shown": tuple(shown)})
    write_record(RunFolder(run).candidate_path(*WINNER) / FILE, changed)
    assert stored(RunFolder(run), WINNER) == changed
    page = Page(write_report(run))
    assert_harmless(page)
    assert "step 3: " + " ".join(HOSTILE.split()) in page.text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"at": [', '"at": [0, '),
        ('"steps": 50', '"steps": 5'),
        ('"value": ', '"value": 1e300, "was": '),
        ('"total": [', '"total": [NaN, '),
        ('"grammar": "terms"', '"grammar": "none"'),
        ('"precise": [', '"other": ['),
        ("{", ""),
    ],
)
def test_a_record_that_does_not_fit_is_none(run: Path, old: str, new: str) -> None:
    path = RunFolder(run).candidate_path(*WINNER) / FILE
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert stored(RunFolder(run), WINNER) is None


def test_a_running_search_is_told_of_its_best_so_far(tmp_path: Path) -> None:
    path = example_run(tmp_path / "run", finished=False, episodes=True)
    best = Run(path).best
    assert best is not None
    assert best.place == (0, 0)
    assert stored(RunFolder(path), (0, 0)) is not None
    assert "on this reward" in Page(write_report(path)).text
