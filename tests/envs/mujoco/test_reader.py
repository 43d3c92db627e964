"""Fields of simulations that are stepped together read as those of single environments, whatever the source."""

from __future__ import annotations

import numpy as np
import pytest
from v5 import assert_same, play, together

from autoreward.envs.fields import FieldReader
from autoreward.envs.gym import GymBatchEnv
from autoreward.envs.registry import describe, make_env, make_single
from autoreward.errors import UnknownName, UserError
from autoreward.schema import Field
from autoreward.task import EnvSpec, load_task

SHAPES = {
    "xpos": (3,),
    "xmat": (9,),
    "xquat": (4,),
    "cvel": (6,),
    "cfrc_ext": (6,),
    "subtree_com": (3,),
    "velocity": (3,),
    "angular_velocity": (3,),
}
PLACES = ("xpos", "xmat", "velocity", "angular_velocity")


def fields_of(sources: dict[str, tuple[int, ...]]) -> tuple[Field, ...]:
    return tuple(
        Field(name=f"f{number}", source=source, shape=shape) for number, (source, shape) in enumerate(sources.items())
    )


def assert_both_ways_read(spec: EnvSpec) -> None:
    shown = []
    for env in (make_env(spec, 3, "batch"), make_env(spec, 3, "gym")):
        env.reset(seed=4)
        shown.append([*env.read(env.schema.names).values(), *play(env, 30)])
        assert any(np.any(values != 0) for values in shown[-1])
    assert_same(*shown)


@pytest.mark.parametrize(
    ("env_id", "body", "geom"),
    [("HalfCheetah-v5", "ffoot", "head"), ("Ant-v5", "torso", "torso_geom"), ("Humanoid-v5", "left_foot", "head")],
)
def test_every_quantity_of_bodies_and_geoms(env_id: str, body: str, geom: str) -> None:
    sources = {f"body.{body}.{quantity}": shape for quantity, shape in SHAPES.items()}
    sources |= {f"geom.{geom}.{quantity}": SHAPES[quantity] for quantity in PLACES}
    sources |= {"-qpos[2]": (), "2 * qvel[1] - 0.5": (), "obs[1:3]": (2,), f"body.{body}.velocity[0:2]": (2,)}
    assert_both_ways_read(EnvSpec(id=env_id, step_limit=12, fields=fields_of(sources)))


def test_sites_sensors_and_all_forces() -> None:
    pack = load_task("balancer").env
    assert pack.robot is not None
    sources: dict[str, tuple[int, ...]] = {f"site.head.{quantity}": SHAPES[quantity] for quantity in PLACES}
    sources |= {"sensor.gyro": (3,), "sensor.up[2]": (), "cfrc_ext": (4, 6), "body.left_wheel.cfrc_ext[5]": ()}
    robot = pack.robot.model_copy(update={"healthy": "True", "reward": "0"})
    spec = pack.model_copy(update={"fields": fields_of(sources), "robot": robot, "step_limit": 12})
    assert_both_ways_read(spec)


def test_contact_forces_carry_the_weight() -> None:
    """A standing robot of 2 kg presses its wheels on the floor with 2 g, one half each."""
    pack = load_task("balancer").env
    assert pack.robot is not None
    fields = fields_of({"body.left_wheel.cfrc_ext[5]": (), "body.right_wheel.cfrc_ext[5]": ()})
    robot = pack.robot.model_copy(update={"healthy": "True", "reward": "0", "reset_noise": 0.0, "start": {}})
    env = together(pack.model_copy(update={"fields": fields, "robot": robot}), 2)
    env.reset(seed=0)
    assert not np.any(env.read(["f0"])["f0"])  # a reset computes no forces, as in Gymnasium
    for _ in range(20):
        env.step(np.zeros((2, 2), dtype=np.float32))
    forces = env.read(["f0", "f1"])
    np.testing.assert_allclose(forces["f0"] + forces["f1"], 2.0 * 9.81, rtol=1e-3)


def test_a_single_environment_reads_sensors_too() -> None:
    env = make_single(load_task("balancer").env)
    obs, info = env.reset(seed=0)
    schema = describe(load_task("balancer").env)
    fields = fields_of({"sensor.speed": (3,), "sensor.up[2]": ()})
    reader = FieldReader(env, schema.model_copy(update={"fields": fields}))
    values = reader.read(["f0", "f1"], obs, info)
    np.testing.assert_array_equal(values["f0"], obs[6:9].astype(np.float32))
    assert values["f1"] == np.float32(obs[2])


def test_unknown_sensors_get_the_closest() -> None:
    spec = load_task("balancer").env
    fields = (*spec.fields, Field(name="wrong", source="sensor.gyros", shape=(3,)))
    with pytest.raises(UserError, match="gyro"):
        make_env(spec.model_copy(update={"fields": fields}), 2)
    with pytest.raises(UnknownName, match="place"):
        together(spec, 2).read(["plase"])


def test_what_only_gymnasium_can_read_is_stepped_by_gymnasium() -> None:
    spec = EnvSpec(id="Hopper-v5", fields=fields_of({"attr.frame_skip": ()}))
    env = make_env(spec, 2)
    assert isinstance(env, GymBatchEnv)
    env.reset(seed=0)
    np.testing.assert_array_equal(env.read(["f0"])["f0"], [4, 4])
