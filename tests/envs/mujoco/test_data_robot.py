"""A MuJoCo robot needs data only: a model and a pack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from pydantic import ValidationError
from v5 import assert_same, play, together

from autoreward.envs.gym import GymBatchEnv
from autoreward.envs.registry import describe, make_env
from autoreward.errors import UserError
from autoreward.task import EnvSpec, load_task

CART = """
<mujoco>
  <option timestep="0.01"/>
  <worldbody>
    <body name="cart">
      <joint name="rail" type="slide" axis="1 0 0"/>
      <geom type="box" size="0.1 0.1 0.1" mass="2"/>
    </body>
  </worldbody>
  <actuator><motor name="push" joint="rail" gear="4" ctrlrange="-1 1"/></actuator>
</mujoco>
"""


def cart(**robot: Any) -> EnvSpec:
    """A cart of 2 kg that a motor of 4 N pushes along a rail without friction."""
    spec = {
        "id": "cart",
        "step_limit": 50,
        "fields": [{"name": "x", "source": "obs[0]"}, {"name": "speed", "source": "qvel[0]"}],
        "robot": {"model": CART, "frame_skip": 5, "observations": ["2 * qpos", "qvel[0]"], **robot},
    }
    return EnvSpec.model_validate(spec)


def test_a_pack_beside_its_model_is_all_it_takes(tmp_path: Path) -> None:
    (tmp_path / "cart.xml").write_text(CART)
    robot = {"model": "cart.xml", "frame_skip": 5, "observations": ["qpos", "qvel"]}
    env = {"id": "cart", "fields": [{"name": "x", "source": "obs[0]"}], "robot": robot}
    tasks = {"far": {"text": "Go far.", "success": {"expression": "x > 1"}}}
    (tmp_path / "cart.yaml").write_text(yaml.safe_dump({"env": env, "tasks": tasks}))
    task = load_task(str(tmp_path / "cart.yaml"))
    (tmp_path / "cart.xml").unlink()  # the task holds the model whole
    batch = make_env(task.env, 2)
    obs, _ = batch.reset(seed=0)
    assert obs.shape == (2, 2)
    assert batch.schema.step_limit == 1000
    with pytest.raises(UserError, match=r"env.robot.model: .*cart.xml"):
        load_task(str(tmp_path / "cart.yaml"))


def test_it_moves_by_newton_and_shows_what_was_asked_for() -> None:
    env = together(cart(), 3)
    obs, _ = env.reset(seed=0)
    np.testing.assert_array_equal(obs, 0)
    for _ in range(4):  # 0.2 s at 2 m/s2
        obs, *_ = env.step(np.array([[1.0], [-1.0], [0.0]], dtype=np.float32))
    np.testing.assert_allclose(obs[:, 1], [0.4, -0.4, 0.0], atol=1e-6)
    np.testing.assert_allclose(obs[:, 0], [0.084, -0.084, 0.0], atol=1e-6)  # twice the way, by semi-implicit steps
    np.testing.assert_array_equal(env.read(["x"])["x"], obs[:, 0])


def test_it_ends_when_it_is_not_healthy_and_is_paid_as_it_says() -> None:
    env = together(cart(healthy="abs(speed) < 0.25", reward="speed - 0.5 * action[0]"), 2)
    env.reset(seed=0)
    push = np.array([[1.0], [0.5]], dtype=np.float32)
    for _ in range(2):
        _, rewards, terminated, *_ = env.step(push)
        assert not terminated.any()
    np.testing.assert_allclose(rewards, [0.2 - 0.5, 0.1 - 0.25], atol=1e-6)
    _, _, terminated, *_ = env.step(push)
    np.testing.assert_array_equal(terminated, [True, False])


def test_episodes_begin_where_it_says() -> None:
    env = together(cart(reset_noise=0.05, start={"qvel[0]": (1.0, 2.0)}), 64)
    obs, _ = env.reset(seed=0)
    assert np.abs(obs[:, 0]).max() <= 0.1
    assert obs[:, 0].std() > 0.02
    assert ((obs[:, 1] >= 1) & (obs[:, 1] <= 2)).all()
    assert obs[:, 1].std() > 0.1


def test_a_single_one_is_the_same_in_gymnasium() -> None:
    spec = load_task("balancer").env.model_copy(update={"step_limit": 40})
    shown = []
    for env in (make_env(spec, 4, "batch"), make_env(spec, 4, "gym")):
        start, _ = env.reset(seed=6)
        shown.append([start, *env.read(env.schema.names).values(), *play(env, 90)])
    assert_same(*shown)


def test_older_mujocos_step_it_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "mujoco.batch", None)  # as before MuJoCo 3.17
    assert isinstance(make_env(cart(), 2), GymBatchEnv)
    assert isinstance(make_env(EnvSpec(id="HalfCheetah-v5"), 2), GymBatchEnv)
    with pytest.raises(UserError, match=r"3\.17"):
        make_env(cart(), 2, "batch")


@pytest.mark.parametrize(
    ("robot", "said"),
    [
        ({"model": "<mujoco><nothing/></mujoco>"}, "does not compile"),
        ({"model": "cart.xml"}, "was not read"),
        ({"model": "<mujoco/>"}, "needs actuators"),
        ({"observations": ["obs[0]"]}, r"robot.observations: obs\[0\]"),
        ({"observations": ["body.card.xpos"]}, "cart"),
        ({"observations": ["qpos[1]"]}, r"robot.observations: qpos\[1\] is not there"),
        ({"observations": ["body.cart.xpos[3:]"]}, "counts from 0 to 2"),
        ({"start": {"qpos": (0, 1)}}, r"robot.start: qpos is neither"),
        ({"start": {"qvel[1:]": (0, 1)}}, "is not there"),
        ({"healthy": "abs(spead) < 1"}, "speed"),
        ({"reward": "action"}, "robot.reward"),
    ],
)
def test_what_is_wrong_is_said(robot: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        describe(cart(**robot))


def test_a_field_that_cannot_be_read_is_said_before_anything_is_trained() -> None:
    spec = cart()
    wrong = spec.fields[0].model_copy(update={"source": "body.cart.xpos"})
    with pytest.raises(UserError, match="field x"):
        describe(spec.model_copy(update={"fields": (wrong, spec.fields[1])}))


@pytest.mark.parametrize("change", [{"fields": []}, {"kwargs": {"frame_skip": 2}}])
def test_a_robot_is_documented_and_takes_no_arguments(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"fields: name|kwargs: a robot"):
        EnvSpec.model_validate(cart().model_dump() | change)
