"""The search part of a run, without its selection and report, for benchmarks that compare ways to search."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import autoreward
from autoreward.config import RunConfig
from autoreward.engine.contract import Engine, JobRequest, unheard
from autoreward.envs.record import record_transitions
from autoreward.records import read_record, write_record
from autoreward.sandbox.process import witness
from autoreward.search.account import Account
from autoreward.search.candidate import Drafting
from autoreward.search.generation import Generation
from autoreward.search.loop import prepared
from autoreward.search.observer import Observer
from autoreward.search.roles import cast, least_isolation
from autoreward.search.seeds import selection_seeds
from autoreward.search.trainings import Trainings, rank, summary
from autoreward.store.folder import RunFolder
from autoreward.store.records import CandidateRecord, RoundAnalysis, RunRecord
from autoreward.task import Task
from autoreward.training.contract import Report, RewardSpec, TrainingJob, TrainingResult
from autoreward.training.files import JOB, result_name


class Sharing(Engine):
    """An engine that takes a training that need not be stopped from one that might have been, and was not."""

    def __init__(self, engine: Engine, shared: Path) -> None:
        """Set up; `shared` is the folder of finished trainings of all runs."""
        self._engine, self._shared = engine, shared

    def submit(self, request: JobRequest, progress: Report = unheard) -> Future[TrainingResult]:
        """As `Engine.submit`."""
        self._take(request)
        return self._engine.submit(request, progress)

    def shutdown(self) -> None:
        """As `Engine.shutdown`."""
        self._engine.shutdown()

    def _take(self, request: JobRequest) -> None:
        job, name = read_record(request.folder / JOB, TrainingJob), result_name(request.steps)
        watched = self._shared / job.model_copy(update={"stop_when_hacked": True}).hash
        if job.stop_when_hacked or (request.folder / name).exists() or not (watched / name).exists():
            return
        result = read_record(watched / name, TrainingResult)
        if result.stopped is None:
            others = [file for file in watched.iterdir() if file.name not in (JOB, name)]
            for file in others:
                shutil.copy(file, request.folder / file.name)
            write_record(request.folder / name, result.model_copy(update={"hash": job.hash}))


@dataclass(frozen=True)
class Searched:
    """A search that has ended, and what its best candidates come to on a seed that it did not use."""

    seen: tuple[float, ...]
    """Success of the best candidate so far, as the search measured it, after each training."""
    fresh: tuple[float, ...]
    """Success of the same candidates, trained once more."""
    refused: int
    """Candidates that were still refused after all repairs, so never trained."""
    repairs: int
    """Proposals that were refused and drawn again."""
    stopped: int
    """Trainings that were stopped for hacking."""
    labels: dict[str, int]
    """Label -> candidates."""


class _Told(Observer):
    """Says on stderr which candidate has been trained."""

    def __init__(self, name: str) -> None:
        self._name = name

    def candidate_finished(self, record: CandidateRecord) -> None:
        success = "-" if record.success_rate is None else f"{record.success_rate:.2f}"
        sys.stderr.write(f"{self._name} {record.name}: {record.status}, success {success}; {record.note}\n")


def search(task: Task, config: RunConfig, path: Path, engine: Engine, name: str) -> Searched:
    """Carry out the rounds of a run with the composer, then train each of its successive best candidates once more.

    Args:
        task: what to design a reward for.
        config: the search; its selection's first seed is the fresh one.
        path: the run folder; what is recorded there is not done again.
        engine: where trainings run.
        name: as progress shows it.
    """
    task, config, schema = prepared(task, config)
    folder, watch, least = RunFolder(path), _Told(name), least_isolation(config, "composer", task)
    run = RunRecord(
        id=path.name,
        created="",
        autoreward=autoreward.__version__,
        task=task,
        env_schema=schema,
        config=config,
        designer="composer",
        isolation=witness(),
    )
    if not (path / "run.json").exists():
        folder.write_run(run)
    roles = cast(folder, "composer", config, least, watch.note, engine=engine)
    drafting = Drafting(folder, roles, record_transitions(task, config.seed), config, watch)
    generation = Generation(folder, run, roles, drafting, Account(folder, run, None), watch)
    for round_ in range(config.rounds):
        if folder.analysis(round_) is None:
            generation.carry_out(round_, config.candidates, None)
    trainings = Trainings(folder, task, engine, watch, least, config.shared_trainings)
    return _told(folder, config, trainings, task.report_episodes)


def _told(folder: RunFolder, config: RunConfig, trainings: Trainings, episodes: int) -> Searched:
    records = list(folder.all_candidates())
    best = incumbents([record for record in records if record.trainings])
    grammar = folder.run().task.grammar
    rewards = {
        each.name: RewardSpec(kind="program", source=folder.source(each.round, each.index), grammar=grammar)
        for each in best
    }
    results = trainings.run(rewards, selection_seeds(config)[:1], episodes)
    again = {name: summary(result)[0] or 0.0 for name, result in results.items()}
    analyses = [folder.analysis(round_) or RoundAnalysis(round=round_) for round_ in folder.rounds()]
    found = [each.label.diagnosis for one in analyses for each in one.candidates.values() if each.label]
    return Searched(
        seen=tuple(each.success_rate or 0.0 for each in best),
        fresh=tuple(again[each.name] for each in best),
        refused=sum(record.status == "refused" for record in records),
        repairs=sum(record.repairs for record in records),
        stopped=sum(bool(record.stopped) for record in records),
        labels={label: found.count(label) for label in sorted(set(found))},
    )


def incumbents(records: Sequence[CandidateRecord]) -> list[CandidateRecord]:
    """The best candidate so far after each of them, by true success and then score; of equal ones the earlier."""
    best: list[CandidateRecord] = []
    for record in records:
        if not best or _rank(record) > _rank(best[-1]):
            best.append(record)
        else:
            best.append(best[-1])
    return best


def _rank(record: CandidateRecord) -> tuple[float, float]:
    return rank(record.success_rate, record.score)
