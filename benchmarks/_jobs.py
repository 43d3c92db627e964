"""What the training benchmarks run: one arm of a comparison is one job, in a process of its own, with one result file.

A job whose result is there is not run again, so that a stopped benchmark goes on where it was.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from autoreward.records import Record, read_record, write_record
from autoreward.task import EnvSpec, SuccessRule, Task, TrainerSettings
from autoreward.training.contract import TRAINER_VERSION, RewardSpec, TrainingResult

ROOT = Path(__file__).resolve().parent.parent
ARM = Path(__file__).with_name("_arm.py")
POLL = 0.05
QUICK = 2048
"""Steps of the trainings of a quick run."""

Array = NDArray[Any]
Act = Callable[[Array], Array]
"""Observations [N, D] -> actions."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
EPISODES = 20
"""Gymnasium episodes that measure a trained policy."""

SB3_DEFAULT = TrainerSettings(
    num_envs=8,
    rollout=256,
    minibatch=64,
    epochs=10,
    learning_rate=3e-4,
    log_std=0.0,
    hidden=(64, 64),
    evaluations=1,
    evaluation_episodes=1,
)
"""Stable-Baselines3's default PPO settings, on 8 environments (its default rollout of 2048 steps)."""


class ArmJob(Record):
    """One training of one arm."""

    arm: Literal["raw", "ours", "random"]
    """`raw`: Stable-Baselines3 on Gymnasium, no code of this project; `ours`: a worker's job; `random`: no training."""
    task: Task
    """With the trainer settings; `raw` uses the same ones, and the task's environment."""
    reward: RewardSpec = RewardSpec(kind="human")
    """`raw` has the environment's own only."""
    seed: int
    steps: int
    cpu_limit: float | None = None
    """`raw`: stop after that many CPU-seconds."""
    episodes: int = 0
    """Episodes on Gymnasium afterwards, with the last policy, deterministic actions, and the environment's reward."""
    judged: int = 0
    """`ours`: episodes of the training's own final evaluation; 0: a single one, whose result is of no interest."""
    cores: int = 0
    """Cores that the process and its children may use; 0: all."""
    version: int = TRAINER_VERSION

    @property
    def name(self) -> str:
        """Readable and unique: a hash of what the job does, not of how its task is told."""
        judge: dict[str, Any] = (
            {} if self.judged else {"success": SuccessRule(expression="True"), "score": None, "outcomes": {}}
        )
        env = self.task.env.model_copy(update={"fields": (), "description": ""})
        task = self.task.model_copy(update={"text": "-", "reference": None, "env": env, **judge})
        job = self.model_copy(update={"task": task})
        digest = hashlib.sha256(job.model_dump_json(exclude={"task": {"wishes"}}).encode()).hexdigest()[:10]
        return f"{self.task.name.replace('/', '_')}-{self.arm}-{self.seed}-{digest}"


class ArmResult(Record):
    """What a job gave, and what it cost. Imports are not counted: a worker has them behind it."""

    steps: int
    """Environment steps trained."""
    seconds: float
    cpu_seconds: float
    """Of the process and all its children, from before the environments are made until the training is over."""
    child_cpu_seconds: float
    """Of the children: evaluator and cell."""
    returns: tuple[float, ...] = ()
    """Of the Gymnasium episodes."""
    training_steps: tuple[int, ...] = ()
    """Training episodes: the step at which each ended ..."""
    training_returns: tuple[float, ...] = ()
    """... and its return under the reward trained on."""
    training: TrainingResult | None = None
    """`ours`: the training's own result."""


def gym_arguments(spec: EnvSpec) -> dict[str, Any]:
    """What `gymnasium.make` is given besides the id."""
    limit = {} if spec.step_limit is None else {"max_episode_steps": spec.step_limit}
    return {**spec.kwargs, **limit}


def digest(jobs: Iterable[ArmJob]) -> str:
    """Names what was measured of these jobs, so that changed settings are measured again."""
    return hashlib.sha256(" ".join(job.name for job in jobs).encode()).hexdigest()[:10]


def own_environment(task: Task) -> Task:
    """The task on its environment as Gymnasium makes it: its own arguments, step limit and ends of episodes."""
    env = task.env.model_copy(update={"kwargs": {}, "step_limit": None})
    return task.model_copy(update={"env": env, "success": task.success.model_copy(update={"ends_episode": False})})


def with_settings(task: Task, trainer: str, settings: TrainerSettings) -> Task:
    """The task, trained by that trainer at those settings."""
    return task.model_copy(update={"trainer": settings.model_copy(update={"name": trainer})})


def whole(steps: int, settings: TrainerSettings) -> int:
    """Steps rounded up to whole rollouts, as every PPO trains them."""
    rollout = settings.num_envs * settings.rollout
    return -(-steps // rollout) * rollout


def unjudged(settings: TrainerSettings) -> TrainerSettings:
    """The settings with the fewest evaluations, for trainings that are measured on Gymnasium afterwards."""
    return settings.model_copy(update={"evaluations": 1, "evaluation_episodes": 1})


def slots_or_cores(slots: int) -> int:
    """Processes at once; 0: as many as cores."""
    return slots or len(os.sched_getaffinity(0))


def run_all(jobs: Sequence[ArmJob], folder: Path, slots: int) -> list[ArmResult]:
    """Run every job that has no result yet, at most `slots` at once, and return all results in the jobs' order.

    Raises:
        SystemExit: a job failed; the message has its last words, and the other results are kept.
    """
    waiting = [
        job for job in {job.name: job for job in jobs}.values() if not (folder / job.name / "result.json").exists()
    ]
    total, running = len(waiting), dict[subprocess.Popen[bytes], ArmJob]()
    try:
        while waiting or running:
            while waiting and len(running) < slots:
                job = waiting.pop(0)
                running[_start(job, folder)] = job
            time.sleep(POLL)
            for process in [process for process in running if process.poll() is not None]:
                job = running.pop(process)
                if process.returncode or not (folder / job.name / "result.json").exists():
                    raise SystemExit(f"{job.name} failed:\n{_last_words(folder / job.name)}")
                say(f"  {total - len(waiting) - len(running)}/{total} {job.name}")
    finally:
        for process in running:
            process.kill()
            process.wait()
    return [read_record(folder / job.name / "result.json", ArmResult) for job in jobs]


def run_once(jobs: Sequence[ArmJob], folder: Path) -> list[ArmResult]:
    """Run all the jobs at the same time, also where there are results: their cost is what is asked for."""
    for job in jobs:
        (folder / job.name / "result.json").unlink(missing_ok=True)
    return run_all(jobs, folder, len(jobs))


def say(line: str) -> None:
    """Tell on standard error what goes on."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _start(job: ArmJob, folder: Path) -> subprocess.Popen[bytes]:
    place = folder / job.name
    shutil.rmtree(place / "training", ignore_errors=True)  # going on from its checkpoint would cost less than it did
    write_record(place / "arm.json", job)
    command = [sys.executable, str(ARM), str(place)]
    with (place / "log.txt").open("wb") as log:
        environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)


def _last_words(place: Path) -> str:
    return "\n".join((place / "log.txt").read_text(errors="replace").strip().splitlines()[-12:])
