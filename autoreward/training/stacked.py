"""K trainings of one task in lockstep: what their learners are asked at the same time is answered together.

For GPUs, where a small network costs what starting its operations costs, and K networks in one batch about the same. On
a CPU it pays for small minibatches alone (docs/performance.md).

Each training keeps all that it has alone: its folder, worlds, cell, evaluator, log, normalisation, random generators
and checkpoints. One that fails leaves with its own error, and the others go on as if it had ended.

Imported by workers only (torch).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoreward.training.contract import Progress, TrainingJob, TrainingResult
from autoreward.training.loop import Act, Question, Rest, Training, Update, Values, answer
from autoreward.training.ppo import PPO
from autoreward.training.session import Session, process_seconds
from autoreward.training.stacked_ppo import StackedPPO
from autoreward.training.stopwatch import Stopwatch

Report = Callable[[Progress], None]
Outcome = TrainingResult | Exception

PARTS: dict[type[Question], str] = {Values: "update", Update: "update", Act: "forward", Rest: "evaluate"}
"""What is answered first, and the part of a training that it belongs to.

Who has learnt waits for those that still learn, so that all act together again, and are evaluated at the same time.
"""


class SharedSeconds:
    """CPU seconds of this process as each training in it counts them: shared out equally among those that go on."""

    def __init__(self, sharers: int) -> None:
        self._sharers, self._each, self._last = sharers, 0.0, process_seconds()

    def __call__(self) -> float:
        """One share so far."""
        now = process_seconds()
        self._each += (now - self._last) / max(self._sharers, 1)
        self._last = now
        return self._each

    def leave(self) -> None:
        """One training fewer."""
        self()
        self._sharers -= 1


@dataclass(frozen=True)
class _Begun:
    """The first thing that a member says."""

    learner: PPO
    clock: Stopwatch


class _Member:
    """One of the trainings."""

    question: Question

    def __init__(self, job: TrainingJob, steps: int, folder: Path, report: Report, used: SharedSeconds) -> None:
        self.outcome: Outcome | None = None
        self._used = used
        self._course = self._run(job, steps, folder, report)
        try:
            begun = next(self._course)
        except Exception as error:  # whatever keeps it from starting
            self._end(error)
            return
        assert isinstance(begun, _Begun)
        self.learner, self.clock = begun.learner, begun.clock
        self._go_on(lambda: next(self._course))

    def answer(self, reply: Any, share: float) -> None:  # noqa: ANN401 - what the question says
        """Go on to the next question, or to the end. `share`: seconds that the reply took, for this member."""
        self.clock.resume(PARTS[type(self.question)], share)
        self._go_on(lambda: self._course.send(reply))

    def fail(self, error: Exception) -> None:
        """End with this error."""
        self._go_on(lambda: self._course.throw(error))

    def close(self) -> None:
        """Break it off: it goes on from its checkpoint another time."""
        self._course.close()

    def _run(
        self, job: TrainingJob, steps: int, folder: Path, report: Report
    ) -> Generator[_Begun | Question, Any, TrainingResult]:
        with Session(job, steps, folder, report, self._used) as session:
            training = Training(session)
            yield _Begun(training.learner, session.collector.clock)
            return (yield from training.run())

    def _go_on(self, resume: Callable[[], _Begun | Question]) -> None:
        try:
            question = resume()
        except StopIteration as end:
            self._end(end.value)
        except Exception as error:  # its own: the others know nothing of it
            self._end(error)
        else:
            assert not isinstance(question, _Begun)
            self.question = question
            self.clock.lap(PARTS[type(question)])

    def _end(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self._used.leave()


class _Stack:
    """The learner of those that go on; a member whose question nobody shares is answered by its own."""

    def __init__(self) -> None:
        self._together: StackedPPO | None = None

    def answer(self, asking: list[_Member], training: list[_Member]) -> list[Any]:
        """Replies to questions of one kind, of some or all of those that train."""
        if len(asking) < len(training) or len(training) < 2 or not _alike([member.question for member in asking]):
            return [answer(member.learner, member.question) for member in asking]
        learners = tuple(member.learner for member in training)
        if self._together is None or self._together.members != learners:
            self._together = StackedPPO(learners)
        return _answer(self._together, [member.question for member in asking])


def train_stack(
    jobs: Sequence[TrainingJob], steps: int, folders: Sequence[Path], reports: Sequence[Report]
) -> Iterator[tuple[int, Outcome]]:
    """Train all jobs to `steps`, and give each one's place and outcome as soon as it has ended.

    Args:
        jobs: of one task with one trainer's settings; rewards and seeds are their own.
        steps: environment steps to reach.
        folders: of the trainings.
        reports: told where each training stands; what one of them raises, and is no `Exception`, ends all.
    """
    used, stack = SharedSeconds(len(jobs)), _Stack()
    members: list[_Member] = []
    told: set[int] = set()
    try:
        for job, folder, report in zip(jobs, folders, reports, strict=True):
            members.append(_Member(job, steps, folder, report, used))
        while True:
            for place, member in enumerate(members):
                if member.outcome is not None and place not in told:
                    told.add(place)
                    yield place, member.outcome
            going = [member for member in members if member.outcome is None]
            if not going:
                return
            _turn(stack, going)
    finally:
        for member in members:
            member.close()


def _turn(stack: _Stack, going: list[_Member]) -> None:
    """Answer every question of the kind that comes first."""
    kind = next(kind for kind in PARTS if any(isinstance(member.question, kind) for member in going))
    asking = [member for member in going if isinstance(member.question, kind)]
    training = [member for member in going if not isinstance(member.question, Rest)]
    begun = time.perf_counter()
    try:
        replies = [None] * len(asking) if kind is Rest else stack.answer(asking, training)
    except Exception as error:  # above all memory that was not enough for all of them together
        for member in asking:
            member.fail(error)
        return
    share = (time.perf_counter() - begun) / len(asking)
    for member, reply in zip(asking, replies, strict=True):
        member.answer(reply, share)


def _alike(questions: Sequence[Question]) -> bool:
    """Whether their arrays have one shape, so that they can lie in one."""
    shapes = set()
    for question in questions:
        assert not isinstance(question, Rest)
        shapes.add((question.rollout.obs if isinstance(question, Update) else question.obs).shape)
    return len(shapes) == 1


def _answer(learner: StackedPPO, questions: Sequence[Question]) -> list[Any]:
    """Replies to alike questions of one kind."""
    acts = [question for question in questions if isinstance(question, Act)]
    if acts:
        return learner.act([act.obs for act in acts], [act.mask for act in acts])
    judged = [question.obs for question in questions if isinstance(question, Values)]
    if judged:
        return learner.values(judged)
    return learner.update(
        [(each.rollout, each.advantage, each.returns) for each in questions if isinstance(each, Update)]
    )
