"""The worker: `python -m autoreward.engine.worker FOLDER [FOLDER ...] --steps N` trains the jobs in these folders.

It reads `job.json`, rewrites `progress.json` as it goes, and writes `result-N.json` last, with status `failed` where
the training failed: every engine starts this one command, and reads these files. Several folders are trained together
where their trainer can do that, else one after the other. `--serve` takes one assignment after another from standard
input, since importing torch takes longer than a short training is worth. Where the environment of a job lives in
another interpreter than this process's, the process takes that one on, and goes on as the same command.
"""

from __future__ import annotations

import os

from autoreward.sandbox.variables import THREADS as THREADS

# Before NumPy and torch are loaded: their threads spin against each other and cost ten times what they give.
if __name__ == "__main__":
    os.environ.update(dict.fromkeys(THREADS, "1"))

import argparse
import itertools
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, NoReturn

from pydantic import Field

from autoreward.environment import EnvSpec
from autoreward.envs import interpreter
from autoreward.errors import MACHINE, AutorewardError
from autoreward.records import Record, read_record, write_record
from autoreward.sandbox.linux.process import hide_process
from autoreward.training import evaluators
from autoreward.training.contract import MACHINES, Progress, Report, StackTrainer, TrainingJob, TrainingResult
from autoreward.training.files import JOB, PROGRESS, WORKER_LOG, result_name
from autoreward.training.registry import find_trainer

MODULE = "autoreward.engine.worker"
PAUSE = 0.25
"""Seconds between two writings of `progress.json`."""


def run_job(folder: Path, steps: int, report: Report) -> TrainingResult:
    """Train the job of a folder and write its result; a training that fails has a result too.

    Args:
        folder: of the training, with its `job.json`.
        steps: environment steps to reach.
        report: told where the training stands.

    Raises:
        RunDamaged: `job.json` is missing or does not read.
    """
    job = read_record(folder / JOB, TrainingJob)
    started = time.monotonic()
    report(Progress(stage="starting", steps=steps))  # a trainer's imports alone can take seconds
    outcome: TrainingResult | Exception
    try:
        outcome = find_trainer(job.task.trainer.name).train(job, steps, folder, report)
    except Exception as error:
        traceback.print_exc()
        outcome = error
    return _ended(job, steps, folder, report, outcome, time.monotonic() - started)


def run_jobs(folders: Sequence[Path], steps: int, reports: Sequence[Report]) -> list[TrainingResult]:
    """Train the jobs of several folders together; see `run_job`.

    What one of them fails with is written to its own log. A trainer that cannot train them together does so one by one.

    Raises:
        RunDamaged: a `job.json` is missing or does not read.
    """
    jobs = [read_record(folder / JOB, TrainingJob) for folder in folders]
    for report in reports:
        report(Progress(stage="starting", steps=steps))
    trainer = _trainer(jobs)
    if trainer is None:
        return [run_job(folder, steps, report) for folder, report in zip(folders, reports, strict=True)]
    started, found = time.monotonic(), dict[int, TrainingResult]()

    def end(place: int, outcome: TrainingResult | Exception) -> None:
        if isinstance(outcome, Exception):
            with (folders[place] / WORKER_LOG).open("a") as log:
                traceback.print_exception(outcome, file=log)
        seconds = time.monotonic() - started
        found[place] = _ended(jobs[place], steps, folders[place], reports[place], outcome, seconds)

    try:
        for place, outcome in trainer.train_together(jobs, steps, folders, reports):
            end(place, outcome)
    except Exception as error:  # of none of them in particular
        for place in set(range(len(jobs))) - set(found):
            end(place, error)
    return [found[place] for place in range(len(jobs))]


def _trainer(jobs: Sequence[TrainingJob]) -> StackTrainer | None:
    """The trainer of all these jobs, where it is one that can train them together."""
    keys = {job.stack_key for job in jobs}
    if len(jobs) < 2 or len(keys) > 1 or None in keys:
        return None
    try:
        trainer = find_trainer(jobs[0].task.trainer.name)
    except Exception:  # told by each of them alone
        return None
    return trainer if isinstance(trainer, StackTrainer) else None


def _ended(
    job: TrainingJob,
    steps: int,
    folder: Path,
    report: Report,
    outcome: TrainingResult | Exception,
    seconds: float,
) -> TrainingResult:
    """Write a training's result, and report its end."""
    if isinstance(outcome, Exception):
        outcome = failed_result(job.hash, steps, outcome, seconds)
    if job.task.env.python is not None:
        outcome = outcome.model_copy(update={"versions": interpreter.packages()})
    write_record(folder / result_name(steps), outcome)
    report(Progress.ended(outcome))
    return outcome


def failed_result(job_hash: str, steps: int, fault: Exception, seconds: float) -> TrainingResult:
    """The result of a training that gave none: why, in one line that names the machine where it is to blame.

    What autoreward did not raise on purpose keeps its type's name.
    """
    machine = isinstance(fault, MACHINES)
    text = " ".join((str(fault) if isinstance(fault, AutorewardError) else f"{type(fault).__name__}: {fault}").split())
    return TrainingResult(
        hash=job_hash,
        steps=steps,
        status="failed",
        error=f"{MACHINE}{text}" if machine and not text.startswith(MACHINE) else text,
        failure="machine" if machine else "reward",
        seconds=seconds,
    )


class ProgressFile:
    """Rewrites `progress.json`, at most every `PAUSE` seconds unless the stage changes."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / PROGRESS
        self._stage = ""
        self._written = 0.0

    def __call__(self, progress: Progress) -> None:
        """Write it, or leave it where the last one is fresh. Not synced to disk: it is worth nothing after a crash."""
        now = time.monotonic()
        if progress.stage == self._stage and now - self._written < PAUSE:
            return
        self._stage, self._written = progress.stage, now
        temporary = self._path.with_name(f".{self._path.name}.tmp")
        temporary.write_text(progress.model_dump_json())
        temporary.replace(self._path)


def watch_parent(parent: int) -> None:
    """End this process and its group as soon as its parent is gone, however that one ended."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.killpg(os.getpgrp(), signal.SIGKILL)


class Assignment(Record):
    """One line of a serving worker's standard input; it answers with a line, the exit code of the command for these."""

    folders: Annotated[tuple[Path, ...], Field(min_length=1)]
    steps: int


TakeOn = Callable[[EnvSpec, Assignment], NoReturn]
"""Goes on with an assignment as this command of its environment's interpreter."""


def serve(jobs: Iterable[str], answer: Callable[[int], None], take_on: TakeOn) -> None:
    """Run one assignment after another, each with the log of its first folder."""
    evaluators.keep()
    for line in jobs:
        assignment = Assignment.model_validate_json(line)
        with (assignment.folders[0] / WORKER_LOG).open("ab") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        answer(work(assignment, take_on))


def work(assignment: Assignment, take_on: TakeOn) -> int:
    """Run the jobs of these folders, which share their interpreter; the exit code."""
    folders = assignment.folders
    try:
        env = read_record(folders[0] / JOB, TrainingJob).task.env
        if interpreter.wanted(env) is not None:
            take_on(env, assignment)
        results = run_jobs(folders, assignment.steps, [ProgressFile(folder) for folder in folders])
    except AutorewardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    finally:
        sys.stderr.flush()
    return 0 if all(result.status == "ok" for result in results) else 1


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m autoreward.engine.worker", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER", help="a training's, with its job.json")
    parser.add_argument("--steps", type=int, help="environment steps to reach")
    parser.add_argument("--serve", action="store_true", help="take jobs from standard input")
    parser.add_argument("--first", help="for --serve: the first of them; given by a worker to itself")
    parser.add_argument("--parent", type=int, help="end with this process; given by an engine, in a session of its own")
    given = parser.parse_args()
    hide_process()
    if given.parent is not None:
        threading.Thread(target=watch_parent, args=(given.parent,), daemon=True).start()
    if given.serve:
        # Standard output becomes the log of the job at hand; the answers keep the pipe for themselves.
        answers = os.fdopen(os.dup(1), "w", buffering=1)

        def hand_on(env: EnvSpec, assignment: Assignment) -> NoReturn:
            os.dup2(answers.fileno(), 1)
            parent = ["--parent", str(given.parent)] if given.parent is not None else []
            interpreter.take_on(env, ["-m", MODULE, "--serve", *parent, "--first", assignment.model_dump_json()])

        first = [] if given.first is None else [given.first]
        serve(itertools.chain(first, sys.stdin), lambda code: print(code, file=answers), hand_on)
        return 0
    if not given.folders or given.steps is None:
        parser.error("give a folder and --steps, or --serve")
    return work(
        Assignment(folders=tuple(given.folders), steps=given.steps),
        lambda env, assignment: interpreter.take_on(env, ["-m", MODULE, *sys.argv[1:]]),
    )


if __name__ == "__main__":
    sys.exit(main())
