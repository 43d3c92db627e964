"""The loop on a tiny task: real verification in real cells, a trainer that learns nothing, in this process."""

import json
import shutil
from pathlib import Path

import pytest

from autoreward.config import Budget, RunConfig
from autoreward.critic.stored import EPISODES, origin_of_program
from autoreward.designer.contract import Brief, Proposal
from autoreward.errors import RewardRefused, RunDamaged, UserError
from autoreward.llm.scripted import ScriptedChat
from autoreward.search.loop import resume, start
from autoreward.search.observer import Observer
from autoreward.search.seeds import report_seeds, search_seeds, selection_seeds
from autoreward.search.trainings import rank, summary
from autoreward.store.folder import RunFolder, locked
from autoreward.store.records import Report
from autoreward.task import Measure, Score, SuccessRule
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.run import small_run
from autoreward.testing.trainer import CLIMB, line_task
from autoreward.training.contract import Evaluation, Progress, TrainingResult


class Scripted:
    """A Designer whose second candidate of each round is faulty until it is repaired once."""

    def propose(self, brief: Brief) -> Proposal:
        self.told = brief
        scale = 1 + brief.round * 10 + brief.index
        good = CLIMB.replace("2.0", f"{scale}.0")
        return Proposal(source=good.replace("next_state", "nxt", 1) if brief.index == 1 else good)

    def repair(self, brief: Brief, refused: Proposal, reason: str, attempt: int) -> Proposal:
        assert reason
        return Proposal(source=refused.source.replace("nxt", "next_state"), note=f"mended after {attempt} attempt")


class Hopeless(Scripted):
    """A Designer that never gives a program."""

    def propose(self, brief: Brief) -> Proposal:
        return Proposal(source="import os")


class Counting(Observer):
    def __init__(self) -> None:
        self.trained: list[tuple[str, int]] = []

    def training_progress(self, label: str, seed: int, progress: Progress) -> None:
        if progress.stage == "starting":
            self.trained.append((label, seed))


def config(runs: Path, **changes: object) -> RunConfig:
    seeds = dict.fromkeys(("search_seeds", "selection_seeds", "report_seeds"), 2)
    own = {"designer": "test_loop:Scripted", "rounds": 2, "candidates": 2, "report_episodes": 4}
    return small_run(runs, **seeds | own | changes)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return start(line_task(), config(tmp_path_factory.mktemp("runs")), Observer(), "typed", engine=InProcessEngine())


def test_a_run_leaves_every_record(finished: Path) -> None:
    folder = RunFolder.open(finished)
    assert folder.rounds() == [0, 1]
    assert [record.status for record in folder.all_candidates()] == ["trained"] * 4
    report, selection = folder.report(), folder.selection()
    assert report and selection
    assert report.winner == selection.winner
    assert [row.name for row in report.rows] == ["random", "sparse", "human", "designed"]
    assert all(row.success_interval is None for row in report.rows), "two seeds carry no interval"
    assert (finished / "report.html").exists()
    assert (folder.best / "reward.py").read_text() == folder.source(*selection.winner)
    assert (finished / "command.txt").read_text() == "typed\n"
    films = finished / "rollouts" / f"{selection.winner[0]}.{selection.winner[1]}"
    assert (films / "best.png").exists(), "the terms of an environment that cannot be drawn"
    assert "no pictures, only the terms: " in (finished / "report.html").read_text()
    log = (finished / "run.log").read_text()
    assert "round 0" in log
    assert "LineEnv is stepped one by one in Python" in log


def test_a_refused_candidate_is_repaired_with_the_reason(finished: Path) -> None:
    folder = RunFolder.open(finished)
    mended = folder.candidate(0, 1)
    assert mended is not None
    assert (mended.repairs, mended.note) == (1, "mended after 1 attempt")


def test_seeds_are_split(finished: Path) -> None:
    run = RunFolder.open(finished).run().config
    groups = [set(search_seeds(run)), set(selection_seeds(run)), set(report_seeds(run))]
    assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]
    other = run.model_copy(update={"seed": run.seed + 1})
    assert not set(report_seeds(run)) & set(search_seeds(other))


def test_a_finished_run_trains_nothing_again(finished: Path) -> None:
    watch = Counting()
    assert resume(finished, watch, engine=InProcessEngine()) == finished
    assert watch.trained == []


def test_every_training_leaves_episodes_beside_the_run(finished: Path) -> None:
    folder = RunFolder.open(finished)
    origins = {path.stem.split("-")[1] for path in (finished.parent / EPISODES).glob("line-*/*.npz")}
    candidates = {origin_of_program(folder.source(round_, index)) for round_ in (0, 1) for index in (0, 1)}
    assert candidates | {"random", "sparse", "human"} == origins


def test_the_record_that_ends_a_run_is_its_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is killed before it goes on there, and nothing is left as it was before the report's trainings."""
    before = dict[str, bytes]()
    write = RunFolder.write_report

    def look(folder: RunFolder, report: Report) -> None:
        before.update((str(path), path.read_bytes()) for path in folder.path.glob("rounds/*/candidates/*/anatomy.json"))
        write(folder, report)

    monkeypatch.setattr(RunFolder, "write_report", look)
    run = start(line_task(), config(tmp_path), Observer(), engine=InProcessEngine())
    assert before == {str(path): path.read_bytes() for path in run.glob("rounds/*/candidates/*/anatomy.json")} != {}


def test_resume_repeats_only_what_was_in_flight(finished: Path, tmp_path: Path) -> None:
    """Take away what a kill in the middle of the second round would not have left."""
    run = tmp_path / finished.name
    shutil.copytree(finished, run)
    folder = RunFolder.open(run)
    lost = folder.candidate(1, 1)
    assert lost is not None
    for path in [run / "report.json", run / "selection.json", run / "rounds/01/analysis.json"]:
        path.unlink()
    (folder.candidate_path(1, 1) / "candidate.json").unlink()
    seed, training = next(iter(lost.trainings.items()))
    next(folder.training_folder(training).glob("result-*.json")).unlink()
    watch = Counting()
    resume(run, watch, engine=InProcessEngine())
    assert set(watch.trained) == {("1.1", seed)}
    before, after = RunFolder.open(finished).report(), folder.report()
    assert before and after
    assert [row.success for row in after.rows] == [row.success for row in before.rows]


def test_history_reaches_the_second_round(tmp_path: Path) -> None:
    told: list[Brief] = []

    class Listening(Scripted):
        def propose(self, brief: Brief) -> Proposal:
            told.append(brief)
            return super().propose(brief)

    import test_loop

    test_loop.Listening = Listening  # type: ignore[attr-defined]
    start(line_task(), config(tmp_path, designer="test_loop:Listening"), Observer(), engine=InProcessEngine())
    assert [len(brief.history) for brief in told] == [0, 0, 2, 2]
    assert sum(past.incumbent for past in told[-1].history) == 1
    assert told[1].siblings and all(past.episodes for past in told[-1].history)


def test_a_refused_round_is_no_end(tmp_path: Path) -> None:
    """Nothing trains, and the report still says what the baselines do."""
    watch = Counting()
    hopeless = config(tmp_path, designer="test_loop:Hopeless", repairs=0, rounds=1)
    run = start(line_task(), hopeless, watch, engine=InProcessEngine())
    folder = RunFolder.open(run)
    assert [record.status for record in folder.all_candidates()] == ["refused", "refused"]
    assert "import" in next(folder.all_candidates()).reason
    report = folder.report()
    assert report and report.winner is None
    assert {label for label, _ in watch.trained} == {"random", "sparse", "human"}


def test_env_step_cap_ends_the_search(tmp_path: Path) -> None:
    capped = config(tmp_path, budget=Budget(env_steps=3 * 2 * 4000))
    folder = RunFolder.open(start(line_task(), capped, Observer(), engine=InProcessEngine()))
    assert [len(folder.candidates(round_)) for round_ in folder.rounds()] == [2, 1]
    assert folder.spent().env_steps == 3 * 2 * 4000
    report = folder.report()
    assert report and report.winner is not None


def test_start_from_is_the_first_candidate(tmp_path: Path) -> None:
    own = tmp_path / "mine.py"
    own.write_text(CLIMB)
    folder = RunFolder.open(start(line_task(), config(tmp_path, start_from=own), Observer(), engine=InProcessEngine()))
    first = folder.candidate(0, 0)
    assert first and first.origin == "start_from"
    assert folder.source(0, 0) == CLIMB


def test_a_faulty_start_from_spends_nothing(tmp_path: Path) -> None:
    own = tmp_path / "mine.py"
    own.write_text("def compute_reward(state, action, next_state, memory)\n")
    with pytest.raises(RewardRefused, match=r"mine\.py.*line 1"):
        start(line_task(), config(tmp_path / "runs", start_from=own), Observer(), engine=InProcessEngine())
    assert not (tmp_path / "runs").exists()


def test_a_recorded_reply_is_not_asked_again(tmp_path: Path) -> None:
    reply = f"One term.\n\n```python\n{CLIMB}```\n"
    approve = '```json\n{"verdict": "approve", "reasons": []}\n```'
    small = config(tmp_path, designer="llm", rounds=1, candidates=1)
    chat = ScriptedChat([reply, approve, '```json\n{"findings": []}\n```'])
    run = start(line_task(), small, Observer(), chat=chat, engine=InProcessEngine())
    calls = sorted(path.name for path in (run / "rounds/00/calls").iterdir())
    assert calls == ["analyzer-0-0.json", "critic-0-0.json", "designer-0-0.json"]
    shutil.rmtree(run / "rounds/00/candidates/0")
    (run / "rounds/00/analysis.json").unlink()
    (run / "selection.json").unlink()
    (run / "report.json").unlink()
    silent = ScriptedChat([])
    assert resume(run, Observer(), chat=silent, engine=InProcessEngine()) == run
    assert RunFolder.open(run).source(0, 0).strip() == CLIMB.strip()


@pytest.mark.parametrize(
    "name",
    [
        "run.json",
        "spent.json",
        "selection.json",
        "report.json",
        "rounds/00/analysis.json",
        "rounds/00/candidates/0/candidate.json",
        "rounds/00/candidates/0/verify.json",
        "rounds/00/candidates/0/proposal.json",
        "trainings/*/result-4000.json",
    ],
)
@pytest.mark.parametrize("content", [b"", b'{"half": ', b'{"another": "record"}', b"\xff\xfe"])
def test_a_damaged_file_is_named(finished: Path, tmp_path: Path, name: str, content: bytes) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    for later in ("report.json", "selection.json", "rounds/01/analysis.json", "rounds/00/analysis.json"):
        if later != name:
            (run / later).unlink()
    if name not in ("report.json", "selection.json"):
        for path in run.glob("rounds/*/candidates/*/candidate.json"):
            if not path.match(name):
                path.unlink()
    damaged = next(run.glob(name))
    damaged.write_bytes(content)
    with pytest.raises(RunDamaged, match=damaged.name):
        resume(run, Observer(), engine=InProcessEngine())


def test_no_run_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a folder"):
        resume(tmp_path / "nothing", Observer())
    with pytest.raises(RunDamaged, match=r"no run\.json"):
        resume(tmp_path, Observer())


def test_records_are_json(finished: Path) -> None:
    for path in finished.rglob("*.json"):
        json.loads(path.read_text())


def test_wall_time_cap_is_looked_at_between_candidates(tmp_path: Path) -> None:
    """One second is over before the first round is trained; the run still ends with a report that says so."""
    capped = config(tmp_path, rounds=1, candidates=30, budget=Budget(wall_seconds=1))
    folder = RunFolder.open(start(line_task(), capped, Observer(), engine=InProcessEngine()))
    report = folder.report()
    assert report is not None
    assert "wall_seconds" in report.stopped
    assert len([record for record in folder.all_candidates() if record.status == "trained"]) < 30
    assert folder.spent().wall_seconds >= 1


def test_what_stopped_the_search_is_remembered(tmp_path: Path) -> None:
    capped = config(tmp_path, budget=Budget(env_steps=2 * 2 * 4000))
    run = start(line_task(), capped, Observer(), engine=InProcessEngine())
    for name in ("report.json", "selection.json"):
        (run / name).unlink()
    resume(run, Observer(), engine=InProcessEngine())
    folder = RunFolder.open(run)
    report = folder.report()
    assert report and "env_steps" in report.stopped
    assert folder.rounds() == [0]


def test_a_crashed_seed_does_not_raise_a_score() -> None:
    def result(score: float | None) -> TrainingResult:
        final = None if score is None else Evaluation(step=1, episodes=1, success_rate=0.0, score=score, length=1.0)
        return TrainingResult(hash="", steps=1, status="failed" if score is None else "ok", final=final)

    whole, broken = summary({1: result(-5.0), 2: result(-5.0)}), summary({1: result(-4.0), 2: result(None)})
    assert rank(*whole) > rank(*broken)


WRONG = "positionn > 1"


@pytest.mark.parametrize(
    "changes",
    [
        {"success": SuccessRule(expression=WRONG)},
        {"score": Score(expression=WRONG)},
        {"outcomes": {"far": WRONG}},
        {"measures": {"far": Measure(expression=WRONG)}},
        {"measures": {"far": Measure(expression="position", among=WRONG)}},
    ],
)
def test_what_a_task_reads_must_be_there_before_anything_is_spent(tmp_path: Path, changes: dict[str, object]) -> None:
    task = line_task().model_copy(update=changes)
    with pytest.raises(UserError, match=r"positionn.*Closest: position"):
        start(task, config(tmp_path), Observer(), engine=InProcessEngine())
    assert not list(tmp_path.iterdir())


def test_two_processes_do_not_share_a_run(finished: Path) -> None:
    with locked(finished), pytest.raises(UserError, match="another process is at work"):
        resume(finished, Observer(), engine=InProcessEngine())
