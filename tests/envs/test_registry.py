"""Environments are found by id, by module and by factory, and errors say what to type."""

from __future__ import annotations

import logging
from pathlib import Path

import gymnasium
import pytest

from autoreward.envs.gym import GymBatchEnv
from autoreward.envs.mujoco.env import MujocoBatchEnv
from autoreward.envs.registry import describe, make_env, make_single, slower_path
from autoreward.errors import UnknownName, UserError
from autoreward.task import EnvSpec


@pytest.mark.parametrize("name", ["make_line", "Line", "OwnLine-v0"])
def test_a_module_gives_a_factory_a_class_or_an_id(own_envs: str, name: str) -> None:
    env = make_env(EnvSpec(id=f"{own_envs}:{name}"), 2)
    obs, _ = env.reset(seed=0)
    assert obs.shape == (2, 12)
    assert env.schema.env_id == f"{own_envs}:{name}"


def test_keyword_arguments_reach_the_environment(own_envs: str) -> None:
    schema = describe(EnvSpec(id=f"{own_envs}:make_line", kwargs={"length": 7.5}))
    assert schema.field("point").high == 7.5


def test_a_module_beside_the_user_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "beside_me.py").write_text((Path(__file__).parent / "own_envs.py").read_text())
    monkeypatch.chdir(tmp_path)
    assert make_single(EnvSpec(id="beside_me:Line")).observation_space is not None


def test_the_step_limit_is_the_specs_the_environments_or_a_default(own_envs: str) -> None:
    assert describe(EnvSpec(id="CartPole-v1")).step_limit == 500
    assert describe(EnvSpec(id="CartPole-v1", step_limit=20)).step_limit == 20
    assert describe(EnvSpec(id="Blackjack-v1")).step_limit == 1000
    assert describe(EnvSpec(id=f"{own_envs}:OwnLine-v0")).step_limit == 12


@pytest.mark.parametrize(
    ("env_id", "said"),
    [
        ("Hoper-v5", "Closest: Hopper-v5"),
        ("hopper-v5", "Closest: Hopper-v5"),
        ("own_envs:make_lin", "Closest: own_envs:make_line"),
    ],
)
def test_unknown_names_get_the_closest(own_envs: str, env_id: str, said: str) -> None:
    with pytest.raises(UnknownName, match=said):
        describe(EnvSpec(id=env_id))


@pytest.mark.parametrize(
    ("env_id", "kwargs", "said"),
    [
        ("no_such_module:Thing", {}, "does not import"),
        ("own_envs:Broken", {}, "the simulator is not there"),
        ("own_envs:make_nothing", {}, "not a gymnasium.Env"),
        ("Hopper-v5", {"gravity": 1}, "unexpected keyword argument 'gravity'"),
    ],
)
def test_what_does_not_construct_says_why(own_envs: str, env_id: str, kwargs: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        make_env(EnvSpec(id=env_id, kwargs=kwargs), 2)


def test_mujoco_writes_no_log_where_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_single(EnvSpec(id="HalfCheetah-v5"))
    assert not list(tmp_path.iterdir())


def test_gymnasiums_v5_tasks_are_simulated_together_unless_told_otherwise(own_envs: str) -> None:
    spec = EnvSpec(id="Hopper-v5", step_limit=7)
    assert isinstance(make_env(spec, 2), MujocoBatchEnv)
    assert isinstance(make_env(EnvSpec(id="own_envs:OwnHopper-v0"), 2), MujocoBatchEnv)
    assert isinstance(make_env(spec, 2, "gym"), GymBatchEnv)
    with pytest.raises(UserError, match="cannot be simulated together"):
        make_env(EnvSpec(id="CartPole-v1"), 2, "batch")


@pytest.mark.parametrize(
    "spec",
    [
        EnvSpec(id="Hopper-v4"),
        EnvSpec(id="own_envs:ClippedHopper-v0"),
        EnvSpec(id="gymnasium.envs.mujoco.hopper_v5:HopperEnv"),
    ],
)
def test_what_is_not_quite_a_v5_task_is_stepped_one_by_one(own_envs: str, spec: EnvSpec) -> None:
    env = make_env(spec, 2)
    assert isinstance(env, GymBatchEnv)
    env.reset(seed=0)


def test_the_slower_path_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="autoreward.envs")
    # An id that no other test of this process has been told of.
    gymnasium.register("ToldOnce-v0", entry_point=gymnasium.spec("MountainCar-v0").entry_point)
    for _ in range(2):
        make_env(EnvSpec(id="ToldOnce-v0"), 2)
        make_env(EnvSpec(id="HalfCheetah-v5"), 2)
    told = [record.getMessage() for record in caplog.records if "one by one" in record.getMessage()]
    assert len(told) == 1
    assert told[0].startswith("ToldOnce-v0")
    assert slower_path(EnvSpec(id="ToldOnce-v0")) == told[0]
    assert slower_path(EnvSpec(id="HalfCheetah-v5")) is None
