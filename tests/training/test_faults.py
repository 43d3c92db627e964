"""Faults of a cell in the middle of a real training: one restart, then the reason; nothing stays behind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autoreward.designer.contract import Brief, Proposal
from autoreward.errors import TrainingFailed
from autoreward.search.loop import start
from autoreward.search.observer import Observer
from autoreward.store.folder import RunFolder
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.run import small_run
from autoreward.testing.trainer import CLIMB
from autoreward.training import session
from tests.training.forged import STEPS, contents, forge, measured_here, tiny_task, traces, train

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="processes and memory are counted in /proc"),
    pytest.mark.any_user,
]

FAULTS = {
    "an endless loop": ("while True: pass", "ran longer than 1 s"),
    "9**9**9": ("9**9**9**9", "ran longer than 1 s"),
    "a memory bomb": ("[np.zeros(1 << 27) for _ in range(64)]", "the cell's process ended"),
    "recursion": ("(lambda f: f(f))(lambda f: f(f))", "the cell's process ended"),
    "a flood of output": ("while True: os.write(1, b'x' * 4096)", "the cell's process ended"),
    "a flood of replies": ("return b'x' * (64 << 20)", "the cell's reply is malformed"),
    "SIGKILL": ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "a fault of memory": ("ctypes.string_at(0)", "SIGSEGV"),
    "a forbidden call": ("os.sync()", "forbidden system call"),
    "an end": ("os._exit(3)", "exit code 3"),
}


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second a call is enough here, and the tests wait for it."""
    monkeypatch.setattr(session, "CALL_SECONDS", 1.0)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_every_cell_ends_the_training_with_its_reason(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault, reason = FAULTS[name]
    forge(monkeypatch, f"if training:\n    {fault}", tmp_path)
    left = traces()
    with pytest.raises(TrainingFailed, match="reward program failed twice after step 0") as raised:
        train(tmp_path / "faulty")
    message = str(raised.value)
    assert reason in message
    del raised  # its traceback holds the cell
    assert traces() == left


@pytest.mark.parametrize("name", ["SIGKILL", "an endless loop"])
def test_a_cell_that_fails_once_changes_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cell fails in its third rollout, which is the training's last; its successor scores that one again."""
    honest = train(tmp_path / "honest")
    left = traces()
    forge(monkeypatch, f"if calls.count(True) == 3:\n    {FAULTS[name][0]}", tmp_path)
    found = train(tmp_path / "restarted")
    assert traces() == left
    assert found.status == "ok"
    assert found.final == honest.final == measured_here(tmp_path / "restarted", found)
    shipped = "policy.safetensors"
    assert contents(tmp_path / "restarted")[shipped] == contents(tmp_path / "honest")[shipped]


class Two:
    """A Designer of two candidates: the second one's weight tells a forged cell to misbehave."""

    def propose(self, brief: Brief) -> Proposal:
        return Proposal(source=CLIMB if brief.index == 0 else CLIMB.replace("2.0", "13.0"))

    def repair(self, brief: Brief, refused: Proposal, reason: str, attempt: int) -> Proposal:
        raise AssertionError(f"nothing is to be repaired: {reason}")


def test_the_run_goes_on_without_the_faulty_candidate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Critic's dry run finds nothing; in its training the candidate's cell dies, twice."""
    forge(
        monkeypatch,
        """
        if training and self.runner.program.weights["climb"] == 13.0:
            os.kill(os.getpid(), signal.SIGKILL)
        """,
        tmp_path,
    )
    designer, trainer = "tests.training.test_faults:Two", {"name": "batch"}
    config = small_run(tmp_path / "runs", designer=designer, candidates=2, steps=STEPS, trainer=trainer)
    left = traces()
    folder = RunFolder(start(tiny_task(), config, Observer(), engine=InProcessEngine()))
    assert traces() == left
    good, faulty = folder.candidates(0)
    assert (good.status, faulty.status) == ("trained", "failed")
    assert "reward program failed twice after step 0: the cell's process ended" in faulty.reason
    assert "SIGKILL" in faulty.reason
    report = folder.report()
    assert report and report.winner == (0, 0)
    assert folder.run().isolation.level in ("A", "B")
