"""A cell that is killed from outside says nothing about the program that it ran."""

from __future__ import annotations

import os
import signal
from typing import Any

from autoreward.critic.verify import verify
from autoreward.envs.record import record_transitions
from autoreward.envs.registry import describe
from autoreward.language.program import Program
from autoreward.sandbox.contract import Scores
from autoreward.sandbox.process import ProcessCell
from autoreward.testing.trainer import CLIMB, line_task
from autoreward.training.contract import RewardSpec
from autoreward.training.rewards import ProgramReward


class Killed(ProcessCell):
    """Its process is killed before the calls that `at` names, counted from 0."""

    def __init__(self, *at: int) -> None:
        super().__init__()
        self.at, self.calls = at, 0

    def load(self, *given: Any) -> Program:
        self._strike()
        return super().load(*given)

    def score(self, *given: Any) -> Scores:
        self._strike()
        return super().score(*given)

    def _strike(self) -> None:
        if self.calls in self.at:
            self.start()
            os.kill(self.pid or 0, signal.SIGKILL)
        self.calls += 1


def test_the_critic_looks_once_more() -> None:
    task = line_task()
    transitions = record_transitions(task, 0, steps=64, num_envs=7)
    for at in (0, 1, 3):
        cell = Killed(at)
        verdict = verify(CLIMB, describe(task.env), "terms", transitions, lambda cell=cell: cell, probes=False)  # type: ignore[misc]
        assert verdict.status == "accepted", f"killed before call {at}: {verdict.reason}"
    cell = Killed(1, 3)
    verdict = verify(CLIMB, describe(task.env), "terms", transitions, lambda: cell, probes=False)
    assert verdict.status == "invalid", "one that ends its cell again and again is refused"


def test_a_training_begins_once_more() -> None:
    reward = ProgramReward(RewardSpec(kind="program", source=CLIMB), describe(line_task().env), lambda: Killed(0))
    assert reward.program.next_state_fields == ("position",)
    reward.close()
