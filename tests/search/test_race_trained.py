"""Races of real, tiny trainings: the right ones go on, also where the run is killed on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autoreward.designer.contract import Brief, Proposal
from autoreward.search.loop import resume, start
from autoreward.search.observer import Observer
from autoreward.store.folder import RunFolder
from autoreward.testing.run import small_run
from autoreward.testing.trainer import CLIMB, line_task

TERMS = ("-np.abs(action[:, 0])", 'state["position"] - next_state["position"]', "climb", '-np.abs(state["position"])')
"""Resting, falling, climbing, and staying at the start."""
CLIMBING = 2


class Four:
    """Proposes one program a term."""

    def propose(self, brief: Brief) -> Proposal:
        term = TERMS[brief.index]
        return Proposal(source=CLIMB.replace('next_state["position"] - state["position"]', term, int(term != "climb")))

    def repair(self, brief: Brief, refused: Proposal, reason: str, attempt: int) -> Proposal:
        raise AssertionError(reason)


def race(folder: Path, steps: int, **trainer: object) -> Path:
    """A run in one round, halved at a quarter and a half of the steps."""
    settings = {"name": "batch", "shipped": "last", "evaluation_episodes": 20, **trainer}
    own = {"designer": "test_race_trained:Four", "candidates": 4, "halvings": 2, "steps": steps, "finalists": 1}
    config = small_run(folder.parent, trainer=settings, slots=2, **own)
    return start(line_task(), config, Observer(), folder=folder)


def check(folder: RunFolder, steps: int) -> None:
    records = folder.candidates(0)
    assert records[CLIMBING].steps == steps
    assert records[1].steps == steps // 4, "falling is the worst of all"
    reached = [sum(record.steps >= rung for record in records) for rung in (steps // 4, steps // 2, steps)]
    assert reached in ([4, 2, 1], [4, 3, 1]), "resting and staying are much alike"
    assert all(bool(record.stopped) == (record.steps < steps) for record in records)
    for record in records:
        for training in record.trainings.values():
            result = folder.result(training, record.steps)
            assert result is not None and result.evaluations[-1].step == record.steps
    selection = folder.selection()
    assert selection is not None and selection.winner == (0, CLIMBING)


def test_the_one_that_learns_the_task_comes_to_the_end(tmp_path: Path) -> None:
    """Slow, since a race is of several trainings, and each has its cell and its evaluations."""
    check(RunFolder.open(race(tmp_path / "run", 2_048)), 2_048)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_race_in_a_stack_that_is_killed_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    code = f"from pathlib import Path; import test_race_trained as t; t.race(Path({str(folder)!r}), 4096, stack=4)"
    where = {"PYTHONPATH": str(Path(__file__).parent)}
    process = subprocess.Popen([sys.executable, "-c", code], env=os.environ | where, start_new_session=True)
    deadline = time.monotonic() + 200
    while len(list(folder.glob("trainings/*/result-2048.json"))) < 1:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(1.0)
    before = {path: path.read_bytes() for path in folder.glob("trainings/*/result-*.json")}
    resume(folder, Observer())
    assert all(path.read_bytes() == content for path, content in before.items()), "none is trained again"
    check(RunFolder.open(folder), 4_096)
