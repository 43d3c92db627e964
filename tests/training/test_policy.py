from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

from autoreward.errors import UserError
from autoreward.testing.trainer import random_policy
from autoreward.training.policy import Policy


@pytest.mark.parametrize(
    "action_space",
    [gymnasium.spaces.Box(-0.3, 0.5, (2,), np.float32), gymnasium.spaces.Discrete(4)],
    ids=["continuous", "discrete"],
)
@pytest.mark.parametrize("use_sde", [False, True])
def test_acts_as_the_trained_network_does(
    action_space: gymnasium.Space[NDArray[np.float32]], use_sde: bool, tmp_path: Path
) -> None:
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    from autoreward.training.sb3_policy import snapshot

    class Noise(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
        def __init__(self) -> None:
            self.observation_space = gymnasium.spaces.Box(-9.0, 9.0, (5,), np.float32)
            self.action_space = action_space

        def reset(self, *, seed=None, options=None):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
            super().reset(seed=seed)
            return self._obs(), {}

        def step(self, action):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
            return self._obs(), float(self.np_random.normal()), False, False, {}

        def _obs(self) -> NDArray[np.float32]:
            return self.np_random.normal(2.0, 3.0, 5).astype(np.float32)

    env = VecNormalize(DummyVecEnv([Noise]))
    continuous = isinstance(action_space, gymnasium.spaces.Box)
    model = PPO("MlpPolicy", env, n_steps=64, batch_size=32, seed=3, use_sde=use_sde and continuous, device="cpu")
    model.learn(128)
    snapshot(model, env).save(tmp_path / "policy.safetensors")
    obs = np.random.default_rng(0).normal(2.0, 30.0, (200, 5)).astype(np.float32)
    expected, _ = model.predict(env.normalize_obs(obs), deterministic=True)
    found = Policy.load(tmp_path / "policy.safetensors").act(obs)
    assert found.dtype == (np.float32 if continuous else np.int64)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_file_that_is_no_policy_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        Policy.load(tmp_path / "missing.safetensors")
    (tmp_path / "text.safetensors").write_text("hello there, this is not a policy at all")
    with pytest.raises(UserError, match="does not read as safetensors"):
        Policy.load(tmp_path / "text.safetensors")
    from safetensors.numpy import save_file

    save_file({"x": np.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(UserError, match="not one that autoreward wrote"):
        Policy.load(tmp_path / "other.safetensors")


def test_survives_saving(tmp_path: Path) -> None:
    policy = random_policy(gymnasium.spaces.Box(-1, 1, (3,)), gymnasium.spaces.Box(-1, 1, (2,)), seed=1)
    policy.save(tmp_path / "policy.safetensors")
    obs = np.linspace(-2, 2, 12, dtype=np.float32).reshape(4, 3)
    np.testing.assert_array_equal(Policy.load(tmp_path / "policy.safetensors").act(obs), policy.act(obs))
