"""Rounds in which candidates are stopped at a rung: a trainer whose results are known, in this process."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autoreward.config import Budget, RunConfig
from autoreward.designer.contract import Brief, Proposal
from autoreward.records import read_record, write_record
from autoreward.report.page import write_report
from autoreward.search.account import Account
from autoreward.search.loop import resume, start
from autoreward.search.observer import Observer
from autoreward.search.race import Race
from autoreward.search.reopen import reopen
from autoreward.search.seeds import SELECTION
from autoreward.search.trainings import Trainings
from autoreward.store.folder import RunFolder
from autoreward.store.records import CandidateRecord
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.run import small_run
from autoreward.testing.trainer import CLIMB, NoTrainer, line_task
from autoreward.training.contract import HackingAlarm, Progress, TrainingJob, TrainingResult

COURSES = {
    1.0: {1_024: 0.1, 2_048: 0.1, 4_096: 0.1},
    2.0: {1_024: 0.9, 2_048: 0.3, 4_096: 0.3},
    3.0: {1_024: 0.8, 2_048: 0.8, 4_096: 0.05},
    4.0: {1_024: 0.5, 2_048: 0.9, 4_096: 1.0},
}
"""Weight of the term -> steps -> success rate; of 100 episodes, so that all of them differ."""
BEHIND = {
    (0, 0): "stopped after 1,024 of 4,096 steps: it was behind 3 others there",
    (0, 1): "stopped after 2,048 of 4,096 steps: it was behind 1 other there",
    (0, 2): "",
    (0, 3): "stopped after 1,024 of 4,096 steps: it was behind 2 others there",
}


class Known(NoTrainer):
    """Learns nothing, and says that it has come as far as `COURSES` tell."""

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Callable[[Progress], None]) -> TrainingResult:
        result = super().train(job, steps, folder, progress)
        weight = re.search(r'"climb": (\d\.0)', job.reward.source or "")
        if weight is None or result.final is None:
            return result
        success = COURSES[float(weight[1])][steps]
        final = result.final.model_copy(update={"success_rate": success, "score": success, "episodes": 100})
        return result.model_copy(update={"final": final})


class Weights:
    """Proposes the programs of `COURSES`, a comment telling those of one round from those of another."""

    told: tuple[Brief, ...] = ()

    def propose(self, brief: Brief) -> Proposal:
        Weights.told = (*Weights.told, brief)
        return Proposal(source=f"# {brief.round}\n" + CLIMB.replace("2.0", f"{1.0 + brief.index}"))

    def repair(self, brief: Brief, refused: Proposal, reason: str, attempt: int) -> Proposal:
        raise AssertionError(reason)


class Counting(Observer):
    """What was trained on search seeds, in its order: label and steps."""

    def __init__(self) -> None:
        self.trained: list[tuple[str, int]] = []

    def training_progress(self, label: str, seed: int, progress: Progress) -> None:
        if seed < SELECTION and (label, progress.steps) not in self.trained:
            self.trained.append((label, progress.steps))


def config(runs: Path, **changes: object) -> RunConfig:
    own = {
        "designer": "test_race:Weights",
        "candidates": 4,
        "halvings": 2,
        "steps": 4_096,
        "trainer": {"name": "test_race:Known"},
        "finalists": 2,
    }
    return small_run(runs, **own | changes)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, Counting]:
    watch = Counting()
    path = start(line_task(), config(tmp_path_factory.mktemp("runs"), rounds=2), watch, engine=InProcessEngine())
    return RunFolder.open(path), watch


@pytest.fixture
def folder(finished: tuple[RunFolder, Counting], tmp_path: Path) -> RunFolder:
    return RunFolder.open(Path(shutil.copytree(finished[0].path, tmp_path / "run")))


def test_each_is_trained_as_far_as_it_comes(finished: tuple[RunFolder, Counting]) -> None:
    folder, watch = finished
    records = {(record.round, record.index): record for record in folder.all_candidates()}
    assert {place: records[place].stopped for place in BEHIND} == BEHIND
    assert [records[0, index].steps for index in range(4)] == [1_024, 2_048, 4_096, 1_024]
    assert [records[0, index].success_rate for index in range(4)] == [0.1, 0.3, 0.05, 0.5], "at those steps"
    assert {record.status for record in records.values()} == {"trained"}
    rungs = [steps for label, steps in watch.trained if label.startswith("0.")]
    assert rungs == [1_024] * 4 + [2_048] * 2 + [4_096]
    assert sum(record.steps for record in records.values()) == folder.spent().env_steps == 2 * 2 * 4_096


def test_what_was_stopped_early_comes_after_what_was_not(finished: tuple[RunFolder, Counting]) -> None:
    """Though each of them has a better number, from fewer steps."""
    folder, _ = finished
    analysis, selection = folder.analysis(1), folder.selection()
    assert analysis and selection
    assert analysis.incumbent == (0, 2), "the first of two equals that had all the steps"
    assert selection.finalists == ((0, 2), (1, 2))
    past = next(brief for brief in Weights.told if brief.round == 1).history
    assert {(one.round, one.index): one.stopped for one in past} == BEHIND
    assert [one.index for one in past if one.incumbent] == [2]


def test_a_stopped_candidate_is_a_finalist_where_there_are_no_others(tmp_path: Path) -> None:
    folder = RunFolder.open(start(line_task(), config(tmp_path), Observer(), engine=InProcessEngine()))
    selection = folder.selection()
    assert selection
    assert selection.finalists == ((0, 2), (0, 1)), "2,048 steps come before 1,024, whatever they led to"


def test_the_page_says_it(folder: RunFolder) -> None:
    page = write_report(folder.path).read_text()
    assert all(sentence in page for sentence in BEHIND.values())


def test_the_cap_on_steps_holds_and_counts_what_a_race_costs(tmp_path: Path) -> None:
    """Of 16,384 steps the first round takes 8,192; two candidates may take the rest, since both might go on."""
    capped = config(tmp_path, rounds=2, budget=Budget(env_steps=16_384))
    folder = RunFolder.open(start(line_task(), capped, Observer(), engine=InProcessEngine()))
    assert [len(folder.candidates(round_)) for round_ in folder.rounds()] == [4, 2]
    assert 8_192 + 4_096 < folder.spent().env_steps <= 16_384
    assert "left round 1 with 2 of 4 candidates" in folder.spent().stopped


def test_a_race_that_is_broken_off_comes_to_the_same_end(finished: tuple[RunFolder, Counting], tmp_path: Path) -> None:
    """At any moment: after each training, what is there is not trained again."""

    class Breaking(Counting):
        def training_progress(self, label: str, seed: int, progress: Progress) -> None:
            super().training_progress(label, seed, progress)
            if len(self.trained) == 2 and progress.stage == "evaluating":
                raise KeyboardInterrupt

    path, trained = tmp_path / "run", list[tuple[str, int]]()
    with pytest.raises(KeyboardInterrupt):
        start(line_task(), config(tmp_path), watch := Breaking(), engine=InProcessEngine(), folder=path)
    for _ in range(20):
        trained += watch.trained[:-1]
        try:
            resume(path, watch := Breaking(), engine=InProcessEngine())
            break
        except KeyboardInterrupt:
            continue
    search = trained + watch.trained
    assert len(search) == len(set(search)) == 7
    records = [record.model_dump(exclude={"trainings"}) for record in RunFolder.open(path).all_candidates()]
    assert records == [record.model_dump(exclude={"trainings"}) for record in finished[0].candidates(0)]


class Late(Account):
    """The time is up."""

    def out_of_time(self) -> str:
        return "budget.wall_seconds = 9 is reached"


def test_time_that_is_up_leaves_the_last_rung_that_was_reached(folder: RunFolder) -> None:
    for result in folder.path.glob("trainings/*/result-4096.json"):
        result.unlink()
    run = folder.run()
    run = run.model_copy(update={"config": run.config.model_copy(update={"budget": Budget(wall_seconds=9)})})
    trainings = Trainings(folder, run.task, InProcessEngine(), Observer())
    race = Race(folder, run, trainings, Late(folder, run, None), Observer())
    ends = dict(race.train(0, range(4)))
    assert race.stopped == "budget.wall_seconds = 9 is reached"
    assert ends[2]["stopped"] == "stopped after 2,048 of 4,096 steps: budget.wall_seconds = 9 is reached"
    assert (ends[2]["steps"], ends[2]["success_rate"]) == (2_048, 0.8)
    assert [ends[index]["stopped"] for index in (0, 1, 3)] == [BEHIND[0, index] for index in (0, 1, 3)]


def stop(folder: RunFolder, hash_: str) -> None:
    """Say of a training that it was stopped on the way to the first rung."""
    path = folder.training_folder(hash_) / "result-1024.json"
    alarm = HackingAlarm(
        step=600, since=100, kind="lost", aim="success", own_return=(1, 2), success=(1, 0), correlation=(1.0, None)
    )
    write_record(path, read_record(path, TrainingResult).model_copy(update={"stopped": alarm}))


def test_who_hacks_the_reward_is_out_of_the_race_with_its_reason(folder: RunFolder) -> None:
    record = folder.candidate(0, 3)
    assert record
    (hash_,) = record.trainings.values()
    stop(folder, hash_)
    run = folder.run()
    trainings = Trainings(folder, run.task, InProcessEngine(), Observer())
    ends = dict(Race(folder, run, trainings, Account(folder, run, None), Observer()).train(0, range(4)))
    assert ends[3]["stopped"] == "stopped after 600 of 4,096 steps: own return rose, and the aim did not follow"
    assert (ends[3]["steps"], ends[3]["unspent"], ends[3]["success_rate"]) == (1_024, 424, 0.5)
    assert ends[0]["stopped"] == "stopped after 1,024 of 4,096 steps: it was behind 2 others there"
    assert [ends[index]["stopped"] for index in (1, 2)] == [BEHIND[0, index] for index in (1, 2)]
    folder.write_candidate(CandidateRecord.model_validate(record.model_dump() | dict(ends[3])))
    before, account = folder.spent().env_steps, Account(folder, run, None)
    account.save()
    assert folder.spent().env_steps == before - 424


def test_who_hacks_it_on_one_seed_is_told_with_who_is_ahead(folder: RunFolder) -> None:
    run = folder.run()
    run = run.model_copy(update={"config": run.config.model_copy(update={"search_seeds": 2})})
    trainings = Trainings(folder, run.task, InProcessEngine(), Observer())
    race = Race(folder, run, trainings, Account(folder, run, None), Observer())
    hashes = dict(race.train(0, range(4)))[3]["trainings"]
    assert isinstance(hashes, dict) and len(hashes) == 2
    stop(folder, min(hashes.values()))
    assert dict(race.train(0, range(4)))[3]["stopped"] == (
        "stopped after 600 of 4,096 steps on 1 of 2 seeds: own return rose, and the aim did not follow; "
        "stopped after 1,024 of 4,096 steps: it was behind 2 others there"
    )


def test_with_more_time_it_goes_on(folder: RunFolder) -> None:
    before, winner = folder.candidates(1), folder.candidate(1, 2)
    assert winner
    stopped = "budget.wall_seconds = 9 is reached"
    early = {"steps": 2_048, "success_rate": 0.8, "stopped": f"stopped after 2,048 of 4,096 steps: {stopped}"}
    folder.write_candidate(winner.model_copy(update=early))
    for hash_ in winner.trainings.values():
        (folder.training_folder(hash_) / "result-4096.json").unlink()
    folder.write_spent(folder.spent().model_copy(update={"stopped": stopped}))
    reopen(folder, Budget(wall_seconds=100_000))
    resume(folder.path, watch := Counting(), engine=InProcessEngine())
    assert [each for each in watch.trained if each[0].startswith("1.")] == [("1.2", 4_096)]
    assert folder.candidates(1) == before


def test_whole_trainings_are_shared_and_rungs_are_not(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    for name in ("one", "two"):
        sharing = config(tmp_path / name, shared_trainings=shared)
        start(line_task(), sharing, watch := Counting(), engine=InProcessEngine())
    rungs = [steps for _, steps in watch.trained]
    assert rungs == [1_024] * 4 + [2_048] * 2, "the whole one is there already"
    assert not list(shared.glob("*/result-1024.json"))
