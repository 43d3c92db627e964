"""Cells whose own process is hostile or faulty: it shuts itself in as ever, and then does what a test tells it to."""

from __future__ import annotations

import gc
import os
import textwrap
from pathlib import Path

import pytest

from autoreward.envs.registry import make_env
from autoreward.records import write_record
from autoreward.task import Task
from autoreward.testing.trainer import CLIMB, line_task
from autoreward.training.batch import BatchTrainer
from autoreward.training.contract import Evaluation, RewardSpec, TrainingJob, TrainingResult
from autoreward.training.evaluation import evaluate
from autoreward.training.files import JOB, POLICY, result_name
from autoreward.training.policy import Policy
from autoreward.training.seeds import derive

STEPS = 768
"""Three rollouts of 32 steps in 8 environments: the shape by which a cell knows that it is in a training."""
BOOT = """
import sys; sys.path.insert(0, sys.argv[1]); import autoreward; sys.path.append(sys.path.pop(0))
import ctypes, json, mmap, os, signal, socket
import numpy as np
from autoreward.sandbox import frames, serve
honest, calls, FOLDER = serve._Session.answer, [], {folder!r}

def answer(self, fields, arrays):
    training = "source" not in fields and arrays["begun"].shape == (32, 8)
    calls.append(training)
{attack}
    return honest(self, fields, arrays)

def attempt(action):
    try:
        action()
    except OSError:
        pass

serve._Session.answer = answer
from autoreward.sandbox.child import main; main()
"""


def forge(monkeypatch: pytest.MonkeyPatch, attack: str, folder: Path) -> None:
    """Every cell from here on runs `attack`, Python in the body of `answer`, before it answers; see `BOOT`."""
    code = BOOT.format(folder=str(folder), attack=textwrap.indent(textwrap.dedent(attack).strip() or "pass", "    "))
    monkeypatch.setattr("autoreward.sandbox.process._BOOT", code)


def tiny_task() -> Task:
    """`line_task` with a single evaluation on the way."""
    return line_task(trainer=line_task().trainer.model_copy(update={"evaluations": 1, "evaluation_episodes": 2}))


def train(folder: Path, source: str = CLIMB) -> TrainingResult:
    """A real training of a program; its result is recorded as a worker records it."""
    folder.mkdir(parents=True)
    job = TrainingJob(task=tiny_task(), reward=RewardSpec(kind="program", source=source), seed=5, episodes=6)
    write_record(folder / JOB, job)
    result = BatchTrainer().train(job, STEPS, folder, lambda progress: None)
    write_record(folder / result_name(STEPS), result)
    return result


def measured_here(folder: Path, result: TrainingResult) -> Evaluation:
    """What the policy in a training's folder is worth, measured again where no cell ever was."""
    task = tiny_task()
    env = make_env(task.env, 6)
    try:
        episodes = evaluate(env, task, Policy.load(folder / POLICY).act, derive(5, "final", 6))
    finally:
        env.close()
    return episodes.summary(result.shipped_step)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def traces() -> tuple[set[str], set[str], int]:
    """What a cell or an evaluator could leave behind: child processes, files of shared memory, open memory files."""
    gc.collect()  # what an earlier test's traceback held
    children = set()
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if after_name[1] == str(os.getpid()):
            children.add(pid)
    memory = 0
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            memory += "memfd:" in os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            continue
    mapped = Path("/proc/self/maps").read_text().count("memfd:")
    shared = set(os.listdir("/dev/shm")) if Path("/dev/shm").is_dir() else set()
    return children, shared, memory + mapped
