"""What SLURM's own programs say: its partitions, and this user's jobs in its queue."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable
from typing import Any

from autoreward.errors import UnknownName, UserError

MARK = "autoreward"
"""Name of the jobs, and first word of their comments; `scancel --name autoreward` ends them all."""
ANSWER_SECONDS = 30.0
"""How long the cluster may take to answer."""
LOOK_SECONDS = 2.0
"""Between two looks at the queue."""
USUAL_MINUTES = 24 * 60
"""A job's time where none is given, or as much as the partition allows. One that takes longer goes on in another."""
GOING = ("PENDING", "RUNNING", "CONFIGURING", "COMPLETING", "SUSPENDED", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED",
         "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED", "SPECIAL_EXIT", "RESV_DEL_HOLD")  # fmt: skip
"""States of a job that has not come to its end."""


class Cluster:
    """What SLURM's queue says of this user's jobs."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}
        self._looked = float("-inf")
        self.found: dict[str, str] = {}
        """Mark of a job -> its number, of those that have not come to their end."""
        self._forgotten: set[str] = set()
        """Jobs whose end is known; SLURM may tell for a while that they still go on."""
        self.look()

    def state(self, job: str) -> str:
        """SLURM's word for a job's state; empty where it knows none."""
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self.look()
        return self._states.get(job, "")

    def look(self) -> None:
        """Ask anew. Where SLURM does not answer, what it said last stands."""
        self._looked = time.monotonic()
        chosen = (f"--user={os.geteuid()}", f"--name={MARK}", "--states=all")
        try:
            told = ask("squeue", "--noheader", *chosen, "--format=%i|%T|%k")
        except UserError:
            return
        rows = [line.split("|", 2) for line in told.splitlines() if line.count("|") >= 2]
        self._states = {job: state for job, state, _ in rows}
        going = [(job, comment) for job, state, comment in rows if state in GOING and job not in self._forgotten]
        self.found |= {mark: job for job, comment in going for mark in comment.split()[1:]}

    def add(self, job: str, marks: Iterable[str]) -> None:
        """A job has been submitted."""
        self._states[job] = "PENDING"
        self._forgotten.discard(job)  # SLURM counts from the beginning again, once it has come to its highest number
        self.found |= dict.fromkeys(marks, job)

    def forget(self, job: str) -> None:
        """A job has come to its end, whatever SLURM says of it from now on."""
        self._forgotten.add(job)
        self.found = {mark: other for mark, other in self.found.items() if other != job}

    def cancel(self, jobs: list[str]) -> None:
        """End jobs, and wait until nobody writes to their folders any more."""
        if not jobs:
            return
        with contextlib.suppress(UserError):  # they may have ended meanwhile
            ask("scancel", *jobs)
        end = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < end and any(self._states.get(job) in GOING for job in jobs):
            time.sleep(0.2)
            self.look()
        for job in jobs:
            self.forget(job)


def limits_of(partition: str | None) -> dict[str, float]:
    """Minutes that a job may take at most in each of the partitions that it may be given.

    Args:
        partition: several as sbatch takes them, with commas; None: the cluster's default.

    Raises:
        UserError: there is no SLURM here, or no such partition.
    """
    if shutil.which("sbatch") is None:
        raise UserError("engine slurm: there is no sbatch here; type this on a machine from which SLURM is used")
    rows = [line.split("|") for line in ask("sinfo", "--noheader", "--format=%R|%l|%P").splitlines()]
    limits = {name: limit for name, limit, _ in rows}
    usual = [name for name, _, shown in rows if shown.endswith("*")]
    chosen = usual if partition is None else partition.split(",")
    for name in chosen:
        if name not in limits:
            raise UnknownName("partition", name, limits, f"Type --engine.partition with one of {', '.join(limits)}.")
    return {name: minutes_of(limits[name]) for name in chosen}


def options_of(text: str | None) -> dict[str, Any]:
    """What a user adds to sbatch's options. They become lines of a script, so they must be of one line."""
    options: dict[str, Any] = json.loads(text) if text else {}
    for name, value in options.items():
        known = re.fullmatch("[a-z][a-z-]*", name) and isinstance(value, str | int | float)
        if not known or "\n" in str(value) or "\r" in str(value):
            raise UserError(
                f"--engine.options takes options of sbatch, each a word or a number, not {json.dumps({name: value})}; "
                """type for example '{"account": "robots"}'"""
            )
    return options


def minutes_of(limit: str) -> float:
    """SLURM's way to write a time: `infinite`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours:...`."""
    days, _, clock = limit.rpartition("-")
    parts = clock.split(":")
    if not all(part.isdecimal() for part in (*parts, days or "0")):
        return math.inf
    hours, minutes = (int(part) for part in ("0", *parts)[-3:-1])
    return max(1, int(days or 0) * 24 * 60 + hours * 60 + minutes)


def ask(*command: str) -> str:
    """What a program of SLURM says.

    Raises:
        UserError: it fails, or the cluster does not answer.
    """
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        raise UserError(f"SLURM does not answer: {command[0]} has said nothing in {ANSWER_SECONDS:g} s") from None
    if asked.returncode:
        raise UserError(f"SLURM does not answer: {said(asked.stderr)}")
    return asked.stdout


def said(text: str) -> str:
    """The last line that says something."""
    return next((line.strip()[:300] for line in reversed(text.splitlines()) if line.strip()), "no word why")
