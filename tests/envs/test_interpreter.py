"""Environments that live in another interpreter: a second virtual environment, with a module that is only there."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import site
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import autoreward
from autoreward.cli import main
from autoreward.engine.contract import JobRequest, run_all
from autoreward.engine.local import LocalEngine
from autoreward.envs.contract import BatchEnv
from autoreward.envs.record import record_transitions
from autoreward.envs.registry import _describe as describe_once
from autoreward.envs.registry import describe, make_env, make_single, slower_path
from autoreward.errors import MachineFailed, UserError
from autoreward.records import read_record, write_record
from autoreward.schema import Field
from autoreward.store.trust import named_by_environment
from autoreward.task import EnvSpec, Task, load_task
from autoreward.testing.env import check_batch_env
from autoreward.testing.trainer import CLIMB, line_task
from autoreward.training.contract import RewardSpec, TrainingJob, TrainingResult
from autoreward.training.files import JOB, result_name

ROOT = Path(autoreward.__file__).parents[1]
ONLY_THERE = """
import os

import numpy as np
from gymnasium import spaces

from autoreward.testing.trainer import LineEnv, NoTrainer

print("an import that talks")

class There(LineEnv):
    knows_the_key = float("OPENAI_API_KEY" in os.environ)

    def step(self, action):
        print("a step that talks")
        return super().step(action)

class Masked(There):
    def __init__(self):
        super().__init__()
        self.action_space = spaces.Discrete(3)

    def step(self, action):
        obs, *rest, _ = super().step(np.array([action - 1.0]))
        return obs, *rest, {"action_mask": self._allowed()}

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed)[0], {"action_mask": self._allowed()}

    def _allowed(self):
        return np.array([self._position > 0, True, False])

class Dies(There):
    def step(self, action):
        os._exit(9)

class Breaks(There):
    def step(self, action):
        raise ValueError("a gear broke")
"""


def venv(folder: Path, *lines: str) -> Path:
    """An interpreter with nothing but its standard library, and lines for its `.pth` file."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    packages(folder).joinpath("given.pth").write_text("".join(f"{line}\n" for line in lines))
    return folder / "bin" / "python"


def packages(folder: Path) -> Path:
    return next(folder.glob("lib/python*/site-packages"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with this one's packages, and one of its own."""
    folder = tmp_path_factory.mktemp("other") / "venv"
    mine = next(path for path in site.getsitepackages() if path.endswith("site-packages"))
    python = venv(folder, f"import site; site.addsitedir({mine!r})")
    (packages(folder) / "only_there.py").write_text(ONLY_THERE)
    (about := packages(folder) / "only_there-1.2.dist-info").mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: only-there\nVersion: 1.2\n")
    return python


def there(python: Path, kind: str = "There", **changes: object) -> Task:
    task = line_task()
    env = {"id": f"only_there:{kind}", "python": str(python), **changes}
    return task.model_copy(update={"env": task.env.model_copy(update=env)})


def test_an_environment_is_looked_at_from_here_as_if_it_were_here(other: Path) -> None:
    away, here = there(other), line_task()
    assert describe(away.env).fields == describe(here.env).fields
    assert slower_path(away.env) == slower_path(here.env).replace(here.env.id, away.env.id)
    check_batch_env(lambda count: make_env(away.env, count))
    one, two = (record_transitions(task, seed=5, steps=48, num_envs=3) for task in (away, here))
    assert set(one.inputs) == set(two.inputs)
    assert all(np.array_equal(one.inputs[name], two.inputs[name]) for name in two.inputs)
    assert np.array_equal(one.begun, two.begun) and np.array_equal(one.success, two.success)


def test_actions_that_are_not_allowed_are_known_here(other: Path) -> None:
    env = make_env(there(other, "Masked").env, 3)
    env.action_space.seed(0)
    env.reset(seed=0)
    drawn = []
    for _ in range(10):
        allowed = env.action_mask()
        assert allowed is not None
        assert np.array_equal(allowed[:, 0], env.read(["position"])["position"] > 0)
        drawn.append(env.random_actions())
        assert allowed[np.arange(3), drawn[-1]].all()
        env.step(drawn[-1])
    assert {0, 1} == set(np.ravel(drawn))
    env.close()


def test_simulations_are_stepped_together_there_and_can_be_stored(other: Path) -> None:
    here, away = (make_env(EnvSpec(id="Reacher-v5", python=python), 3) for python in (None, str(other)))
    assert away.together
    assert slower_path(EnvSpec(id="Reacher-v5", python=str(other))) is None
    for env in (here, away):
        env.action_space.seed(1)
        env.reset(seed=1)
        env.step(env.random_actions())
    taken = away.snapshot()
    assert taken is not None
    actions = [away.random_actions() for _ in range(5)]
    first, second = ([env.step(action)[0] for action in actions] for env in (here, away))
    assert np.array_equal(first, second)
    away.restore(taken)
    assert np.array_equal([away.step(action)[0] for action in actions], second)
    assert np.array_equal(away.reset(options={"reset_mask": [True, False, False]})[0][1:], second[-1][1:])
    here.close()
    away.close()


def test_the_other_process_is_told_no_key(other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    spec = there(other, fields=(Field(name="knows", meaning="It.", source="attr.knows_the_key"),)).env
    env = make_env(spec, 1)
    env.reset(seed=0)
    assert env.read(["knows"])["knows"] == 0
    env.close()


def test_two_at_once_do_not_meet(other: Path) -> None:
    first, second = (make_env(there(other).env, 1) for _ in range(2))
    first.reset(seed=0)
    second.reset(seed=0)
    first.step(np.full((1, 1), 0.5, np.float32))
    assert first.read(["position"])["position"] - second.read(["position"])["position"] == np.float32(0.5)
    first.close()
    second.close()


def stepped(env: BatchEnv) -> None:
    env.reset(seed=0)
    env.step(env.random_actions())


def test_what_goes_wrong_there_is_said_here(other: Path) -> None:
    with pytest.raises(MachineFailed, match="only_there:Dies lives in ended with code 9"):
        stepped(make_env(there(other, "Dies").env, 1))
    with pytest.raises(RuntimeError, match="ValueError: a gear broke"):
        stepped(make_env(there(other, "Breaks").env, 1))
    with pytest.raises(UserError, match=r"unknown environment 'only_there:Their'.*Closest: only_there:There"):
        describe(there(other, "Their").env)
    with pytest.raises(UserError, match=f"another interpreter: do this with {re.escape(str(other))}"):
        make_single(there(other).env)


def job(folder: Path, task: Task, name: str = "autoreward.testing.trainer:NoTrainer") -> JobRequest:
    task = task.model_copy(update={"trainer": task.trainer.model_copy(update={"name": name})})
    written = TrainingJob(task=task, reward=RewardSpec(kind="program", source=CLIMB), seed=0, episodes=3)
    write_record(folder / JOB, written)
    return JobRequest(folder=folder, steps=256)


def test_workers_take_on_the_interpreter_of_their_job(other: Path, tmp_path: Path) -> None:
    """One worker after another job: here, there, there, here. The trainer itself is only there, too."""
    away = ("b", "c")
    requests = [
        job(tmp_path / name, there(other), "only_there:NoTrainer")
        if name in away
        else job(tmp_path / name, line_task())
        for name in "abcd"
    ]
    with LocalEngine(slots=1, timeout=60) as engine:
        results = run_all(engine, requests, lambda *told: None)
    assert [result.error for result in results.values()] == [None] * 4
    assert [result.final for result in results.values()] == [results[tmp_path / "a"].final] * 4
    for name in "abcd":
        versions = read_record(tmp_path / name / result_name(256), TrainingResult).versions
        assert bool(versions) == (name in away)
        assert versions.get("only-there") == ("1.2" if name in away else None)
        assert versions.get("python") == (".".join(map(str, sys.version_info[:3])) if name in away else None)


@pytest.mark.slow
def test_the_worker_alone_takes_it_on_too(other: Path, tmp_path: Path) -> None:
    request = job(tmp_path, there(other), "only_there:NoTrainer")
    command = [sys.executable, "-m", "autoreward.engine.worker", str(request.folder), "--steps", "256"]
    assert subprocess.run(command, check=False, cwd=tmp_path).returncode == 0
    assert read_record(tmp_path / result_name(256), TrainingResult).versions["only-there"] == "1.2"


def test_a_worker_says_that_the_interpreter_is_not_on_its_machine(tmp_path: Path) -> None:
    request = job(tmp_path, there(tmp_path / "gone", install="make gone"))
    with LocalEngine(slots=1, timeout=60) as engine:
        result = run_all(engine, [request], lambda *told: None)[tmp_path]
    assert result.status == "failed"
    assert result.failure == "machine"
    assert f"{tmp_path}/gone that the environment's pack names is not there; type: make gone" in str(result.error)


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
