"""The metric cannot be forged: reward programs and whole cells that try, in real trainings."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from autoreward.errors import TrainingFailed
from autoreward.testing.trainer import CLIMB
from autoreward.training.contract import TrainingResult
from autoreward.training.files import EPISODES, POLICY, TRAJECTORIES
from tests.training.forged import contents, forge, measured_here, traces, train

HEAD = 'IDEA = "Cheats."\nWEIGHTS = {weights}\n\ndef compute_reward(state, action, next_state, memory):\n'
POSITION = 'next_state["position"]'
PROGRAMS = {
    "names of the metric": HEAD.format(weights='{"success": 1e6, "score": 1e6, "final": 1e6, "success_rate": 1e6}')
    + f'    one = np.ones_like({POSITION})\n    memory["success"] = one\n    memory["begun"] = one\n'
    '    return {"success": one, "score": one, "final": one, "success_rate": one}\n',
    "huge terms": HEAD.format(weights='{"x": 1e30}') + f'    return {{"x": 1e6 * np.sign({POSITION})}}\n',
    "no number": HEAD.format(weights='{"x": 1.0}') + f'    return {{"x": np.log({POSITION} * 0.0 - 1.0)}}\n',
    "writes to its inputs": HEAD.format(weights='{"x": 1.0}')
    + f'    place = {POSITION}\n    place[:] = 9.0\n    return {{"x": place}}\n',
    "writes to a view": HEAD.format(weights='{"x": 1.0}')
    + f'    place = {POSITION}.reshape(-1)\n    place[:] = 9.0\n    return {{"x": place}}\n',
    "names of files": HEAD.format(weights='{"policy": 1.0}')
    + f'    place = {POSITION}\n    memory["policy"] = place\n    memory["checkpoint"] = place\n'
    '    return {"policy": place}\n',
}
"""All pass the language's rules."""
QUIET = {
    "writes files": """
        for folder in (FOLDER + "/honest", FOLDER + "/attacked"):
            for name in ("policy.safetensors", "result-768.json", "job.json", "episodes.npz", "forged"):
                attempt(lambda: open(f"{folder}/{name}", "wb").write(b"forged"))
                attempt(lambda: open(f"{folder}/{name}", "r+b").write(b"forged"))
        """,
    "renames and deletes files": """
        attempt(lambda: os.replace(FOLDER + "/honest/policy.safetensors", FOLDER + "/attacked/policy.safetensors"))
        attempt(lambda: os.unlink(FOLDER + "/honest/policy.safetensors"))
        """,
    "signals": """
        for pid in (os.getppid(), 1, -1):
            attempt(lambda: os.kill(pid, signal.SIGKILL))
        """,
    "memory of the trainer": """
        for name in ("mem", "environ", "fd/1"):
            attempt(lambda: open(f"/proc/{os.getppid()}/{name}", "r+b", 0).write(b"forged"))
        """,
    "network": """
        for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
            attempt(lambda: socket.socket(family))
        """,
    "new processes": """
        attempt(os.fork)
        attempt(lambda: os.execv("/bin/sh", ["sh", "-c", "echo forged > " + FOLDER + "/honest/forged"]))
        """,
}
"""What a cell does beside its work, in each call; it is denied, so nothing at all may come of it."""
LOUD = {
    "a link": """
        if training:
            os.symlink("/etc/passwd", FOLDER + "/honest/forged")
        """,
    "writes its inputs": """
        if training:
            ctypes.memset(next(iter(arrays.values())).ctypes.data, 1, 64)
        """,
    "random bytes": "if training: return os.urandom(4096)",
    "a huge header": "if training: return frames.PREFIX.pack(0xFFFFFFF0, 0) + b'x' * 64",
    "a huge payload": "if training: return frames.PREFIX.pack(2, 1 << 60) + b'{}'",
    "a repeated frame": "if training: return frames.REPEAT",
    "no number": """
        if training:
            return frames.encode({"names": ["climb"]}, {"terms": np.full((1, 32, 8), np.nan, np.float32),
                                                        "seconds": np.zeros(())})
        """,
    "terms of other names": """
        if training:
            return frames.encode({"names": ["success"]}, {"terms": np.ones((1, 32, 8), np.float32),
                                                          "seconds": np.zeros(())})
        """,
    "names of paths": """
        if training:
            return frames.encode({"names": ["../../honest/policy"]}, {"terms": np.ones((1, 32, 8), np.float32),
                                                                      "seconds": np.zeros(())})
        """,
    "memory of other shapes": """
        if training:
            return frames.encode({"names": ["climb"]}, {
                "terms": np.ones((1, 32, 8), np.float32), "seconds": np.zeros(()),
                "memory.success": np.ones((3, 8), np.float32), "present.success": np.ones(8, bool)})
        """,
    "a program of its own": """
        if not training and "source" in fields:
            reply = honest(self, fields, arrays)
            return frames.encode({"program": {"source": "", "grammar": "terms", "idea": "x" * 10_000,
                "weights": {"climb": float("inf")}, "state_fields": ["success"], "next_state_fields": ["position"],
                "reads_action": False, "uses_memory": False}}, {})
        """,
    "rewards of its own": """
        if training:
            return frames.encode({"names": ["climb"]}, {"terms": np.full((1, 32, 8), 1e5, np.float32),
                                                        "seconds": np.full((), -1e9)})
        """,
}
"""What spoils the training, or a cell is killed for."""
OF_THE_KERNEL = ("a link", "writes its inputs", "random bytes", "rewards of its own")
"""Of these, what the user's rights could change, and a reply that is refused and one that is taken. The other replies
are read by the same code, which asks the kernel for nothing: they are tried by one user."""
linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel denies it on Linux")


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainingResult]:
    """Another candidate's finished training."""
    folder = tmp_path_factory.mktemp("run") / "honest"
    return folder, train(folder)


def attacked(folder: Path, source: str = CLIMB) -> TrainingResult | str:
    """A training's result, or why it failed; where it gave one, it is what its policy is worth."""
    try:
        result = train(folder, source)
    except TrainingFailed as error:
        return str(error)
    assert result.final == measured_here(folder, result), "success and score are those of the policy in the folder"
    with np.load(folder / TRAJECTORIES, allow_pickle=False) as file:
        assert file["success"].mean() == result.final.success_rate
    with np.load(folder / EPISODES, allow_pickle=False) as file:
        assert set(np.unique(file["success"])) <= {0, 1}
        assert file["success"].mean() < 0.5, "the success of training episodes is not what a program says"
    return result


@pytest.mark.any_user
@pytest.mark.parametrize("name", PROGRAMS)
def test_no_program_changes_the_metric_or_another_training(
    name: str, honest: tuple[Path, TrainingResult], tmp_path: Path
) -> None:
    before, left = contents(honest[0]), traces()
    found = attacked(tmp_path / "attacked", PROGRAMS[name])
    assert contents(honest[0]) == before
    assert traces() == left
    if name in ("no number", "writes to its inputs", "writes to a view"):
        assert isinstance(found, str), "it fails, and says where"
        assert "reward program failed at step" in found
    else:
        assert isinstance(found, TrainingResult), found
        assert set(contents(tmp_path / "attacked")) == set(before), "no file more or less"


@linux
@pytest.mark.any_user
@pytest.mark.parametrize("name", QUIET)
def test_what_a_hostile_cell_is_denied_changes_nothing(
    name: str, honest: tuple[Path, TrainingResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, left = contents(honest[0]), traces()
    forge(monkeypatch, QUIET[name].replace("/attacked", "/" + tmp_path.name), honest[0].parent)
    found = attacked(honest[0].parent / tmp_path.name)
    assert contents(honest[0]) == before
    assert traces() == left
    assert isinstance(found, TrainingResult), found
    assert found.final == honest[1].final
    assert contents(honest[0].parent / tmp_path.name)[POLICY] == before[POLICY], "the same policy, byte for byte"


@linux
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.any_user if name in OF_THE_KERNEL else ()) for name in LOUD]
)
def test_a_hostile_cell_spoils_its_own_training_at_most(
    name: str, honest: tuple[Path, TrainingResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, left = contents(honest[0]), traces()
    forge(monkeypatch, LOUD[name], honest[0].parent)
    found = attacked(tmp_path / "attacked")
    assert contents(honest[0]) == before
    assert traces() == left
    if name == "rewards of its own":
        assert isinstance(found, TrainingResult), found
        assert found.reward_seconds >= 0
    else:
        assert isinstance(found, str), "what it sent was noticed"
        assert len(found) < 300
