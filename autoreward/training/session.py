"""What every trainer does around its learner: worlds, rewards, evaluations on the way, the best checkpoint, the result.

A trainer collects a rollout with `Session.collector`, has it scored, says `after_rollout`, and updates its policy; at
the end it hands over the last policy and gets the result.
"""

from __future__ import annotations

import functools
import resource
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from numpy.typing import NDArray

from autoreward.envs.registry import make_env
from autoreward.errors import TrainingFailed
from autoreward.reward.total import total_without
from autoreward.sandbox.process import ProcessCell
from autoreward.training.best import WINDOW, Best, Snapshot
from autoreward.training.checkpoint import part, prefixed, read_checkpoint, write_checkpoint
from autoreward.training.collect import Collector
from autoreward.training.contract import (
    MACHINES,
    Evaluation,
    HackingAlarm,
    Progress,
    Report,
    TrainingJob,
    TrainingResult,
)
from autoreward.training.evaluator import Request
from autoreward.training.evaluators import borrow
from autoreward.training.files import CHECKPOINT, EPISODES, FAULT, POLICY, POLICY_LAST, SNAPSHOTS, TRAJECTORIES
from autoreward.training.lookout import Lookout
from autoreward.training.policy import Policy
from autoreward.training.rewards import Fault, ProgramReward, RewardSource, make_reward
from autoreward.training.seeds import derive
from autoreward.training.statistics import EpisodeLog, curves, term_statistics, write_npz
from autoreward.training.trajectories import episode_terms

CALL_SECONDS = 10.0
"""For a reward program to score one rollout."""
PAUSE = 0.25
"""Seconds between two reports of progress."""

Array = NDArray[Any]


class Session:
    """One training around its learner, from its start to its result. Use it as a context.

    Args:
        job: what to train.
        steps: environment steps to reach; may be fewer than the task's, for now.
        folder: of the training; its files are written there.
        report: told where the training stands.
        used: CPU seconds so far, of which what passes from now on is this training's; None: those of this process.
    """

    def __init__(
        self, job: TrainingJob, steps: int, folder: Path, report: Report, used: Callable[[], float] | None = None
    ) -> None:
        self.job, self.steps, self.folder, self._report = job, steps, folder, report
        self._cpu_seconds = used or process_seconds
        self._started, self._used = time.monotonic(), self._cpu_seconds()
        report(Progress(stage="starting", steps=steps))
        self._snapshots = folder / SNAPSHOTS
        # Of the whole training, even where it goes to fewer steps for now. `result` asks for the last evaluation, which
        # is of the policy after the last update.
        self._whole, count = max(steps, job.task.steps), job.task.trainer.evaluations
        self._due = [self._whole * (index + 1) // count for index in range(count - 1)]
        self._lookout = Lookout(job, self._whole)
        self._pending: list[int] = []
        self._evaluations: list[Evaluation] = []
        self._told = time.monotonic()
        self._best, self._asked_final = Best(self._whole, kept=job.task.trainer.shipped == "best"), False
        self._evaluator_seconds, self._evaluation_faults = 0.0, 0  # before the checkpoint
        with ExitStack() as stack:  # whatever fails here, no process is left behind
            self._open(stack)
            self.saved = self._load()
            """The learner's arrays of the folder's checkpoint; None where the training begins."""
            self._stack = stack.pop_all()

    def _open(self, stack: ExitStack) -> None:
        job, settings = self.job, self.job.task.trainer
        self._evaluator = borrow(job.task, max(job.episodes, settings.evaluation_episodes))
        stack.callback(self._evaluator.give_back)
        env = make_env(job.task.env, settings.num_envs, settings.worlds)
        stack.callback(env.close)
        new_cell = functools.partial(ProcessCell, deadline=CALL_SECONDS, least=job.least_isolation)
        self.reward: RewardSource = make_reward(job.reward, env.schema, new_cell)
        stack.callback(self.reward.close)
        self.log = EpisodeLog(settings.num_envs)
        reward = self.reward if job.stop_when_hacked else None
        without = (lambda terms: total_without(reward.program, terms)) if isinstance(reward, ProgramReward) else None
        self.collector = Collector(env, job.task, self.reward, self.log, without=without)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()
        # What goes on from its checkpoint (broken off, failed by the machine, or to more steps) needs the policies that
        # wait for an evaluation.
        again = error is not None and (isinstance(error, MACHINES) or not isinstance(error, Exception))
        if not again and (error is not None or self.steps == self._whole):
            shutil.rmtree(self._snapshots, ignore_errors=True)
        if isinstance(error, Fault):
            raise self.fault(str(error), error.arrays) from error

    @property
    def stopped(self) -> bool:
        """Whether the training ends here, however many steps it was to have: it hacks its reward."""
        return self._lookout.alarm is not None

    def tick(self, step: int) -> None:
        """Report progress, now and then; cheap enough to be called in every step."""
        if time.monotonic() - self._told >= PAUSE:
            self._told = time.monotonic()
            self._report(self._state("training", step))

    def fault(self, message: str, arrays: Mapping[str, Array]) -> TrainingFailed:
        """Keep the arrays that show what went wrong, and give the error to raise."""
        write_npz(self.folder / FAULT, arrays)
        return TrainingFailed(f"{message}; {FAULT} has the states")

    def save(self, arrays: Mapping[str, Array]) -> None:
        """Write the checkpoint: the learner's arrays, and what the session knows."""
        header = {
            "training": self.job.hash,
            "step": self.collector.steps,
            "steps": self.steps,
            "pending": self._pending,
            "stopped": self._lookout.alarm.model_dump() if self._lookout.alarm else None,
            "evaluations": [evaluation.model_dump() for evaluation in self._evaluations],
            **self._best.header(),
            "seconds": time.monotonic() - self._started,
            "cpu_seconds": self._spent(),
            "evaluator_seconds": self._evaluator_seconds + self._evaluator.seconds,
            "evaluation_faults": self._evaluation_faults + self._evaluator.faults,
            "reward_seconds": self.reward.seconds,
            "timers": self.collector.clock.seconds,
            "faults": self.collector.env.faults,
        }
        write_checkpoint(self.folder / CHECKPOINT, header, {**prefixed("learner", arrays), **self._best.arrays()})

    def after_rollout(self, step: int, snapshot: Snapshot) -> bool:
        """A rollout has been scored, and the policy that collected it has not been updated since.

        Returns:
            Whether an evaluation was due at this step: a good moment for a checkpoint.
        """
        self._best.look(step, self.log, snapshot)
        self._take(self._evaluator.ready())
        due = bool(self._due) and step >= self._due[0]
        if due:
            self._due = [later for later in self._due if later > step]
            snapshot().save(self._snapshot_path(step))
            self._pending.append(step)
            self._ask(self._snapshot_path(step), step)
        self._lookout.look(step, self.log, self._evaluated)
        return due

    def ask_final(self, step: int, last: Policy) -> None:
        """Ask for the evaluations of the last policy, as during training, and of the shipped one, on seeds of its own.

        `result` does it where it was not done; whoever does it before can go on with other work meanwhile.
        """
        self._asked_final = True
        last.save(self.folder / POLICY_LAST)
        (self._best.policy or last).save(self.folder / POLICY)
        self._ask(self.folder / POLICY_LAST, step)
        self._evaluator.submit(
            Request(
                policy=(self.folder / POLICY).absolute(),
                seeds=tuple(derive(self.job.seed, "final", self.job.episodes)),
                step=step if self._best.policy is None else self._best.step,
                use="report" if self.job.reported else "evaluation",
                trajectories=(self.folder / TRAJECTORIES).absolute(),
            )
        )

    def result(self, step: int, last: Policy, timers: dict[str, float] | None = None) -> TrainingResult:
        """Evaluate the last policy and the shipped one, write the folder's files, and sum up.

        Args:
            step: environment steps trained.
            last: the policy after the last update.
            timers: seconds of the learner's parts.

        Raises:
            TrainingFailed: the evaluator died, or an evaluation failed.
        """
        if not self._asked_final:
            self.ask_final(step, last)
        self.log.write(self.folder / EPISODES)
        last_evaluation, final = self._final(step)
        arrays, alarm = self.log.arrays(), self._lookout.alarm
        trained = self.steps if alarm is None else alarm.step
        course = curves(arrays, trained)
        sums, isolation = {}, None
        if isinstance(self.reward, ProgramReward):
            sums, isolation = episode_terms(self.folder / TRAJECTORIES, self.reward), self.reward.isolation
        result = TrainingResult(
            hash=self.job.hash,
            steps=self.steps,
            status="ok",
            evaluations=(*(each for each in self._evaluations if each.step < step), last_evaluation),
            final=final,
            last=None if self._best.policy is None else last_evaluation,
            shipped_step=step if self._best.policy is None else self._best.step,
            own_return=course.own_return,
            train_success=course.success,
            points=course.points,
            terms=term_statistics(arrays, trained, self.log.constant_terms()),
            episode_terms=sums,
            reward_seconds=self.reward.seconds,
            timers=timers or {},
            faults=self.collector.env.faults,
            evaluation_faults=self._evaluation_faults + self._evaluator.faults,
            evaluator_seconds=self._evaluator_seconds + self._evaluator.seconds,
            isolation=isolation,
            stopped=alarm,
        )
        return self._timed(result)

    def _load(self) -> dict[str, Array] | None:
        """Go back to the folder's checkpoint, if it has one of a training to as many `steps`, or to fewer."""
        found = read_checkpoint(self.folder / CHECKPOINT, self.job.hash)
        if found is None or found[0]["steps"] > self.steps:
            return None
        header, arrays = found
        self._evaluations = [Evaluation.model_validate(entry) for entry in header["evaluations"]]
        self._due = [due for due in self._due if due > header["step"]]
        alarm = header.get("stopped")  # not in checkpoints of before trainings were stopped
        self._lookout.go_on(header["step"], HackingAlarm.model_validate(alarm) if alarm else None)
        self._best.restore(header, arrays)
        self._started -= header["seconds"]
        self._used -= header["cpu_seconds"]
        self._evaluator_seconds = header.get("evaluator_seconds", 0.0)  # not in checkpoints of before it was told
        self._evaluation_faults = header.get("evaluation_faults", 0)
        self.reward.seconds = header["reward_seconds"]
        self.collector.clock.seconds |= header["timers"]
        self.collector.env.faults = header["faults"]
        for step in header["pending"]:
            if self._snapshot_path(step).exists():
                self._pending.append(step)
                self._ask(self._snapshot_path(step), step)
        return part(arrays, "learner")

    def _timed(self, result: TrainingResult) -> TrainingResult:
        self._stack.close()  # the cell counts: it has to have ended for that
        seconds = time.monotonic() - self._started
        return result.model_copy(update={"seconds": seconds, "cpu_seconds": self._spent()})

    def _spent(self) -> float:
        """CPU seconds of this training so far."""
        return self._cpu_seconds() - self._used + self._evaluator.uncounted

    def _state(self, stage: Literal["training", "evaluating"], step: int) -> Progress:
        evaluation, recent = self._evaluations[-1] if self._evaluations else None, self.log.recent(WINDOW)
        return Progress(
            stage=stage,
            step=min(step, self.steps),
            steps=self.steps,
            own_return=recent.get("own_return"),
            success_rate=evaluation.success_rate if evaluation else None,
            recent=recent,
            evaluation=evaluation,
        )

    def _snapshot_path(self, step: int) -> Path:
        return self._snapshots / f"{step}.safetensors"

    def _ask(self, path: Path, step: int) -> None:
        seeds = derive(self.job.seed, "evaluation", self.job.task.trainer.evaluation_episodes)
        self._evaluator.submit(Request(policy=path.absolute(), seeds=tuple(seeds), step=step))

    def _evaluated(self) -> list[Evaluation]:
        """All evaluations so far, waited for: what is decided by them must not depend on who is faster."""
        self._take(self._evaluator.wait(lambda: self.tick(self.collector.steps)))
        return self._evaluations

    def _take(self, evaluations: list[Evaluation]) -> None:
        """Evaluations come in the order in which they were asked for."""
        self._evaluations += evaluations
        del self._pending[: len(evaluations)]

    def _final(self, step: int) -> tuple[Evaluation, Evaluation]:
        """The evaluations that `ask_final` has asked for."""
        *during, last, final = self._evaluator.wait(lambda: self._report(self._state("evaluating", step)))
        self._take(during)
        return last, final


def process_seconds() -> float:
    """Of this process and of its children that have ended."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
