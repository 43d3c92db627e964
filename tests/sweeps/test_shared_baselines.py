"""Several runs on one engine: the same training is done once, and caps leave the rest to be gone on with."""

from __future__ import annotations

import os
from concurrent.futures import Future
from pathlib import Path

import pytest

from autoreward.engine.contract import Engine, JobRequest, run_all, unheard
from autoreward.records import read_record, write_record
from autoreward.sweeps.caps import Account, SweepStopped
from autoreward.sweeps.records import SweepBudget, SweepSpent
from autoreward.sweeps.shared import SharedEngine
from autoreward.testing.trainer import CLIMB, line_task
from autoreward.training.contract import Evaluation, Progress, Report, RewardSpec, TrainingJob, TrainingResult
from autoreward.training.files import CHECKPOINT, JOB, POLICY

STEPS = 4_000
"""The task's: only whole trainings are shared."""


class ByHand(Engine):
    """An engine whose jobs end when the test says so."""

    def __init__(self) -> None:
        self.detached = False
        self.jobs: list[tuple[JobRequest, Report, Future[TrainingResult]]] = []

    def submit(self, request: JobRequest, progress: Report = unheard) -> Future[TrainingResult]:
        future: Future[TrainingResult] = Future()
        self.jobs.append((request, progress, future))
        if (result := request.result()) is not None:
            future.set_result(result)
        return future

    def shutdown(self) -> None:
        for _, _, future in self.jobs:
            future.cancel()

    def end(self, place: int, status: str = "ok", seen: int = 1) -> None:
        """That job has ended so; `seen`: the step of its last sign of life."""
        request, progress, future = self.jobs[place]
        job = read_record(request.folder / JOB, TrainingJob)
        final = Evaluation(step=STEPS, episodes=3, success_rate=0.5, score=None, length=9.0)
        result = TrainingResult.model_validate(
            {"hash": job.hash, "steps": request.steps, "status": status, "final": final, "shipped_step": STEPS}
        )
        (request.folder / POLICY).write_text("weights")
        write_record(request.result_path, result)
        progress(Progress(stage="training", step=seen, steps=STEPS))
        if future.set_running_or_notify_cancel():
            future.set_result(result)


def request(run: Path, seed: int = 0, least: str = "B", kind: str = "program") -> JobRequest:
    spec = RewardSpec.model_validate({"kind": kind, "source": CLIMB if kind == "program" else None})
    job = TrainingJob.model_validate(
        {"task": line_task(), "reward": spec, "seed": seed, "episodes": 3, "least_isolation": least}
    )
    write_record(run / "trainings" / job.hash / JOB, job)
    return JobRequest(folder=run / "trainings" / job.hash, steps=STEPS)


def shared(folder: Path, engine: Engine, before: SweepSpent | None = None, **caps: int) -> tuple[SharedEngine, Account]:
    account = Account(SweepBudget.model_validate(caps), before or SweepSpent())
    return SharedEngine(engine, folder / "store", account, lambda: None), account


def test_who_asks_while_it_is_under_way_waits_for_it_and_gets_its_files_as_links(tmp_path: Path) -> None:
    engine = ByHand()
    runs, account = shared(tmp_path, engine)
    first = runs.of(0).submit(request(tmp_path / "a"))
    second = runs.of(1).submit(request(tmp_path / "b"))
    assert len(engine.jobs) == 1 and not second.done()
    engine.end(0)
    assert first.result() == second.result()
    policies = [next((tmp_path / run).rglob(POLICY)) for run in ("a", "b")]
    assert os.path.samefile(*policies)
    later = runs.of(2).submit(request(tmp_path / "c"))
    assert later.result() == first.result() and len(engine.jobs) == 1
    assert account.spent.env_steps == STEPS, "a shared training counts once"


def test_what_failed_is_done_for_each_by_itself(tmp_path: Path) -> None:
    engine = ByHand()
    runs, _ = shared(tmp_path, engine)
    first, second = (runs.of(0).submit(request(tmp_path / run)) for run in ("a", "b"))
    engine.end(0, "failed")
    assert first.result().status == "failed"
    assert len(engine.jobs) == 2 and not second.done()
    engine.end(1)
    assert second.result().status == "ok"


def test_a_run_that_is_given_up_leaves_its_training_to_who_waits_for_it(tmp_path: Path) -> None:
    engine = ByHand()
    runs, _ = shared(tmp_path, engine)
    first, second = (runs.of(0).submit(request(tmp_path / run)) for run in ("a", "b"))
    assert first.cancel()
    assert len(engine.jobs) == 2 and engine.jobs[0][2].cancelled()
    engine.end(1)
    assert second.result().status == "ok"


def test_a_result_that_is_there_is_never_replaced_by_that_of_another(tmp_path: Path) -> None:
    """A killed parent leaves a finished training that is not yet in the store; then another run asks first."""
    before = request(tmp_path / "a")
    shared(tmp_path / "killed", engine := ByHand())[0].of(0).submit(before)
    engine.end(0)
    kept = before.result_path.stat().st_ino
    engine = ByHand()
    runs, _ = shared(tmp_path, engine)
    second, first = runs.of(1).submit(request(tmp_path / "b")), runs.of(0).submit(before)
    assert first.done() and not second.done()
    engine.end(0)
    assert second.done()
    assert before.result_path.stat().st_ino == kept


def test_a_training_that_is_isolated_less_than_a_run_asks_for_is_not_shared(tmp_path: Path) -> None:
    engine = ByHand()
    runs, _ = shared(tmp_path, engine)
    weak = request(tmp_path / "a", least="C")
    runs.of(0).submit(weak)
    engine.end(0)
    result = read_record(weak.result_path, TrainingResult)
    stored = tmp_path / "store" / weak.folder.name / weak.result_path.name
    write_record(stored, result.model_copy(update={"isolation": "C"}))
    runs.of(0).submit(request(tmp_path / "b", least="C"))
    assert len(engine.jobs) == 1
    runs.of(1).submit(request(tmp_path / "c", least="A"))
    assert len(engine.jobs) == 2


def test_a_store_that_was_damaged_is_no_more_than_a_cache_that_is_empty(tmp_path: Path) -> None:
    engine = ByHand()
    runs, _ = shared(tmp_path, engine)
    asked = request(tmp_path / "a")
    (tmp_path / "store" / asked.folder.name).mkdir(parents=True)
    (tmp_path / "store" / asked.folder.name / asked.result_path.name).write_text("{")
    runs.of(0).submit(asked)
    assert len(engine.jobs) == 1


def test_earlier_comparisons_go_first(tmp_path: Path) -> None:
    engine = ByHand()
    runs, _ = shared(tmp_path, engine)
    for place in (2, 0, 1):
        runs.of(place).submit(request(tmp_path / str(place), seed=place))
    by_priority = sorted(engine.jobs, key=lambda job: -job[0].priority)
    assert [job[0].folder.parts[-3] for job in by_priority] == ["0", "1", "2"]


def test_a_cap_on_steps_is_told_when_the_runs_other_trainings_have_ended(tmp_path: Path) -> None:
    """Two fit; the third is not begun, and the two are not lost."""
    engine = ByHand()
    runs, account = shared(tmp_path, engine, env_steps=2 * STEPS + 1)
    own = runs.of(0)
    asked = [request(tmp_path / "a", seed) for seed in range(3)]
    futures = [own.submit(each) for each in asked]
    assert len(engine.jobs) == 2 and not futures[2].done()
    engine.end(0)
    assert not futures[2].done()
    engine.end(1)
    assert isinstance(futures[2].exception(), SweepStopped)
    assert account.spent.env_steps == 2 * STEPS and "env_steps" in account.stopped
    with pytest.raises(SweepStopped):
        run_all(own, [asked[2]], lambda *_: None)
    assert not run_all(own, asked[:2], lambda *_: None)[asked[0].folder].failure, "what is there is still given"


def test_random_actions_cost_no_steps(tmp_path: Path) -> None:
    engine = ByHand()
    runs, account = shared(tmp_path, engine, env_steps=1)
    future = runs.of(0).submit(request(tmp_path / "a", kind="random"))
    engine.end(0)
    assert future.result().status == "ok" and account.spent.env_steps == 0


def test_an_interrupt_reaches_who_waits_for_others_too(tmp_path: Path) -> None:
    engine = ByHand()
    runs, _ = shared(tmp_path, engine)
    futures = [runs.of(0).submit(request(tmp_path / run)) for run in ("a", "b")]
    runs.interrupted = True
    engine.shutdown()
    assert all(isinstance(future.exception(), SweepStopped) for future in futures)
    assert (runs.open, runs.begun) == (0, 0)


def test_a_job_that_the_engine_refuses_is_told_and_counts_nowhere(tmp_path: Path) -> None:
    class Refusing(ByHand):
        def submit(self, request: JobRequest, progress: Report = unheard) -> Future[TrainingResult]:
            raise OSError("no process")

    runs, account = shared(tmp_path, Refusing(), env_steps=STEPS)
    for _ in range(2):
        assert isinstance(runs.of(0).submit(request(tmp_path / "a")).exception(), OSError)
    assert runs.open == 0 and not account.stopped


def test_a_training_that_goes_on_to_more_steps_costs_those(tmp_path: Path) -> None:
    """As halvings have it; a trainer that leaves no checkpoint begins anew."""
    engine = ByHand()
    runs, account = shared(tmp_path, engine)
    for place, steps in enumerate((1_000, 2_000, STEPS)):
        asked = request(tmp_path / "a").model_copy(update={"steps": steps})
        runs.of(0).submit(asked)
        engine.end(place)
        (asked.folder / CHECKPOINT).touch()
        assert account.spent.env_steps == steps
    for place, steps in enumerate((1_000, 2_000), 3):
        runs.of(1).submit(request(tmp_path / "b", seed=1).model_copy(update={"steps": steps}))
        engine.end(place)
    assert account.spent.env_steps == STEPS + 1_000 + 2_000


def test_of_a_training_that_failed_the_steps_count_that_were_seen(tmp_path: Path) -> None:
    engine = ByHand()
    runs, account = shared(tmp_path, engine)
    runs.of(0).submit(request(tmp_path / "a"))
    engine.end(0, "failed", seen=700)
    assert account.spent.env_steps == 700


@pytest.mark.parametrize("detached", [False, True])
def test_what_ends_while_nobody_counts_is_counted_once(tmp_path: Path, detached: bool) -> None:
    """An engine that is left at work, or a parent that is killed before it hears of the end."""
    engine, asked = ByHand(), [request(tmp_path / "a", seed) for seed in range(3)]
    engine.detached = detached
    runs, account = shared(tmp_path, engine)
    for each in asked[:2]:
        runs.of(0).submit(each)
    engine.end(0)
    spent = account.spent
    if detached:
        runs.interrupted = True
        engine.shutdown()
        spent = account.spent
    assert (spent.env_steps, len(spent.under_way)) == (STEPS, 1)
    job = read_record(asked[1].folder / JOB, TrainingJob)
    write_record(asked[1].result_path, TrainingResult(hash=job.hash, steps=STEPS, status="ok"))
    for _ in range(2):
        runs, account = shared(tmp_path, ByHand(), spent)
        assert all(runs.of(0).submit(each).result() for each in asked[:2])
        spent = account.spent
        assert (spent.env_steps, spent.under_way) == (2 * STEPS, {})


def test_a_failed_result_of_ones_own_leaves_those_alone_who_wait_for_another(tmp_path: Path) -> None:
    engine, own = ByHand(), request(tmp_path / "b")
    runs, _ = shared(tmp_path, engine)
    job = read_record(own.folder / JOB, TrainingJob)
    write_record(own.result_path, TrainingResult(hash=job.hash, steps=STEPS, status="failed", failure="reward"))
    first, third = (runs.of(place).submit(request(tmp_path / str(place))) for place in (0, 2))
    assert runs.of(1).submit(own).result().status == "failed"
    assert not third.done()
    engine.end(0)
    assert first.result() == third.result()
