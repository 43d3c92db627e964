from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from autoreward.errors import UserError
from autoreward.task import EnvSpec
from autoreward.testing.trainer import random_policy
from autoreward.training.files import POLICY_SB3, VECNORMALIZE
from autoreward.training.policy import Activation, Layer, Policy

PENDULUM, CARTPOLE = EnvSpec(id="Pendulum-v1"), EnvSpec(id="CartPole-v1")


class Sampled(gymnasium.Env[Any, Any]):
    """Shows whatever lies in its observation space."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return self.observation_space.sample(), 0.0, False, False, {}


class Rooms(Sampled):
    """Observations that the batch flattens, and choices that do not begin at 0."""

    def __init__(self) -> None:
        place = gymnasium.spaces.Box(-1.0, 1.0, (2, 2), np.float32)
        self.observation_space = gymnasium.spaces.Dict({"room": gymnasium.spaces.Discrete(3), "place": place})
        self.action_space = gymnasium.spaces.Discrete(2, start=1)


class Free(Sampled):
    """Actions without bounds."""

    def __init__(self) -> None:
        self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.action_space = gymnasium.spaces.Box(-np.inf, np.inf, (1,), np.float32)


def network(
    widths: tuple[int, ...], bound: float | None, activation: Activation = "tanh", squash: bool = False
) -> Policy:
    """A policy of random weights and statistics, whose outputs pass the bound now and then; None: discrete."""
    generator = np.random.default_rng(sum(widths))
    layers = tuple(
        Layer(
            generator.normal(0.0, 1.0 / np.sqrt(inputs), (outputs, inputs)).astype(np.float32),
            generator.normal(0.0, 0.3, outputs).astype(np.float32),
        )
        for inputs, outputs in pairwise(widths)
    )
    if not squash:
        layers = (*layers[:-1], Layer(layers[-1].weight * 2.5, layers[-1].bias))
    limit = np.full(1, bound if bound is not None else widths[-1] - 1, dtype=np.float32)
    return Policy(
        layers=layers,
        mean=generator.normal(0.0, 2.0, widths[0]),
        variance=generator.uniform(0.1, 4.0, widths[0]),
        clip=10.0,
        kind="discrete" if bound is None else "continuous",
        low=np.zeros(1, dtype=np.float32) if bound is None else -limit,
        high=limit,
        activation=activation,
        squash=squash,
    )


@pytest.mark.parametrize(
    ("spec", "policy"),
    [
        (PENDULUM, network((3, 17, 1), 2.0)),
        (PENDULUM, network((3, 40, 24, 1), 2.0, "relu")),
        (PENDULUM, network((3, 32, 32, 1), 2.0, "relu", squash=True)),
        (PENDULUM, network((3, 1), 2.0)),
        (CARTPOLE, network((4, 48, 20, 2), None)),
        (CARTPOLE, network((4, 64, 64, 2), None, "relu")),
    ],
    ids=["continuous", "relu", "squashed", "linear", "discrete", "discrete relu"],
)
def test_stable_baselines3_loads_it_and_acts_the_same(spec: EnvSpec, policy: Policy, tmp_path: Path) -> None:
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    from autoreward.training.sb3_export import export_sb3

    policy.save(tmp_path / "policy.safetensors")
    assert export_sb3(Policy.load(tmp_path / "policy.safetensors"), spec, tmp_path) == (
        tmp_path / POLICY_SB3,
        tmp_path / VECNORMALIZE,
    )
    env = VecNormalize.load(str(tmp_path / VECNORMALIZE), DummyVecEnv([lambda: gymnasium.make(spec.id)]))
    model = PPO.load(tmp_path / POLICY_SB3, env=env, device="cpu")
    generator = np.random.default_rng(0)
    obs = generator.normal(policy.mean, 1.5 * np.sqrt(policy.variance), (1_000, len(policy.mean))).astype(np.float32)
    found, _ = model.predict(env.normalize_obs(obs), deterministic=True)
    expected = policy.act(obs)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert len(np.unique(expected)) > 1, "a policy that always does the same shows nothing"
    if policy.kind == "continuous" and not policy.squash:
        assert (np.abs(expected) == 2.0).any() and (np.abs(expected) < 2.0).any(), "bounds were not tried"
    # As SB3's own evaluation steps it: raw observations come out of the environment normalised.
    first = env.reset()
    np.testing.assert_array_equal(first, env.normalize_obs(env.get_original_obs()))
    env.step(model.predict(first, deterministic=True)[0])


def test_flattened_observations_and_shifted_choices(tmp_path: Path) -> None:
    from gymnasium.wrappers import FlattenObservation
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    from autoreward.training.sb3_export import export_sb3

    policy = network((7, 12, 2), None)
    export_sb3(policy, EnvSpec(id=f"{__name__}:Rooms", description="x", step_limit=5), tmp_path)
    venv = DummyVecEnv([lambda: FlattenObservation(Rooms())])
    env = VecNormalize.load(str(tmp_path / VECNORMALIZE), venv)
    obs = np.random.default_rng(0).normal(size=(50, 7)).astype(np.float32)
    found, _ = PPO.load(tmp_path / POLICY_SB3, device="cpu").predict(env.normalize_obs(obs), deterministic=True)
    np.testing.assert_array_equal(found, policy.act(obs))


def test_a_policy_for_another_environment_is_refused(tmp_path: Path) -> None:
    from autoreward.training.sb3_export import export_sb3

    with pytest.raises(UserError, match=r"not one for Pendulum-v1.*discrete, 4 .* -> 2 .*continuous, 3 -> 1"):
        export_sb3(network((4, 8, 2), None), PENDULUM, tmp_path)
    unbounded = random_policy(Free().observation_space, Free().action_space, seed=0)
    with pytest.raises(UserError, match="without bounds"):
        export_sb3(unbounded, EnvSpec(id=f"{__name__}:Free"), tmp_path)
    assert not any(tmp_path.iterdir())
