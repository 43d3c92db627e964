"""Environments that live in another interpreter: a second virtual environment, with a module that is only there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from interpreters import there

from autoreward.engine.contract import JobRequest, run_all
from autoreward.engine.local import LocalEngine
from autoreward.envs.contract import BatchEnv
from autoreward.envs.record import record_transitions
from autoreward.envs.registry import describe, make_env, make_single, slower_path
from autoreward.errors import MachineFailed, UserError
from autoreward.records import read_record, write_record
from autoreward.schema import Field
from autoreward.task import EnvSpec, Task
from autoreward.testing.env import check_batch_env
from autoreward.testing.trainer import CLIMB, line_task
from autoreward.training.contract import RewardSpec, TrainingJob, TrainingResult
from autoreward.training.files import JOB, result_name


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
