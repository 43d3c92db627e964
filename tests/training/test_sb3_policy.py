from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from autoreward.errors import UserError
from autoreward.training.policy import FORMAT, Policy


def model_on(env_id: str, algorithm: str, **arguments: Any) -> tuple[Any, Any]:
    import stable_baselines3
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    env = VecNormalize(DummyVecEnv([lambda: gymnasium.make(env_id)]))
    return getattr(stable_baselines3, algorithm)("MlpPolicy", env, seed=3, device="cpu", **arguments), env


@pytest.mark.parametrize(
    ("env_id", "algorithm", "arguments"),
    [
        ("Pendulum-v1", "SAC", {"learning_starts": 20, "policy_kwargs": {"net_arch": [20, 12]}}),
        ("Pendulum-v1", "TD3", {"learning_starts": 20, "policy_kwargs": {"net_arch": [20]}}),
        (
            "Pendulum-v1",
            "PPO",
            {"use_sde": True, "n_steps": 32, "batch_size": 32, "policy_kwargs": {"squash_output": True}},
        ),
        ("Pendulum-v1", "A2C", {}),
        ("CartPole-v1", "DQN", {"learning_starts": 20, "policy_kwargs": {"net_arch": []}}),
        ("CartPole-v1", "A2C", {}),
    ],
)
def test_acts_as_the_model_does(env_id: str, algorithm: str, arguments: dict[str, Any], tmp_path: Path) -> None:
    from autoreward.training.sb3_policy import check_kept, snapshot

    model, env = model_on(env_id, algorithm, **arguments)
    check_kept(model, env)
    model.learn(100)
    snapshot(model, env).save(tmp_path / "policy.safetensors")
    obs = np.random.default_rng(0).normal(0.0, 2.0, (300, *env.observation_space.shape)).astype(np.float32)
    expected, _ = model.predict(env.normalize_obs(obs), deterministic=True)
    np.testing.assert_allclose(Policy.load(tmp_path / "policy.safetensors").act(obs), expected, atol=1e-5)


def test_policies_of_the_first_format_are_written_as_before(tmp_path: Path) -> None:
    """Readers of that format would act wrongly with any other activation, so only those policies carry its name."""
    from autoreward.training.sb3_policy import snapshot

    names = []
    for algorithm in ("A2C", "SAC"):
        snapshot(*model_on("Pendulum-v1", algorithm)).save(tmp_path / algorithm)
        names.append(FORMAT.encode() in (tmp_path / algorithm).read_bytes())
    assert names == [True, False]


def test_what_a_policy_cannot_hold_is_refused() -> None:
    from stable_baselines3.common.torch_layers import FlattenExtractor
    from torch import Tensor, nn

    from autoreward.training.sb3_policy import check_kept

    class Doubled(FlattenExtractor):
        """Features that are not the observation itself."""

        def forward(self, observations: Tensor) -> Tensor:
            return 2.0 * super().forward(observations)

    with pytest.raises(UserError, match="SAC has a layer Hardtanh"):
        check_kept(*model_on("Pendulum-v1", "SAC", use_sde=True))
    with pytest.raises(UserError, match="PPO has a layer ELU"):
        check_kept(*model_on("Pendulum-v1", "PPO", policy_kwargs={"activation_fn": nn.ELU}))
    with pytest.raises(UserError, match="A2C acts otherwise than its layers say"):
        check_kept(*model_on("Pendulum-v1", "A2C", policy_kwargs={"features_extractor_class": Doubled}))
