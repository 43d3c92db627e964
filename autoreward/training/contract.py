"""The `Trainer` contract, and the records of one training: its job, its progress, its result."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, Self, runtime_checkable

from autoreward.errors import MachineFailed
from autoreward.language.program import Grammar
from autoreward.records import Record
from autoreward.sandbox.isolation import IsolationTooWeak, Level
from autoreward.task import Task

MACHINES = (MachineFailed, IsolationTooWeak, OSError, MemoryError)
"""What the machine has to answer for, so that a training is done again: reward programs cannot raise them here."""
TRAINER_VERSION = 2
"""Part of every training's hash: raise it when the same job would give another result."""


class RewardSpec(Record):
    """What an agent is trained on."""

    kind: Literal["program", "sparse", "human", "random"]
    """`human` is the environment's own reward; `random` trains nothing: actions are drawn uniformly."""
    source: str | None = None
    """The reward program, for `program`."""
    grammar: Grammar = "terms"


_NO_PART_OF_IT = {"wishes": True, "report_episodes": True}


class TrainingJob(Record):
    """One training, whole: whoever has this file can repeat it."""

    task: Task
    """With its trainer settings, and in `task.steps` the steps to train."""
    reward: RewardSpec
    seed: int
    episodes: int
    """Evaluation episodes of the final evaluation."""
    reported: bool = False
    """Whether the final evaluation is for the report, in the worlds that nothing is chosen by (`EnvSpec.report`)."""
    version: int = TRAINER_VERSION
    stop_when_hacked: bool = False
    """Whether it ends as soon as own return and the true aim part ways; only for what a search tries."""
    least_isolation: Level = "B"
    """A worker whose cell is isolated less does not run the program, wherever it is."""

    @property
    def stack_key(self) -> str | None:
        """Jobs with the same key can be trained together; None: it is trained alone."""
        if self.task.trainer.stack < 2 or self.reward.kind == "random":
            return None
        return self.task.model_dump_json()

    @property
    def hash(self) -> str:
        """16 hexadecimal digits that name the training: what it does.

        Not how its task is told, its cell isolated, or beside which others it is trained.
        """
        job = self.model_copy(update={"task": self.task.model_copy(update={"text": "-", "reference": None})})
        # What a task does not use is no part of its trainings' names either.
        env = {name: True for name in ("evaluation", "report", "python") if not getattr(job.task.env, name)}
        usual = {name: True for name in ("acting", "shipped") if getattr(job.task.trainer, name) == "best"}
        own: dict[str, Any] = {"env": {"install": True, **env}, "trainer": {"stack": True, **usual}}
        if not job.task.measures:
            own["measures"] = True
        out: dict[str, Any] = {"least_isolation": True, "task": {**_NO_PART_OF_IT, **own}}
        if not (self.reported and job.task.env.report):
            out["reported"] = True
        if not self.stop_when_hacked:
            out["stop_when_hacked"] = True
        text = job.model_dump_json(exclude=out)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Evaluation(Record):
    """The policy's deterministic episodes on the true success; computed where no reward program ever runs."""

    step: int
    """Environment steps of training before it."""
    episodes: int
    success_rate: float
    score: float | None
    """Mean over episodes; None where the task has no score."""
    length: float
    """Mean episode length, steps."""
    outcomes: dict[str, float] = {}
    """Outcome -> share of the episodes."""
    measures: dict[str, float] = {}
    """Measure -> mean over the episodes that count for it; left out where none does."""


class TermStatistics(Record):
    """One term over the training episodes, weighted as in the total (`signs`: unweighted)."""

    curve: tuple[float, ...]
    """Mean episode sum at about ten points of the training."""
    mean: float
    std: float
    """Over episode sums of the whole training."""
    share: float
    """Mean absolute episode sum, as a share of that of all terms, over the last quarter of the training."""
    success_correlation: float | None
    """Pearson correlation of the episode sum with the episode's success; None where either is constant."""
    score_correlation: float | None
    """The same with the episode's score."""
    constant: bool
    """It never changed."""


class HackingAlarm(Record):
    """Own return and the true aim parted ways; see `autoreward.training.hacking`. Pairs are (then, now)."""

    step: int
    """Environment steps after which the training was stopped."""
    since: int
    """Environment steps at the end of the stretch that it is compared with: `then`."""
    kind: Literal["fell", "flat", "lost"]
    """The aim fell, or did not follow, where own return went with it at first; or success was reached and lost."""
    aim: Literal["success", "score"]
    """What tells it."""
    own_return: tuple[float, float]
    """Means over the training episodes."""
    success: tuple[float, float]
    score: tuple[float, float] | None = None
    correlation: tuple[float | None, float | None]
    """Rank correlation of own return with the aim, over episodes; None where either is constant."""
    both: float | None = None
    """The same over the episodes of both stretches together."""
    without: dict[str, float] = {}
    """Term -> `both`, had the return been without that term; empty where the return is no sum of terms."""
    term: str | None = None
    """The term without which own return goes with the aim again; None where no single one does that."""


class TrainingResult(Record):
    """What a training gave. Files beside it: see `autoreward.training.files`."""

    hash: str
    steps: int
    status: Literal["ok", "failed"]
    error: str | None = None
    """Why it failed, in one line."""
    failure: Literal["reward", "machine"] | None = None
    """Of a failed one: what the reward may have caused, or what says nothing about it and is tried once more.

    None also in records of before this was told, which count as the reward's.
    """
    evaluations: tuple[Evaluation, ...] = ()
    """During training, on the policy as it then was."""
    final: Evaluation | None = None
    """The shipped policy: the checkpoint with the best own return (of the task's own seeds, not shared with search)."""
    last: Evaluation | None = None
    """The policy at the end of training, where it is not the shipped one."""
    shipped_step: int = 0
    own_return: tuple[float, ...] = ()
    """Mean return under the training's own reward at about ten points."""
    train_success: tuple[float, ...] = ()
    """Success rate of the training episodes at the same points."""
    points: tuple[int, ...] = ()
    """Environment steps of these points."""
    terms: dict[str, TermStatistics] = {}
    episode_terms: dict[str, tuple[float, ...]] = {}
    """Term -> weighted sum in each recorded episode of `trajectories.npz`, in its order."""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    reward_seconds: float = 0.0
    """Share of `seconds` spent waiting for the cell."""
    timers: dict[str, float] = {}
    """Seconds of the training loop by part: physics, judge, forward, reward, normalise, update ..."""
    evaluator_seconds: float = 0.0
    """CPU seconds of the evaluations, among `cpu_seconds`; with those of the evaluator's start where it was started."""
    faults: int = 0
    """Simulations that blew up and were begun anew."""
    evaluation_faults: int = 0
    """The same in evaluations."""
    isolation: Level | None = None
    """What the cell of the reward program had witnessed; None where none ran in a cell."""
    versions: dict[str, str] = {}
    """Python's and its packages' where the environment's pack names an interpreter; else the run tells them."""
    stopped: HackingAlarm | None = None
    """Why it was stopped before `steps`; policy, curves and evaluations are of as far as it came."""

    @property
    def trained(self) -> int:
        """Environment steps that it was trained for."""
        return self.steps if self.stopped is None else self.stopped.step


class Progress(Record):
    """Where a training stands; the worker rewrites `progress.json` with it."""

    stage: Literal["starting", "training", "evaluating", "finished", "failed"]
    step: int = 0
    steps: int = 0
    own_return: float | None = None
    success_rate: float | None = None
    recent: dict[str, float] = {}
    """Means over the last training episodes of what `episodes.npz` has: own_return, success, length, score,
    `term.NAME`, `outcome.NAME`."""
    evaluation: Evaluation | None = None
    """The last one."""

    @classmethod
    def ended(cls, result: TrainingResult) -> Self:
        """The last that is told of a training."""
        ok = result.status == "ok"
        return cls(
            stage="finished" if ok else "failed",
            step=result.trained if ok else 0,
            steps=result.steps,
            own_return=result.own_return[-1] if result.own_return else None,
            success_rate=result.final.success_rate if result.final else None,
        )


Report = Callable[[Progress], None]


class Trainer(Protocol):
    """Trains a policy. Implementations pass `autoreward.testing.check_trainer`."""

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Report) -> TrainingResult:
        """Train to `steps` environment steps and write the folder's files.

        What `progress` raises ends the training; called again with the same folder, it goes on or begins anew.

        Raises:
            TrainingFailed: the message says why in one line (the reward program's fault, a diverged policy ...).
            MachineFailed: the same, where the reward has no part in it; so is what else is an OSError or MemoryError.
        """
        ...


@runtime_checkable
class StackTrainer(Trainer, Protocol):
    """A trainer that can also train several jobs together, in one process; see `TrainerSettings.stack`."""

    def train_together(
        self, jobs: Sequence[TrainingJob], steps: int, folders: Sequence[Path], progress: Sequence[Report]
    ) -> Iterator[tuple[int, TrainingResult | Exception]]:
        """Train jobs with one `stack_key` as `train` would each, and give the place of each with its outcome.

        What one of them raises is its outcome, and changes nothing for the others. What `progress` raises, and is no
        `Exception`, ends all; called again, each goes on or begins anew, together with others or alone.
        """
        ...
