"""Candidates of a run are judged by the episodes that earlier trainings of the task have left."""

from pathlib import Path

import numpy as np
import pytest

from autoreward.critic.stored import Stored
from autoreward.designer.contract import Brief, Proposal
from autoreward.envs.registry import describe
from autoreward.search.loop import start
from autoreward.search.observer import Observer
from autoreward.store.folder import RunFolder
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.run import small_run
from autoreward.testing.trainer import CLIMB, line_task
from tests.critic.test_stored import job, trajectories


class Falling:
    """A Designer that pays for the way down, and stays with it."""

    def propose(self, brief: Brief) -> Proposal:
        return Proposal(source=CLIMB.replace("2.0", "-2.0"))

    def repair(self, brief: Brief, refused: Proposal, reason: str, attempt: int) -> Proposal:
        return refused


@pytest.fixture
def climbed(tmp_path: Path) -> Path:
    """A folder of runs with episodes of three trainings that climbed and three that fell."""
    stored = Stored.of(tmp_path, line_task(), describe(line_task().env))
    for seed in range(3):
        folder = tmp_path / "training" / str(seed)
        stored.add(job(seed, CLIMB), trajectories(folder, successes=4, failures=0))
        down = {"field.position": -np.tile(np.arange(4, dtype=np.float32), (4, 1))}
        stored.add(job(seed), trajectories(folder, successes=0, failures=4, **down))
    return tmp_path


def test_candidates_are_judged_by_the_episodes_of_earlier_runs(climbed: Path) -> None:
    given = small_run(climbed, designer="test_judged_by_episodes:Falling", probe_seconds=60.0)
    folder = RunFolder.open(start(line_task(), given, Observer(), engine=InProcessEngine()))
    verdict = folder.verdict(0, 0)
    assert verdict and verdict.reason.startswith("ordering: a success earns more than a failure in 0% of the pairs")


def test_or_by_those_of_its_own_alone(climbed: Path) -> None:
    given = small_run(climbed, designer="test_judged_by_episodes:Falling", episodes="own")
    folder = RunFolder.open(start(line_task(), given, Observer(), engine=InProcessEngine()))
    verdict = folder.verdict(0, 0)
    assert verdict and verdict.status == "accepted"
    assert next(check for check in verdict.checks if check.name == "ordering").verdict == "no evidence"


def test_the_users_own_reward_is_trained_whatever_they_say(climbed: Path) -> None:
    own = climbed / "mine.py"
    own.write_text(CLIMB.replace("2.0", "-2.0"))
    given = small_run(climbed, designer="test_judged_by_episodes:Falling", start_from=own)
    folder = RunFolder.open(start(line_task(), given, Observer(), engine=InProcessEngine()))
    first = folder.candidate(0, 0)
    assert first and (first.origin, first.status) == ("start_from", "trained")
