"""Interpreters that are not there, that are not fit, and that a pack from elsewhere may not name."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
from interpreters import packages, there, venv

import autoreward
from autoreward.cli import main
from autoreward.envs.registry import _describe as describe_once
from autoreward.envs.registry import describe
from autoreward.errors import UserError
from autoreward.store.trust import named_by_environment
from autoreward.task import EnvSpec, load_task
from autoreward.testing.trainer import line_task
from autoreward.training.contract import RewardSpec, TrainingJob

ROOT = Path(autoreward.__file__).parents[1]
INSTALL = f"-m pip install --editable {shlex.quote(str(ROOT))}"


def test_a_missing_interpreter_is_one_message_with_what_to_type(tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    made = f"python3 -m venv {tmp_path / 'venv'} && {python} {INSTALL}"
    with pytest.raises(UserError, match=rf"{python} that .* is not there; type: {re.escape(made)}"):
        describe(there(python).env)
    python.mkdir(parents=True)
    with pytest.raises(UserError, match="is no file"):
        describe(there(python).env)


def test_an_interpreter_without_autoreward_is_one_message_too(tmp_path: Path) -> None:
    python = venv(tmp_path / "venv")
    with pytest.raises(UserError, match=rf"{python} has no autoreward; type: {re.escape(f'{python} {INSTALL}')}"):
        describe(there(python).env)
    with pytest.raises(UserError, match="has no autoreward; type: make it"):
        describe(there(python, install="make it").env)
    packages(tmp_path / "venv").joinpath("given.pth").write_text(f"{ROOT}\n")
    with pytest.raises(UserError, match=r"cannot import its autoreward \(No module named 'yaml'\); type: "):
        describe(there(python).env)


def test_an_interpreter_with_another_autoreward_is_refused(tmp_path: Path) -> None:
    python = venv(tmp_path / "venv")
    older = packages(tmp_path / "venv") / "autoreward"
    older.mkdir()
    (older / "__init__.py").write_text('__version__ = "0.0.1"\n')
    (older / "records.py").touch()
    with pytest.raises(UserError, match=rf"has autoreward 0\.0\.1, and this is {autoreward.__version__}; type: "):
        describe(there(python).env)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("#!/bin/sh\necho no snake >&2; exit 3\n", "no snake"),
        ("#!/nowhere/at/all\n", "No such file or directory"),
        ("not even a script", "Exec format error"),
        ("#!/bin/sh\necho '{}'\n", "exit code 0"),
    ],
)
def test_what_is_no_python_is_refused(tmp_path: Path, text: str, said: str) -> None:
    python = tmp_path / "python"
    python.write_text(text)
    python.chmod(0o755)
    with pytest.raises(
        UserError, match=rf"{python} that .* is no Python 3\.11 or newer \(.*{said}\); name another one"
    ):
        describe(there(python).env)
    with pytest.raises(UserError, match=rf"{said}\); type: make it"):
        describe(there(python, install="make it").env)


@pytest.mark.any_user
def test_a_file_that_may_not_be_run_is_refused(tmp_path: Path) -> None:
    python = tmp_path / "python"
    shutil.copy("/bin/true", python)
    python.chmod(0o644)
    with pytest.raises(UserError, match=r"is no Python 3\.11 or newer \(Permission denied\); name another"):
        describe(there(python).env)


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pack file in a folder of its own, which names `evil` beside it."""
    monkeypatch.chdir(tmp_path)
    describe_once.cache_clear()
    folder = tmp_path / "packs"
    folder.mkdir()
    (folder / "evil").write_text(f"#!/bin/sh\ntouch {tmp_path}/was_run\n")
    (folder / "evil").chmod(0o755)
    written(folder / "pack.yaml", "evil")
    return folder / "pack.yaml"


def written(pack: Path, python: str) -> None:
    env = line_task().env.model_dump(mode="json", include={"fields", "step_limit"}) | {"id": "only_there:There"}
    task = {"text": "Climb.", "success": {"expression": "position > 3"}}
    pack.write_text(json.dumps({"env": {**env, "python": python}, "tasks": {"climb": task}}))


@pytest.mark.parametrize("command", ["run", "envs show", "play --random", "run --dry-run"])
def test_a_pack_from_elsewhere_may_not_name_one(pack: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), str(pack)]) == 2
    said = capsys.readouterr().err
    assert "env.python: evil" in said
    assert f"--trust {pack}" in said
    assert not Path("was_run").exists()
    assert main(["envs", "show", str(pack), "--trust", str(pack)]) == 2
    assert f"{pack.parent}/evil that the environment's pack names is no Python" in capsys.readouterr().err
    assert Path("was_run").exists()


def test_a_trusted_pack_names_it_from_where_it_lies(
    pack: Path, other: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(other.parent))
    for python in (os.path.relpath(other, pack.parent), str(other), "~/python"):
        written(pack, python)
        assert load_task(str(pack), trust=str(pack)).env.python == str(other)  # the link, not what it leads to
        assert main(["envs", "show", str(pack), "--trust", str(pack)]) == 0
        assert "Place on the line" in capsys.readouterr().out


def test_a_run_from_elsewhere_names_it_too() -> None:
    assert named_by_environment(EnvSpec(id="Reacher-v5", python="/x/python")) == {"task.env.python": "/x/python"}
    assert named_by_environment(load_task("metaworld/drawer_open").env) == {}


def test_a_training_is_named_by_its_interpreter_and_not_by_how_it_is_installed() -> None:
    def name(**changes: str) -> str:
        task = line_task()
        env = task.env.model_copy(update=changes)
        task = task.model_copy(update={"env": env})
        return TrainingJob(task=task, reward=RewardSpec(kind="sparse"), seed=0, episodes=3).hash

    assert name(install="make it") == name() == "6ce87edb982ce18d"  # as before there were interpreters
    assert len({name(), name(python="/a"), name(python="/b")}) == 3
