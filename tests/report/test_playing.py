"""Episodes that are played again show what happened, and are scored as a training scores them."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

from autoreward.envs.contract import BatchEnv
from autoreward.envs.derive import derive_schema
from autoreward.envs.gym import GymBatchEnv
from autoreward.envs.registry import make_env
from autoreward.errors import CellFailed, UserError
from autoreward.report.playing import OWN, TOTAL, check_fits, evenly, frames, play, with_human_reward, with_terms
from autoreward.reward.reward import Reward
from autoreward.task import EnvSpec, SuccessRule, Task, load_task
from autoreward.testing.trainer import random_policy

CART = Task(
    name="cart",
    text="Keep the pole up.",
    env=EnvSpec(id="CartPole-v1"),
    success=SuccessRule(expression="abs(pole_angle) < 0.1", rule="held", steps=3),
    outcomes={"left": "cart_position < 0", "right": "cart_position >= 0"},
)
SWING = Task(
    name="swing", text="Swing up.", env=EnvSpec(id="Pendulum-v1"), success=SuccessRule(expression="pendulum_x > 2")
)
REWARD = """
IDEA = "How long it has been."
WEIGHTS = {"steps": 2.0, "cart": 1.0}

def compute_reward(state, action, next_state, memory):
    steps = memory.get("steps", np.zeros_like(state["cart_position"])) + 1.0
    memory["steps"] = steps
    return {"steps": steps, "cart": next_state["cart_position"] - state["cart_position"]}
"""


def uniform(env: BatchEnv, seed: int = 0) -> Any:
    env.action_space.seed(seed)
    return lambda obs, mask: env.random_actions()


@pytest.mark.parametrize("spec", [CART.env, EnvSpec(id="Pendulum-v1"), load_task("voxel/hunt_cow").env])
def test_an_episode_played_again_looks_the_same(spec: EnvSpec) -> None:
    task = Task(name="any", text="-", env=spec, success=SuccessRule(expression="False"))
    env = make_env(spec, 1)
    seen: list[NDArray[np.uint8]] = []

    def act(obs: Any, mask: Any) -> Any:
        if len(seen) < 4:
            seen.append(env.render_frame())
        return env.random_actions()

    env.action_space.seed(5)
    episode = play(env, task, act, seed=5).episode
    last = env.render_frame()
    env.close()
    other = make_env(spec, 1)
    shown = dict(frames(other, episode, [0, 3, episode.steps]))
    other.close()
    assert list(shown) == [0, 3, episode.steps]
    assert np.array_equal(shown[0], seen[0])
    assert np.array_equal(shown[3], seen[3])
    assert np.array_equal(shown[episode.steps], last)
    assert not np.array_equal(shown[0], last)


def test_what_happened_is_told_by_the_tasks_own_rules() -> None:
    env = make_env(CART.env, 1)
    recorded = play(env, CART, uniform(env), seed=1, fields=["cart_position"])
    episode = recorded.episode
    env.close()
    assert episode.success
    assert episode.marks["success"] == (3,)
    end = recorded.fields["cart_position"][-1]
    assert episode.outcomes == (("left",) if end < 0 else ("right",))
    assert episode.summary() == f"{episode.steps} steps, success, {episode.outcomes[0]}"
    assert with_human_reward(recorded).courses == {OWN: (1.0,) * episode.steps}


def test_terms_are_those_of_the_program_weighted_with_memory_from_the_start() -> None:
    env = make_env(CART.env, 1)
    with Reward(REWARD, env.schema, isolation="C") as reward:
        recorded = play(env, CART, uniform(env), seed=1, fields=reward.program.state_fields)
        episode = with_terms(recorded, reward)
    env.close()
    steps = np.arange(1, episode.steps + 1)
    moved = np.diff(recorded.fields["cart_position"])
    assert list(episode.courses) == [TOTAL, "steps", "cart"]
    assert np.allclose(episode.courses["steps"], 2.0 * steps)
    assert np.allclose(episode.courses["cart"], moved)
    assert np.allclose(episode.courses[TOTAL], 2.0 * steps + moved, rtol=1e-6)


def test_a_term_that_is_no_number_is_named() -> None:
    env = make_env(CART.env, 1)
    source = REWARD.replace(
        '"cart": next_state["cart_position"] - state["cart_position"]', '"cart": steps / (steps - 2)'
    )
    with Reward(source, env.schema, isolation="C") as reward:
        recorded = play(env, CART, uniform(env), seed=1, fields=reward.program.state_fields)
        with pytest.raises(CellFailed, match="finite"):
            with_terms(recorded, reward)
    env.close()


def test_what_a_voxel_agent_did_is_marked() -> None:
    task = load_task("voxel/diamond_lava/easy")
    env = make_env(task.env, 1)
    script = iter([0, 1, 9, 1, 9, 9])

    def act(obs: Any, mask: Any) -> Any:
        return np.array([next(script, 0)])

    recorded = play(env, task, act, seed=0, fields=["mined", "died"])
    env.close()
    mined = np.flatnonzero(recorded.fields["mined"][1:]) + 1
    assert len(mined)
    assert recorded.episode.marks == {"mined": tuple(mined.tolist())}
    assert recorded.episode.outcomes == ("timeout",)


class Fickle(gymnasium.Env[Any, Any]):
    """Ends after as many steps as there were episodes before, from the last to the first."""

    metadata = {"render_modes": ["rgb_array"]}
    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), dtype=np.float32)
    action_space = gymnasium.spaces.Discrete(2)
    episodes = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        Fickle.episodes += 1
        self.left = 1000 // Fickle.episodes
        return np.zeros(2, dtype=np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.left -= 1
        return np.full(2, 0.5, dtype=np.float32), 0.0, self.left <= 0, False, {}

    def render(self) -> Any:
        return np.zeros((16, 16, 3), dtype=np.uint8)


def test_an_environment_that_goes_another_way_each_time_is_not_shown() -> None:
    env = GymBatchEnv(Fickle, 1, derive_schema(Fickle(), "Fickle", 400, ""))
    task = Task(name="any", text="-", env=EnvSpec(id="Fickle"), success=SuccessRule(expression="False"))
    episode = play(env, task, uniform(env), seed=0).episode
    assert episode.steps > 10
    with pytest.raises(UserError, match="another way each time"):
        list(frames(env, episode, [episode.steps]))


def test_a_policy_of_another_environment_is_refused_with_both_sizes() -> None:
    cart, swing = make_env(CART.env, 1), make_env(SWING.env, 1)
    policy = random_policy(cart.single_observation_space, cart.single_action_space, seed=0)
    check_fits(policy, cart, "p.safetensors")
    with pytest.raises(UserError, match=r"p\.safetensors.* sees 4 numbers .*2 choices; Pendulum-v1 shows 3 .*1 contin"):
        check_fits(policy, swing, "p.safetensors")
    cart.close(), swing.close()


@pytest.mark.parametrize(
    ("steps", "count", "chosen"), [(4, 100, [0, 1, 2, 3, 4]), (10, 3, [0, 5, 10]), (7, 1, [0, 7]), (0, 5, [0])]
)
def test_first_and_last_are_always_among_the_pictures(steps: int, count: int, chosen: list[int]) -> None:
    assert evenly(steps, count) == chosen
