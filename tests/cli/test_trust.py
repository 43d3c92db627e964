"""A pack is data: Python that it names is not imported before the user has said so."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import autoreward
from autoreward.cli import main
from autoreward.envs.registry import _describe as describe_once
from autoreward.errors import UserError
from autoreward.task import load_task
from autoreward.testing.trainer import CLIMB

EVIL = """
from pathlib import Path
Path("was_run").touch()
from autoreward.testing.trainer import LineEnv, NoTrainer
"""
TASK = {"text": "Climb.", "success": {"expression": "obs_0 > 3"}}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "evil_pack", raising=False)
    describe_once.cache_clear()
    Path("evil_pack.py").write_text(EVIL)
    Path("mine.py").write_text(CLIMB.replace("position", "obs_0"))


def pack(**changes: Any) -> None:
    """Write `pack.yaml`; changes replace parts of its environment or of its task."""
    env = {"id": "Pendulum-v1", "step_limit": 10, **changes.pop("env", {})}
    Path("pack.yaml").write_text(json.dumps({"env": env, "tasks": {"climb": {**TASK, **changes}}}))


def sweep() -> None:
    Path("sweep.yaml").write_text(json.dumps({"tasks": ["pack.yaml"]}))


@pytest.mark.parametrize(
    "changes",
    [
        {"env": {"id": "evil_pack:LineEnv"}},
        {"env": {"id": "os:system", "kwargs": {"command": "touch was_run"}}},
        {"trainer": {"name": "evil_pack:NoTrainer"}},
        {"trainer": {"name": "sb3", "algorithm": "evil_pack:NoTrainer"}},
    ],
    ids=["environment", "any function", "trainer", "algorithm"],
)
@pytest.mark.parametrize(
    "command",
    [
        ["run", "pack.yaml"],
        ["run", "pack.yaml", "--dry-run"],
        ["run", "--env", "pack.yaml", "--text", "x", "--success", "obs_0 > 3"],
        ["run", "pack.yaml", "--trust", "other.yaml"],
        ["sweep", "sweep.yaml"],
        ["verify", "mine.py", "--env", "pack.yaml"],
        ["train", "mine.py", "--env", "pack.yaml"],
        ["envs", "show", "pack.yaml"],
    ],
    ids=lambda command: " ".join(command[:3]),
)
def test_what_a_pack_wants_to_run_is_said_and_not_done(
    command: list[str], changes: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    pack(**changes)
    sweep()
    assert main(command) == 2
    said = capsys.readouterr().err
    assert "wants Python to be imported and run" in said
    assert "--trust pack.yaml" in said
    assert any(name in said for name in ("evil_pack:", "os:system"))
    assert not Path("was_run").exists()


@pytest.mark.parametrize("trusted", ["pack.yaml", "pack", "./pack.yaml"])
def test_a_trusted_pack_runs_its_code(trusted: str) -> None:
    pack(env={"id": "evil_pack:LineEnv"})
    assert main(["envs", "show", "pack.yaml", "--trust", trusted]) == 0
    assert Path("was_run").exists()


def test_python_asks_too() -> None:
    pack(env={"id": "evil_pack:LineEnv"})
    for attempt in (
        lambda: load_task("pack.yaml"),
        lambda: autoreward.run("pack.yaml"),
        lambda: autoreward.load_reward("mine.py", env="pack.yaml"),
    ):
        with pytest.raises(UserError, match="--trust"):
            attempt()
    assert not Path("was_run").exists()
    assert load_task("pack.yaml", trust="pack.yaml").env.id == "evil_pack:LineEnv"


def test_a_pack_of_data_needs_no_trust() -> None:
    pack()
    assert main(["envs", "show", "pack.yaml"]) == 0


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/hostname", "link"])
def test_a_pack_reads_no_files_outside_its_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "packs"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret.txt")
    (folder / "it.yaml").write_text(
        json.dumps({"env": {"id": "Pendulum-v1"}, "tasks": {"climb": {**TASK, "reference": name}}})
    )
    with pytest.raises(UserError, match="lies outside the pack's folder"):
        load_task(str(folder / "it.yaml"))
