"""Fields are what the simulator says, read from where their source says."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from autoreward.envs.fields import FieldReader, Source
from autoreward.envs.registry import describe, make_env, make_single
from autoreward.errors import UnknownName, UserError
from autoreward.schema import ActionSpec, EnvSchema, Field
from autoreward.task import EnvSpec, load_task


def schema(*fields: Field) -> EnvSchema:
    return EnvSchema(env_id="x", fields=fields, action=ActionSpec(kind="continuous", shape=(1,)), step_limit=10)


def stepped(env_id: str, steps: int = 8) -> tuple[gymnasium.Env[Any, Any], Any, dict[str, Any]]:
    env = make_single(EnvSpec(id=env_id))
    env.reset(seed=1)
    env.action_space.seed(1)
    for _ in range(steps):
        obs, _, _, _, info = env.step(env.action_space.sample())
    return env, obs, info


def test_every_kind_of_source_reads_the_simulator() -> None:
    env, obs, info = stepped("HalfCheetah-v5")
    data: Any = env.unwrapped.data  # type: ignore[attr-defined]
    expected = {
        "obs[8]": obs[8],
        "obs[2:8]": obs[2:8],
        "qpos[0]": data.qpos[0],
        "-qpos[2]": -data.qpos[2],
        "2 * qvel[1] - 0.5": 2 * data.qvel[1] - 0.5,
        "-0.5 * qvel[1] + 1e-1": -0.5 * data.qvel[1] + 0.1,
        "info.x_position": info["x_position"],
        "info.not_there": 0.0,
        "attr.frame_skip": 5,
        "body.torso.xpos": data.body("torso").xpos,
        "body.torso.xpos[2]": data.body("torso").xpos[2],
        "body.ffoot.xquat": data.body("ffoot").xquat,
        "body.torso.xmat[8]": data.body("torso").xmat[8],
        "body.torso.cvel": data.body("torso").cvel,
        "body.torso.subtree_com": data.body("torso").subtree_com,
        "geom.head.xpos": data.geom("head").xpos,
    }
    fields = [
        Field(name=f"f{index}", source=source, shape=np.shape(value))
        for index, (source, value) in enumerate(expected.items())
    ]
    values = FieldReader(env, schema(*fields)).read([field.name for field in fields], obs, info)
    for field, value in zip(fields, expected.values(), strict=True):
        np.testing.assert_allclose(values[field.name], np.float32(value), rtol=1e-6, err_msg=field.source)
        assert values[field.name].dtype == np.float32


def test_a_bodys_velocity_is_the_change_of_its_position() -> None:
    env, obs, info = stepped("HalfCheetah-v5", 20)
    base: Any = env.unwrapped
    field = Field(name="v", shape=(3,), source="body.ffoot.velocity")
    import mujoco

    velocity = FieldReader(env, schema(field)).read(["v"], obs, info)["v"]
    before = base.data.body("ffoot").xpos.copy()  # as old as the velocity: one substep before qpos
    mujoco.mj_forward(base.model, base.data)
    moved = (base.data.body("ffoot").xpos - before) / base.model.opt.timestep
    np.testing.assert_allclose(velocity, moved, atol=0.35)
    assert np.abs(velocity).max() > 0.5


@pytest.mark.parametrize("name", ["reacher", "half_cheetah", "hopper", "hopper_front_flip", "mountain_car_continuous"])
def test_the_reader_and_the_batch_agree(name: str) -> None:
    spec = load_task(name).env
    batch, single = make_env(spec, 2), make_single(spec)
    names = describe(spec).names
    reader = FieldReader(single, describe(spec))
    batch.reset(seed=[8, 9])  # type: ignore[arg-type]
    obs, info = single.reset(seed=9)
    batch.action_space.seed(2)
    for _ in range(4):
        read, alone = batch.read(names), reader.read(names, obs, info)
        for field in names:
            np.testing.assert_allclose(read[field][1], alone[field], rtol=1e-6, err_msg=field)
        actions = batch.action_space.sample()
        batch.step(actions)
        obs, _, _, _, info = single.step(actions[1])


@pytest.mark.parametrize("name", ["reacher", "half_cheetah", "hopper", "hopper_front_flip", "mountain_car_continuous"])
def test_what_a_pack_says_the_policy_sees_is_in_the_observation(name: str) -> None:
    for field in describe(load_task(name).env).fields:
        assert field.policy_sees == field.source.lstrip("-").startswith("obs"), field.name
        assert field.meaning


def test_forward_is_where_the_head_goes() -> None:
    """`pitch_forward` grows when the torso's top moves towards +x, where the toes point."""
    env = make_single(load_task("hopper_front_flip").env)
    env.reset(seed=0)
    base: Any = env.unwrapped
    qpos = base.init_qpos.copy()
    qpos[2] = 0.4
    base.set_state(qpos, base.init_qvel)
    reader = FieldReader(env, describe(load_task("hopper_front_flip").env))
    values = reader.read(["pitch_forward", "upright", "foot_position"], base._get_obs(), {})
    assert values["pitch_forward"] == pytest.approx(0.4)
    assert base.data.body("torso").xmat.reshape(3, 3)[0, 2] > 0  # its z axis leans towards +x
    assert values["upright"] == pytest.approx(np.cos(0.4))
    env.reset(seed=0)
    toes = base.data.geom("foot_geom").xpos[0] - base.data.body("torso").xpos[0]
    assert toes > 0


def test_parts_of_a_dictionary_observation(own_envs: str) -> None:
    env = make_env(EnvSpec(id=f"{own_envs}:Line"), 2)
    obs, _ = env.reset(seed=0)
    assert obs.shape == (2, 1 + 6 + 3 + 2)
    values = env.read(["point", "grid", "mode", "nested_pair", "energy", "charge"])
    assert values["point"].shape == (2,)
    assert (values["grid"] == 200).all()
    assert values["grid"].dtype == np.float32
    assert values["mode"].dtype == np.int64
    assert set(values["mode"]) <= {1, 2}
    assert values["nested_pair"].tolist() == [[1, 0], [1, 0]]
    assert (values["charge"] > 0).all()


@pytest.mark.parametrize(
    ("source", "error", "said"),
    [
        ("body.torsso.xpos", UnknownName, "Closest: torso"),
        ("body.torso.xposs", UnknownName, "Closest: xpos"),
        ("site.nothing.xpos", UnknownName, "unknown site"),
        ("attr.frame_skp", UnknownName, "Closest: frame_skip"),
        ("nonsense.x", UserError, "sources begin with"),
        ("obs[", UserError, "does not read"),
        ("obs[0] * obs[1]", UserError, "does not read"),
        ("obs[99]", UserError, "do not fit shape"),
        ("obs[0:3]", UserError, "do not fit shape"),
        ("obs.key", UserError, "no entry"),
    ],
)
def test_a_source_that_is_not_there_is_said_clearly(source: str, error: type[Exception], said: str) -> None:
    env, obs, info = stepped("HalfCheetah-v5", 1)
    with pytest.raises(error, match=said):
        FieldReader(env, schema(Field(name="f", source=source))).read(["f"], obs, info)


def test_mujoco_sources_need_mujoco() -> None:
    env, obs, info = stepped("CartPole-v1", 1)
    with pytest.raises(UserError, match="not a MuJoCo environment"):
        FieldReader(env, schema(Field(name="f", source="qpos[0]"))).read(["f"], obs, info)


def test_source_without_an_index() -> None:
    parsed = Source.parse(Field(name="f", source="body.left_foot.xpos"))
    assert (parsed.path, parsed.index, parsed.scale, parsed.offset) == ("body.left_foot.xpos", None, 1.0, 0.0)
