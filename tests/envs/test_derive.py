"""Schemas of environments without a pack: readable, and silent about the reward."""

from __future__ import annotations

import re
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import registry

from autoreward.envs.docstring import description, identifier
from autoreward.envs.registry import describe, make_env, make_single
from autoreward.errors import UserError
from autoreward.task import EnvSpec

FAMILIES = ("classic_control", "toy_text", "mujoco", "box2d")
WITHHELD = re.compile(r"reward|success|score|weight|ctrl_cost|control cost|penal|bonus", re.IGNORECASE)


def installed() -> list[str]:
    """The newest version of every environment that constructs here."""
    newest: dict[str, tuple[int, str]] = {}
    for env_id, spec in registry.items():
        if any(f".{family}." in str(spec.entry_point) for family in FAMILIES):
            newest[spec.name] = max(newest.get(spec.name, (-1, "")), (spec.version or 0, env_id))
    ids = []
    for _, env_id in sorted(newest.values()):
        try:
            env = make_single(EnvSpec(id=env_id))
        except UserError:
            continue  # a family whose simulator is not installed
        env.close()
        if len(env.observation_space.shape or ()) < 3:  # CarRacing draws a picture in every step: half a minute
            ids.append(env_id)
    return ids


INSTALLED = installed()


def test_the_families_that_we_ship_are_all_tried() -> None:
    assert {"CartPole-v1", "Taxi-v4", "HalfCheetah-v5", "HumanoidStandup-v5"} <= set(INSTALLED)
    assert sum(env_id.endswith("-v5") for env_id in INSTALLED) == 11


@pytest.mark.parametrize("env_id", INSTALLED)
def test_nothing_tells_the_human_reward(env_id: str) -> None:
    schema = describe(EnvSpec(id=env_id))
    told = schema.model_dump_json()
    assert not WITHHELD.search(told), WITHHELD.search(told)

    env = make_env(EnvSpec(id=env_id), 8)
    env.action_space.seed(11)
    env.reset(seed=11)
    names = [field.name for field in schema.fields if not field.policy_sees]
    rows: list[dict[str, Any]] = []
    rewards = []
    for _ in range(60):
        _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        rows.append(env.read(names))
        rewards.append(reward)
        if (terminated | truncated).any():
            env.reset(options={"reset_mask": terminated | truncated})
    env.close()
    human = np.concatenate(rewards)
    for name in names:
        values = np.concatenate([row[name] for row in rows]).reshape(len(human), -1)
        for column in values.T:
            assert not np.allclose(column, human, rtol=1e-3), f"{name} is the reward"
            if human.std() > 1e-6 and column.std() > 1e-6 and not name.endswith(("_position", "_velocity")):
                assert abs(np.corrcoef(column, human)[0, 1]) < 0.9999, f"{name} gives the reward away"


@pytest.mark.parametrize("env_id", ["LunarLander-v3", "BipedalWalker-v3"])
def test_a_potential_of_the_reward_is_no_field(env_id: str) -> None:
    """Their rewards are differences of `prev_shaping`, an attribute."""
    assert not [name for name in describe(EnvSpec(id=env_id)).names if "shaping" in name]


@pytest.mark.parametrize("env_id", [env_id for env_id in INSTALLED if env_id.endswith("-v5")])
def test_no_term_of_a_mujoco_reward_is_a_field(env_id: str) -> None:
    """Against the reward terms that v5 puts into `info`."""
    schema = describe(EnvSpec(id=env_id))
    env = make_single(EnvSpec(id=env_id))
    env.action_space.seed(5)
    env.reset(seed=5)
    found = [field for field in schema.fields if field.source.startswith(("info.", "attr."))]
    infos = []
    for _ in range(60):
        _, _, terminated, _, info = env.step(env.action_space.sample())
        infos.append(info)
        if terminated:
            env.reset()
    terms = {key: np.array([info[key] for info in infos]) for key in infos[0] if "reward" in key}
    for field in found:
        key = field.source.partition(".")[2]
        assert "reward" not in key
        if key in infos[0]:
            column = np.array([info[key] for info in infos])
            if column.ndim == 1:
                assert not any(np.allclose(column, term, rtol=1e-3) for term in terms.values()), key


def test_cartpole_reads_as_its_docstring_names_it() -> None:
    schema = describe(EnvSpec(id="CartPole-v1"))
    assert schema.names == ["cart_position", "cart_velocity", "pole_angle", "pole_angular_velocity"]
    assert schema.field("pole_angle").unit == "rad"
    assert schema.field("pole_angle").high == pytest.approx(0.4189, abs=1e-3)
    assert schema.field("cart_velocity").low is not None  # seen, where the space is unbounded
    assert schema.action.choices == 2
    assert schema.action.meaning == "0: Push cart to the left; 1: Push cart to the right"
    assert schema.step_limit == 500
    assert "balance the pole" in schema.description
    assert "±12°" in schema.description


def test_mujoco_without_a_pack() -> None:
    schema = describe(EnvSpec(id="Humanoid-v5"))
    assert schema.field("torso_position").source == "body.torso.xpos"
    assert schema.field("obs_rest").shape == (348 - 45,)
    assert "x_velocity" not in schema.names  # it is `reward_forward`, divided by a weight
    assert not schema.field("torso_position").policy_sees


def test_with_other_observations_the_table_no_longer_names_them() -> None:
    spec = EnvSpec(id="Hopper-v5", kwargs={"exclude_current_positions_from_observation": False})
    assert describe(spec).names[:2] == ["obs_0", "obs_1"]


def test_an_environment_of_ones_own(own_envs: str) -> None:
    schema = describe(EnvSpec(id=f"{own_envs}:Line"))
    assert {*schema.names[:4]} == {"point", "grid", "mode", "nested_pair"}
    assert {"energy", "charge", "late"} <= {*schema.names}
    assert "0 right after a reset" in schema.field("late").meaning
    assert "0 right after a reset" not in schema.field("energy").meaning
    leaked = {"progress_made", "task_score", "so_far", "total", "last_worth", "_hidden"}
    assert not leaked & {*schema.names}
    assert "secret" not in schema.description
    assert "staying" not in schema.description
    assert "The point moves by the action." in schema.description
    assert schema.step_limit == 1000
    assert describe(EnvSpec(id="OwnLine-v0")).step_limit == 12


def test_only_actions_that_are_allowed_are_tried() -> None:
    """A forbidden one raises there."""
    assert describe(EnvSpec(id="tests.training.tiny:Gate", step_limit=5)).names


def test_the_same_schema_every_time(own_envs: str) -> None:
    from autoreward.envs import registry as envs_registry

    first = describe(EnvSpec(id="Hopper-v5"))
    envs_registry._describe.cache_clear()
    assert describe(EnvSpec(id="Hopper-v5")) == first


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Pole Angular Velocity", "pole_angular_velocity"),
        ("angular velocity of the thigh hinge", "thigh_hinge_angular_velocity"),
        ("z-coordinate of the torso (height of hopper)", "torso_z_coordinate"),
        ("x = cos(theta)", "x_cos_theta"),
        ("position of the car along the x-axis", "car_position"),
        ("2nd joint", "field_2nd_joint"),
        ("lambda", "field_lambda"),
        ("max", "field_max"),
        ("", "value"),
    ],
)
def test_names_are_identifiers(text: str, name: str) -> None:
    assert identifier(text) == name
    assert identifier(text, {name}) == f"{name}_2"


def test_reward_sections_of_every_style_are_withheld() -> None:
    doc = """Push the block.

    ## Goal
    Push it to the mark. You earn a reward of 5 there. It doubles near the edge.

    ## Rewards
    The reward is -distance.
    ### Shaping
    Twice the speed is added.

    ## Start
    Anywhere.

    Reward:
        minus the force

    Rewards
    -------
    The square of the angle.

    Episode
    -------
    Ends at the mark.
    | key | meaning |
    | --- | --- |
    | `push` | how hard |
    | `reward_push` | weight of the push |
    """
    told = description(doc)
    assert "Push it to the mark." in told
    assert "Anywhere." in told
    assert "Ends at the mark." in told
    assert "how hard" in told
    for leak in ("earn", "doubles", "distance", "Twice", "force", "square", "reward"):
        assert leak not in told


def test_a_failing_environment_is_the_users_to_mend(own_envs: str) -> None:
    class Fails(gymnasium.Env[Any, Any]):
        observation_space = gymnasium.spaces.Box(-1, 1, (1,))
        action_space = gymnasium.spaces.Discrete(2)

        def reset(self, **_: object) -> Any:
            return np.zeros(1), {}

        def step(self, action: object) -> Any:
            raise KeyError("cable")

    from autoreward.envs.derive import derive_schema

    with pytest.raises(UserError, match="fails when it is stepped: KeyError"):
        derive_schema(Fails(), "Fails", 10)
