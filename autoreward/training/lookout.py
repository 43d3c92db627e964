"""Watches a training for `hacking`, at the points where it is looked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autoreward.training.contract import Evaluation, HackingAlarm, TrainingJob
from autoreward.training.hacking import due, hacked
from autoreward.training.statistics import EpisodeLog


class Lookout:
    """Looks at a training six times, and remembers its alarm; never at one whose job is not to be stopped.

    Args:
        job: of the training.
        whole: environment steps of the whole training, even where it goes to fewer for now.
    """

    def __init__(self, job: TrainingJob, whole: int) -> None:
        self._whole = whole
        self._due = due(whole) if job.stop_when_hacked and job.reward.kind == "program" else []
        self.alarm: HackingAlarm | None = None

    def look(self, step: int, log: EpisodeLog, evaluations: Callable[[], Sequence[Evaluation]]) -> None:
        """A rollout has been scored; see `hacked` for `evaluations`."""
        if self.alarm is None and self._due and step >= self._due[0]:
            self.go_on(step, None)
            self.alarm = hacked(log.arrays(), self._whole, step, evaluations)

    def go_on(self, step: int, alarm: HackingAlarm | None) -> None:
        """Go on from that step: of a checkpoint, with the alarm that it had."""
        self._due = [due for due in self._due if due > step]
        self.alarm = alarm
