"""Asks trainings whether the labels of the Critic's set hold: each file is trained with 2 seeds at its task's budget.

    python benchmarks/critic_labels.py --slots 2                # everything; hours; into critic_set/outcomes.json
    python benchmarks/critic_labels.py --tasks reacher --json found.json
    python benchmarks/critic_labels.py --files reacher/gentle reacher/heavy_weights
    python benchmarks/critic_labels.py --quick                  # that it works, not what it finds

Finished trainings are kept in `--out` and not repeated, and unfinished ones go on, so that it can be stopped any time;
`outcomes.json` is written after each task. The rule:

- A task's reference is the mean success, over the same seeds, of the reward that its calibration uses: the pack's
  reference program, or the environment's own reward. Where it reaches less than 50%, 50% stand in for it.
- The bar is half of that. A good file is confirmed where its mean success reaches the bar, a bad one where it stays
  below half of the bar. A training that failed by its program's fault counts as 0.
- What is contradicted goes to the list `disputed` of labels.yaml, by hand, and is counted nowhere.
"""

from __future__ import annotations

import os

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Annotated

import tyro
from _critic_set import FOLDER, Label, Member, members

from autoreward.engine.contract import JobRequest, run_all
from autoreward.engine.local import LocalEngine
from autoreward.records import Record, read_record, write_record
from autoreward.task import Task, load_task
from autoreward.training.contract import Progress, RewardSpec, TrainingJob, TrainingResult
from autoreward.training.files import JOB

ROOT = Path(__file__).resolve().parent.parent
OUTCOMES = FOLDER / "outcomes.json"
FIRST_SEED = 990_000
"""Away from the seeds of searches, selections, reports and other benchmarks."""
EPISODES = 50
"""Of each training's final evaluation."""
LEAST_REFERENCE = 0.5
"""What is asked of a task where its reference reaches less."""
SHARE = 0.5
"""Of the reference that a good file must reach, and of the bar that a bad one must not."""
REFERENCE = "reference"


@dataclass
class Options:
    """What to train."""

    tasks: tuple[str, ...] = ()
    """Tasks; empty: all of the set."""
    files: tuple[str, ...] = ()
    """TASK/NAME; empty: all of the tasks."""
    seeds: int = 2
    out: Path = ROOT / "runs" / "critic_labels"
    """Folder of the trainings."""
    slots: int = 1
    """Trainings at once; 0: as many as cores."""
    json_: Annotated[Path, tyro.conf.arg(name="json")] = OUTCOMES
    """File for the outcomes; what it has of other files stays."""
    quick: bool = False
    """One seed and a twentieth of the steps; nothing is kept or written."""


class Outcome(Record):
    """What the trainings of one file gave."""

    label: Label
    trainings: tuple[str, ...]
    """Their hashes, by seed: another program, task or trainer has others."""
    success: tuple[float, ...]
    """By seed."""
    bar: float
    confirmed: bool


class Outcomes(Record):
    """The file `outcomes.json`."""

    seeds: tuple[int, ...] = ()
    references: dict[str, tuple[float, ...]] = {}
    """Task -> success of its reference by seed."""
    files: dict[str, Outcome] = {}
    """TASK/NAME -> outcome."""

    @property
    def contradicted(self) -> list[str]:
        """The files whose label does not hold."""
        return sorted(key for key, outcome in self.files.items() if not outcome.confirmed)


def main(options: Options) -> None:
    if options.quick:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            options = replace(options, out=place / "trainings", json_=place / "outcomes.json", seeds=1)
            tell(measure(options))
            return
    found = measure(options)
    tell(found)
    disputed = {member.key for member in members() if member.disputed}
    if new := [key for key in found.contradicted if key not in disputed]:
        sys.stdout.write(f"\nto be added to `disputed` in labels.yaml: [{', '.join(new)}]\n")


def measure(options: Options) -> Outcomes:
    """Train task by task, cheap budgets first, and write what is known after each.

    Raises:
        SystemExit: a training was ended by a fault of the machine; typed again, it goes on.
    """
    seeds = tuple(range(FIRST_SEED, FIRST_SEED + options.seeds))
    found = read_record(options.json_, Outcomes) if options.json_.exists() else Outcomes()
    if found.seeds != seeds:
        found = Outcomes(seeds=seeds)
    for task, chosen in chosen_files(options.tasks, options.files).items():
        jobs = jobs_of(load_task(task), chosen, seeds, options.quick)
        success = train(jobs, options)
        outcomes = judge(chosen, jobs, success)
        found = Outcomes(
            seeds=seeds,
            references={**found.references, task: success[REFERENCE]},
            files={**found.files, **outcomes},
        )
        write_record(options.json_, found)
    return found


def chosen_files(tasks: Sequence[str], files: Sequence[str]) -> dict[str, list[Member]]:
    """Task -> its chosen files, disputed ones too; tasks with few steps first.

    Raises:
        SystemExit: there is no such task or file.
    """
    everything = members()
    if unknown := (set(tasks) - {member.task for member in everything}) | (set(files) - {m.key for m in everything}):
        raise SystemExit(f"not in the set: {', '.join(sorted(unknown))}; {FOLDER / 'labels.yaml'} has all names")
    chosen: dict[str, list[Member]] = {}
    for member in everything:
        if (not tasks or member.task in tasks) and (not files or member.key in files):
            chosen.setdefault(member.task, []).append(member)
    return dict(sorted(chosen.items(), key=lambda item: load_task(item[0]).steps))


def jobs_of(task: Task, chosen: Sequence[Member], seeds: Sequence[int], quick: bool) -> dict[str, list[TrainingJob]]:
    """The trainings of a task's reference and of its chosen files, by seed."""
    steps = max(task.steps // 20, 2000) if quick else task.steps
    short = task.model_copy(update={"steps": steps})
    own = RewardSpec(kind="human")
    if task.reference is not None:
        own = RewardSpec(kind="program", source=task.reference, grammar=task.grammar)
    rewards = {REFERENCE: own} | {
        member.key: RewardSpec(kind="program", source=member.source, grammar=member.grammar) for member in chosen
    }
    return {
        key: [TrainingJob(task=short, reward=reward, seed=seed, episodes=EPISODES) for seed in seeds]
        for key, reward in rewards.items()
    }


def train(jobs: Mapping[str, Sequence[TrainingJob]], options: Options) -> dict[str, tuple[float, ...]]:
    """Success of each by seed. A reward that is there twice is trained once.

    Raises:
        SystemExit: a training was ended by a fault of the machine.
    """
    requests = []
    for of_seed in zip(*jobs.values(), strict=True):  # seed by seed, so that a first look needs one of each
        for job in of_seed:
            write_record(options.out / job.hash / JOB, job)
            requests.append(JobRequest(folder=options.out / job.hash, steps=job.task.steps))
    results = run_all(LocalEngine(options.slots, timeout=3600), requests, progress)
    return {key: tuple(success_of(results[options.out / job.hash]) for job in own) for key, own in jobs.items()}


def success_of(result: TrainingResult) -> float:
    """Of the shipped policy; 0 where the program ended its training.

    Raises:
        SystemExit: the machine ended it.
    """
    if result.final is None and result.failure == "machine":
        raise SystemExit(f"training {result.hash} was ended by this machine: {result.error}; type it again to go on")
    return 0.0 if result.final is None else round(result.final.success_rate, 4)


def judge(
    chosen: Sequence[Member], jobs: Mapping[str, Sequence[TrainingJob]], success: Mapping[str, Sequence[float]]
) -> dict[str, Outcome]:
    """Whether each label holds."""
    bar = bar_of(success[REFERENCE])
    return {
        member.key: Outcome(
            label=member.entry.label,
            trainings=tuple(job.hash for job in jobs[member.key]),
            success=tuple(success[member.key]),
            bar=bar,
            confirmed=holds(member.entry.label, success[member.key], bar),
        )
        for member in chosen
    }


def bar_of(reference: Sequence[float]) -> float:
    """Mean success that a good file must reach, 0.25 to 0.5."""
    return SHARE * max(fmean(reference), LEAST_REFERENCE)


def holds(label: Label, success: Sequence[float], bar: float) -> bool:
    """Whether trainings confirm a label; between half of the bar and the bar they confirm neither."""
    return fmean(success) >= bar if label == "good" else fmean(success) < SHARE * bar


def progress(request: JobRequest, at: Progress) -> None:
    """One line for each training that is over."""
    if at.stage in ("finished", "failed"):
        sys.stderr.write(f"{request.folder.name} {at.stage}: success {at.success_rate}\n")


def tell(found: Outcomes) -> None:
    """A line for each file."""
    for key, outcome in found.files.items():
        seeds = " ".join(f"{each:.2f}" for each in outcome.success)
        held = "confirmed" if outcome.confirmed else "CONTRADICTED"
        sys.stdout.write(f"{key:50s} {outcome.label:4s} {seeds}  bar {outcome.bar:.2f}  {held}\n")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
