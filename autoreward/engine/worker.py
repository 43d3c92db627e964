"""The worker: `python -m autoreward.engine.worker FOLDER --steps N` trains the job in a folder.

It reads `job.json`, rewrites `progress.json` as it goes, and writes `result-N.json` last, with status `failed` where
the training failed: every engine starts this one command, and reads these files. `--serve` takes one job after
another from standard input, since importing torch takes longer than a short training is worth.
"""

from __future__ import annotations

import os

# Before NumPy and torch are loaded: their threads spin against each other and cost ten times what they give.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
if __name__ == "__main__":
    os.environ.update(dict.fromkeys(THREADS, "1"))

import argparse  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
import traceback  # noqa: E402
from collections.abc import Callable, Iterable  # noqa: E402
from pathlib import Path  # noqa: E402

from autoreward.errors import AutorewardError  # noqa: E402
from autoreward.records import Record, read_record, write_record  # noqa: E402
from autoreward.sandbox.linux.process import hide_process  # noqa: E402
from autoreward.training.contract import Progress, TrainingJob, TrainingResult  # noqa: E402
from autoreward.training.files import JOB, PROGRESS, WORKER_LOG, result_name  # noqa: E402
from autoreward.training.registry import find_trainer  # noqa: E402

PAUSE = 0.25
"""Seconds between two writings of `progress.json`."""


def run_job(folder: Path, steps: int, report: Callable[[Progress], None]) -> TrainingResult:
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
    try:
        result = find_trainer(job.task.trainer.name).train(job, steps, folder, report)
    except Exception as error:
        traceback.print_exc()
        result = failed_result(job.hash, steps, one_line(error), time.monotonic() - started)
    write_record(folder / result_name(steps), result)
    report(
        Progress(
            stage="finished" if result.status == "ok" else "failed",
            step=steps if result.status == "ok" else 0,
            steps=steps,
            own_return=result.own_return[-1] if result.own_return else None,
            success_rate=result.final.success_rate if result.final else None,
        )
    )
    return result


def failed_result(job_hash: str, steps: int, error: str, seconds: float) -> TrainingResult:
    """The result of a training that gave none."""
    return TrainingResult(hash=job_hash, steps=steps, status="failed", error=error, seconds=seconds)


def one_line(error: Exception) -> str:
    """The error as a result holds it; what autoreward did not raise on purpose keeps its type's name."""
    text = str(error) if isinstance(error, AutorewardError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())


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
    """One line of a serving worker's standard input; it answers with a line, the exit code the job would have had."""

    folder: Path
    steps: int


def serve(jobs: Iterable[str], answer: Callable[[int], None]) -> None:
    """Run one job after another, each with its own log."""
    for line in jobs:
        assignment = Assignment.model_validate_json(line)
        with (assignment.folder / WORKER_LOG).open("ab") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        answer(work(assignment.folder, assignment.steps))


def work(folder: Path, steps: int) -> int:
    """Run the job of a folder; the exit code."""
    try:
        result = run_job(folder, steps, ProgressFile(folder))
    except AutorewardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    finally:
        sys.stderr.flush()
    return 0 if result.status == "ok" else 1


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m autoreward.engine.worker", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="the training's folder, with its job.json")
    parser.add_argument("--steps", type=int, help="environment steps to reach")
    parser.add_argument("--serve", action="store_true", help="take jobs from standard input")
    parser.add_argument("--parent", type=int, help="end with this process; given by an engine, in a session of its own")
    given = parser.parse_args()
    hide_process()
    if given.parent is not None:
        threading.Thread(target=watch_parent, args=(given.parent,), daemon=True).start()
    if given.serve:
        # Standard output becomes the log of the job at hand; the answers keep the pipe for themselves.
        answers = os.fdopen(os.dup(1), "w", buffering=1)
        serve(sys.stdin, lambda code: print(code, file=answers))
        return 0
    if given.folder is None or given.steps is None:
        parser.error("give a folder and --steps, or --serve")
    return work(given.folder, given.steps)


if __name__ == "__main__":
    sys.exit(main())
