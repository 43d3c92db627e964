"""One voxel world as Gymnasium's users have it: registered, checked, and the same world as in a batch."""

from __future__ import annotations

import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from autoreward.envs.registry import describe, make_env
from autoreward.envs.voxel.env import VoxelEnv
from autoreward.envs.voxel.gym import arguments
from autoreward.envs.voxel.tasks import TASKS
from autoreward.errors import UnknownName, UserError
from autoreward.task import EnvSpec


@pytest.mark.filterwarnings("ignore:.*A Box observation space.*infinity")
@pytest.mark.parametrize("task", TASKS)
def test_gymnasiums_own_checker_finds_no_fault(task: str) -> None:
    env = gymnasium.make(TASKS[task].gym_id, tier="easy", render_mode="rgb_array")
    check_env(env.unwrapped)
    env.close()


def test_the_ids_are_there_after_the_import() -> None:
    ids = [task.gym_id for task in TASKS.values()]
    program = f"import gymnasium, autoreward; [gymnasium.spec(name) for name in {ids}]"
    subprocess.run([sys.executable, "-c", program], check=True)
    by_module = f"import gymnasium; gymnasium.make('autoreward.envs.voxel.gym:{ids[0]}', disable_env_checker=True)"
    subprocess.run([sys.executable, "-c", by_module], check=True)


def test_it_is_the_world_of_a_batch() -> None:
    single = gymnasium.make("autoreward/Voxel-DiamondLava-v0", tier="hard", split="validation").unwrapped
    batch = VoxelEnv("diamond_lava", 2, tier="hard", split="validation")
    one, _ = single.reset(seed=7)
    two, _ = batch.reset(seed=[3, 7])
    np.testing.assert_array_equal(one, two[1])
    for action in np.random.default_rng(0).integers(0, 11, 60):
        one, reward, terminated, truncated, _ = single.step(action)
        two, rewards, ends, cuts, _ = batch.step(np.array([0, action]))
        np.testing.assert_array_equal(one, two[1])
        assert (reward, terminated, truncated) == (rewards[1], ends[1], cuts[1])
        if terminated or ends[0]:
            break
    assert single.read("t") == batch.read(["t"])["t"][1]


def test_it_is_drawn_where_that_is_asked_for() -> None:
    env = gymnasium.make("autoreward/Voxel-HuntCow-v0", render_mode="rgb_array")
    env.reset(seed=1)
    before = env.render()
    env.step(3)
    after = env.render()
    assert isinstance(before, np.ndarray) and isinstance(after, np.ndarray)
    assert (before.shape, before.dtype) == ((180, 504, 3), np.uint8) and (before != after).any()
    blind = gymnasium.make("autoreward/Voxel-HuntCow-v0")
    blind.reset(seed=1)
    assert blind.unwrapped.render() is None


def test_a_world_can_be_chosen_and_masks_are_told() -> None:
    env = gymnasium.make("autoreward/Voxel-DiamondLava-v0", mask_impossible=True).unwrapped
    obs, info = env.reset(seed=1, options={"world": 5})
    again, _ = env.reset(seed=1, options={"world": 5})
    np.testing.assert_array_equal(obs, again)
    assert info["action_mask"].tolist() == [1] * 10 + [0]  # there is no cobblestone to place yet
    with pytest.raises(UserError, match="numbers from 0 to 1023"):
        env.reset(options={"world": 1024})
    with pytest.raises(UserError, match=r"has 0\.\.10"):
        env.step(11)


def test_specs_make_voxel_worlds_together() -> None:
    spec = EnvSpec(id="autoreward/Voxel-ApproachPig-v0", kwargs={"tier": "hard"}, step_limit=9)
    env = make_env(spec, 3)
    assert isinstance(env, VoxelEnv)
    assert (env.task.name, env.tier, env.num_envs) == ("approach_pig", "hard", 3)
    assert env.knobs.limit == env.schema.step_limit == describe(spec).step_limit == 9
    assert describe(spec) == env.schema
    assert arguments("CartPole-v1", {}, None) is None


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        ({"tier": "eazy"}, "unknown tier 'eazy'. Closest: easy"),
        ({"split": "tests"}, "unknown split 'tests'. Closest: test"),
        ({"knobs": {"cluster": 3}}, "unknown knob 'cluster'. Closest: clusters"),
        ({"size": 3}, "unexpected keyword argument 'size'"),
    ],
)
def test_wrong_arguments_say_what_there_is(kwargs: dict[str, object], said: str) -> None:
    spec = EnvSpec(id="autoreward/Voxel-HuntCow-v0", kwargs=kwargs)
    for make in (lambda: make_env(spec, 2), lambda: describe(spec)):
        with pytest.raises(UserError, match=said):
            make()


def test_what_cannot_be_stepped_one_by_one_or_fit_says_so() -> None:
    with pytest.raises(UserError, match="always stepped together"):
        make_env(EnvSpec(id="autoreward/Voxel-HuntCow-v0"), 2, "gym")
    with pytest.raises(UserError, match=r"GB and .* are free; at most \d+ fit"):
        make_env(EnvSpec(id="autoreward/Voxel-HuntCow-v0"), 50_000_000)
    with pytest.raises(UnknownName, match="Closest: autoreward/Voxel-HuntCow-v0"):
        make_env(EnvSpec(id="autoreward/Voxel-HuntCows-v0"), 2)
