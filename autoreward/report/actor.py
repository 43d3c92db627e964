"""Who plays a run's candidate: the policy of one of its trainings, with the program that it was trained on."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autoreward.errors import UserError
from autoreward.report.candidate import Candidate
from autoreward.report.run import Run
from autoreward.store.folder import RunFolder
from autoreward.task import Task, task_names
from autoreward.training.files import POLICY


@dataclass(frozen=True)
class Actor:
    """A trained policy of a candidate."""

    run: Path
    candidate: str
    """`round.index`."""
    source: str
    """Its reward program."""
    training: int
    """Seed of the training; the episodes of its final evaluation derive from it."""
    policy: Path
    task: Task
    """In the worlds of that evaluation."""


@dataclass(frozen=True)
class _Trained:
    """A training of a candidate."""

    seed: int
    success: float
    policy: Path
    reported: bool = False


def find_actor(run: Run, name: str | None = None, training: int | None = None) -> Actor:
    """The policy that plays a candidate.

    Args:
        run: the run.
        name: of the candidate, such as `1.2`; None: the best one.
        training: seed of the training whose policy it is; None: the training that succeeded most often of those on the
            report seeds, or else (a candidate that did not win) of those on the selection or the search seeds.

    Raises:
        UnknownName: there is no such candidate.
        UserError: it has no trained policy, or no training with that seed; the message says what to type.
    """
    candidate = run.candidate(name) if name is not None else _best(run)
    groups = [list(group) for group in _groups(run, candidate)]
    there = [one for group in groups for one in group]
    if not there:
        raise UserError(_untrained(run, candidate))
    if training is not None:
        there = [one for one in there if one.seed == training]
        if not there:
            seeds = dict.fromkeys(str(one.seed) for group in groups for one in group)
            raise UserError(
                f"candidate {candidate.name} of {run.path} was not trained with the seed {training}; "
                f"type --training with one of {', '.join(seeds)}"
            )
    kept = [one for one in there if one.policy.is_file()]
    if not kept:
        raise UserError(_not_kept(run, candidate, there[0].policy))
    # Groups come in the order of preference, and trainings in a group best first.
    return _actor(run, candidate, kept[0])


def winners_actor(folder: RunFolder, task: Task, place: tuple[int, int], seed: int, policy: Path) -> Actor:
    """The winner's policy while its run is being closed, and no record says yet that it has won."""
    name, source = f"{place[0]}.{place[1]}", folder.source(*place)
    return Actor(folder.path, name, source, seed, policy, in_worlds(task, reported=True))


def in_worlds(task: Task, reported: bool) -> Task:
    """The task in the worlds that a training's final evaluation takes place in."""
    return task.model_copy(update={"env": task.env.used_for("report" if reported else "evaluation")})


def _actor(run: Run, candidate: Candidate, one: _Trained) -> Actor:
    task = in_worlds(run.task, one.reported)
    return Actor(run.path, candidate.name, candidate.source, one.seed, one.policy, task)


def _best(run: Run) -> Candidate:
    """The run's best candidate; while its first round is under way, the best of those that are trained."""
    if run.best is not None:
        return run.best
    trained = [candidate for candidate in run.candidates if candidate.status == "trained"]
    if not trained:
        command = f"autoreward {'why' if run.state == 'finished' else 'resume'} {shlex.quote(str(run.path))}"
        wait = "wait for its first training" if run.state == "running" else f"type: {command}"
        raise UserError(f"{run.path} has no trained policy yet; {wait}")
    return max(trained, key=lambda candidate: candidate.success or 0.0)


def _groups(run: Run, candidate: Candidate) -> Iterator[Iterable[_Trained]]:
    """The candidate's trainings on report, selection and search seeds, those that succeeded most often first."""
    if run.report and run.report.winner == candidate.place:
        for row in run.report.rows:
            if row.name == "designed":
                won = list(_sorted(run, dict(zip(row.trainings.items(), row.success, strict=False)), reported=True))
                yield _with_kept_best(run, won)
    if finalist := run.finalists.get(candidate.place):
        yield _sorted(run, dict(zip(finalist.trainings.items(), finalist.success, strict=False)))
    results = candidate.results.items()
    yield _sorted(run, {(seed, one.hash): one.final.success_rate for seed, one in results if one.final})


def _sorted(run: Run, found: dict[tuple[int, str], float], reported: bool = False) -> Iterator[_Trained]:
    for (seed, training), success in sorted(found.items(), key=lambda one: -one[1]):
        yield _Trained(seed, success, run.folder.training_folder(training) / POLICY, reported)


def _with_kept_best(run: Run, won: list[_Trained]) -> list[_Trained]:
    """The first of them by its copy in `best/`, where the trainings themselves are not there any more."""
    kept = run.folder.best / POLICY
    if won and not won[0].policy.is_file() and kept.is_file():
        return [_Trained(won[0].seed, won[0].success, kept, reported=True), *won[1:]]
    return won


def _untrained(run: Run, candidate: Candidate) -> str:
    others = [one.name for one in run.candidates if one.status == "trained" and one.results]
    place = shlex.quote(str(run.path))
    reason = f" ({candidate.reason})" if candidate.reason else ""
    told = f"candidate {candidate.name} of {run.path} has no trained policy: {candidate.status}{reason}"
    if others:
        return f"{told}; trained are {', '.join(others[:20])}: autoreward play {place} {others[0]}"
    return f"{told}; type: autoreward why {place} {candidate.name}"


def _not_kept(run: Run, candidate: Candidate, policy: Path) -> str:
    reward = run.folder.candidate_path(*candidate.place) / "reward.py"
    task = run.task.name if run.task.name in task_names() else run.task.env.id
    command = shlex.join(["autoreward", "train", str(reward), "--env", task])
    return (
        f"candidate {candidate.name} has no trained policy any more: {policy} is not there; train it again: {command}"
    )
