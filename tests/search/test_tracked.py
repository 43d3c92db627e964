"""What trackers are told of a real run, read back from TensorBoard's event files with TensorBoard's own reader."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from autoreward.config import RunConfig
from autoreward.designer.contract import Brief, Proposal
from autoreward.search import tracked
from autoreward.search.loop import resume, start
from autoreward.search.observer import Observer
from autoreward.store.folder import RunFolder
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.folder import example_run
from autoreward.testing.run import small_run
from autoreward.testing.trainer import CLIMB, line_task
from autoreward.tracking.contract import Opening, Sink, TrackingRecord
from autoreward.training.contract import Progress

HOSTILE = CLIMB + "# <script>alert(1)</script> ``` [a](javascript:b)\n"


class Hostile:
    """A Designer whose programs work, and whose texts are no good."""

    def propose(self, brief: Brief) -> Proposal:
        return Proposal(source=HOSTILE)

    def repair(self, brief: Brief, refused: Proposal, reason: str, attempt: int) -> Proposal:
        raise AssertionError(f"none is refused: {reason}")


class Noting(Observer):
    """Keeps the notes, and stops the run at a progress of its choice."""

    def __init__(self, stop_at: str = "") -> None:
        self.notes: list[str] = []
        self._stop_at = stop_at

    def note(self, text: str) -> None:
        self.notes.append(text)

    def training_progress(self, label: str, seed: int, progress: Progress) -> None:
        if f"{label} {progress.stage}" == self._stop_at:
            raise KeyboardInterrupt


def config(runs: Path, **changes: object) -> RunConfig:
    trained = {"designer": "test_tracked:Hostile", "trainer": {"name": "batch"}, "steps": 1_000}
    return small_run(runs, **(trained | changes))


@pytest.fixture(scope="module")
def stopped_and_resumed(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that was interrupted in its report, when its candidate had been trained, and that went on."""
    runs = tmp_path_factory.mktemp("runs")
    with pytest.raises(KeyboardInterrupt):
        start(line_task(), config(runs), Noting("sparse evaluating"), engine=InProcessEngine())
    (folder,) = (path.parent for path in runs.glob("*/run.json"))
    resume(folder, Observer(), engine=InProcessEngine())
    return RunFolder(folder)


def read(folder: RunFolder, series: str) -> EventAccumulator:
    found = EventAccumulator(str(folder.path / "tensorboard" / series), size_guidance={"scalars": 0})
    found.Reload()
    return found


def points(folder: RunFolder, series: str) -> Mapping[str, list[tuple[int, float]]]:
    found = read(folder, series)
    return {tag: [(event.step, event.value) for event in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def test_every_training_has_its_curves_by_environment_steps(stopped_and_resumed: RunFolder) -> None:
    folder = stopped_and_resumed
    (record,) = folder.all_candidates()
    result = folder.result(record.trainings[1000], record.steps)
    assert result and result.final
    curves = points(folder, "0.0/seed-1000")
    shown = {"own_return", "success", "length", "score"}
    assert set(curves) >= {f"training/{name}" for name in shown} | {"term/climb", "outcome/fell", "final/success"}
    assert curves["evaluation/success"] == [(each.step, each.success_rate) for each in result.evaluations]
    assert curves["evaluation/outcome/fell"] == [(each.step, each.outcomes["fell"]) for each in result.evaluations]
    assert curves["final/success"] == [(1_000, pytest.approx(result.final.success_rate))]
    steps = [step for step, _ in curves["term/climb"]]
    assert steps == sorted(set(steps)) and min(steps) > 0 and max(steps) <= 1_000


def test_a_resumed_run_repeats_nothing(stopped_and_resumed: RunFolder) -> None:
    for name in ("0.0/seed-1000", "0.0/seed-2000", "sparse/seed-3000", "human/seed-3000", "designed/seed-3000"):
        for tag, curve in points(stopped_and_resumed, name).items():
            steps = [step for step, _ in curve]
            assert steps == sorted(set(steps)), f"{name} {tag}: {steps}"
    assert [step for step, _ in points(stopped_and_resumed, "designed")["report/success"]] == [1_000]
    assert len(read(stopped_and_resumed, "run").Tensors("text/text_summary")) == 1


def test_the_reward_program_is_there_as_code(stopped_and_resumed: RunFolder) -> None:
    (event,) = read(stopped_and_resumed, "0.0").Tensors("text/text_summary")
    text = event.tensor_proto.string_val[0].decode()
    assert text == "\n".join("    " + line for line in HOSTILE.split("\n"))


def test_what_was_told_is_recorded(stopped_and_resumed: RunFolder) -> None:
    record = TrackingRecord.model_validate_json((stopped_and_resumed.path / tracked.RECORD).read_bytes())
    assert record.ids == {"tensorboard": "tensorboard"}
    assert record.texts == ("0.0",)
    assert record.series["0.0/seed-1000"].evaluated == 1_000


class Failing:
    """A sink that fails from its second call on; real trackers do when a server goes away."""

    id = "failing"

    def __init__(self, opening: Opening) -> None:
        self.calls = 0

    def scalars(self, series: str, step: int, values: Mapping[str, float]) -> None:
        self.calls += 1
        if self.calls > 1:
            raise ConnectionError("http://me:secret@host/ is away")

    def text(self, name: str, text: str) -> None:
        self.scalars(name, 0, {})

    def close(self, finished: bool) -> None:
        raise AssertionError("what has failed is told nothing more")


def told(folder: RunFolder) -> list[str]:
    """Tell of a run that is there, from beginning to end; the notes."""
    watch = Noting()
    observer, report = tracked.TrackedObserver(watch, None), folder.report()
    assert report
    observer.run_started(folder.path, folder.run(), resumed=True)
    observer.run_finished(folder.path, report)
    return watch.notes


@pytest.fixture
def example(tmp_path: Path) -> RunFolder:
    return RunFolder(example_run(tmp_path / "run"))


def test_what_was_not_watched_is_told_from_the_records(example: RunFolder) -> None:
    assert not told(example)
    (record,) = [each for each in example.all_candidates() if each.name == "1.1"]
    seed, training = next(iter(record.trainings.items()))
    result, curves = example.result(training, record.steps), points(example, f"1.1/seed-{seed}")
    assert result
    assert [step for step, _ in curves["training/own_return"]] == list(result.points)
    for name, term in result.terms.items():
        assert [value for _, value in curves[f"term/{name}"]] == pytest.approx(term.curve)
    assert not told(example)
    assert points(example, f"1.1/seed-{seed}") == curves, "told once"
    seeds = {path.name for path in (example.path / "tensorboard" / "1.1").glob("seed-*")}
    assert len(seeds) == len(record.trainings) + example.run().config.selection_seeds


def test_a_tracker_that_fails_is_one_note(example: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Failing] = []

    def open_sink(name: str, opening: Opening) -> Sink:
        opened.append(Failing(opening))
        return opened[-1]

    monkeypatch.setattr(tracked, "open_sink", open_sink)
    (note,) = told(example)
    assert note.startswith("tensorboard could not be told, and the run goes on without: ConnectionError: http://***@")
    assert [sink.calls for sink in opened] == [2]


@pytest.mark.parametrize("damage", ["{", json.dumps({"ids": {"tensorboard": "../../elsewhere"}})])
def test_a_record_that_does_not_read_costs_no_run(damage: str, example: RunFolder) -> None:
    (example.path / tracked.RECORD).write_text(damage)
    (note,) = told(example)
    assert "tracking.json does not read" in note


def test_no_event_file_can_be_written(example: RunFolder) -> None:
    (example.path / "tensorboard").write_text("")
    (note,) = told(example)
    assert note.startswith("tensorboard could not be told")


def test_a_damaged_result_costs_no_run(example: RunFolder) -> None:
    next(example.path.glob("trainings/*/result-*.json")).write_text("{")
    (note,) = told(example)
    assert note.startswith("the trackers could not be told") and "result-" in note
