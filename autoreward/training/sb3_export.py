"""Export of a trained policy for Stable-Baselines3: `policy.zip` and `vecnormalize.pkl`.

Both are pickles, which run code when they are loaded: they are written for whoever trusts the run, and autoreward
itself never reads them. Imported where an export is asked for only (Stable-Baselines3 brings torch).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from autoreward.envs.registry import make_env, make_single
from autoreward.errors import UserError
from autoreward.task import EnvSpec
from autoreward.training.files import POLICY_SB3, VECNORMALIZE
from autoreward.training.policy import EPSILON, Layer, Policy

COUNT = 1e6
"""Observations that the statistics stand for where Stable-Baselines3 goes on training: the true number is not kept."""

Space = gymnasium.Space[Any]


def export_sb3(policy: Policy, spec: EnvSpec, folder: Path) -> tuple[Path, Path]:
    """Write a policy as one of Stable-Baselines3's PPO, which acts the same.

    Loaded with `PPO.load(zip)`, the deterministic action on `VecNormalize.load(pkl, venv).normalize_obs(obs)` is that
    of `Policy.act(obs)`, up to float32 rounding. The value network is not part of a policy, so it is drawn anew, and
    so is the exploration noise; a policy of DQN has its Q values as logits. Environments whose observations are no flat
    box (dictionaries, images) need Gymnasium's `FlattenObservation` around them first.

    Args:
        policy: any but one that masks its choices, which Stable-Baselines3's PPO cannot do.
        spec: the environment that it acts in; gives the spaces.
        folder: where the two files are written; must be there.

    Returns:
        The paths of `policy.zip` and `vecnormalize.pkl`.

    Raises:
        UserError: the policy is not one for this environment, or its actions are unbounded.
    """
    observation_space, action_space = _spaces(spec)
    _check(policy, spec, observation_space, action_space)
    environments = DummyVecEnv([lambda: _Spaces(observation_space, action_space)])
    model = PPO(
        "MlpPolicy",
        environments,
        # Stable-Baselines3 squashes the output of PPO only together with gSDE; neither moves the deterministic action.
        use_sde=policy.squash,
        policy_kwargs=_network(policy),
        seed=0,
        device="cpu",
    )
    actor = [*model.policy.mlp_extractor.policy_net, model.policy.action_net]
    linear = [module for module in actor if isinstance(module, torch.nn.Linear)]
    for module, layer in zip(linear, policy.layers, strict=True):
        _copy(layer, module)
    model.save(folder / POLICY_SB3)
    normalise = VecNormalize(environments, training=False, norm_reward=False, clip_obs=policy.clip, epsilon=EPSILON)
    statistics = normalise.obs_rms
    assert isinstance(statistics, RunningMeanStd)
    statistics.mean, statistics.var, statistics.count = policy.mean.copy(), policy.variance.copy(), COUNT
    normalise.save(str(folder / VECNORMALIZE))
    return folder / POLICY_SB3, folder / VECNORMALIZE


class _Spaces(gymnasium.Env[Any, Any]):
    """Has the spaces that Stable-Baselines3 asks for, and is never stepped."""

    def __init__(self, observation_space: Space, action_space: Space) -> None:
        self.observation_space, self.action_space = observation_space, action_space


def _spaces(spec: EnvSpec) -> tuple[Space, Space]:
    """The Gymnasium environment's own where the batch's have their shape, so that `PPO.load` takes it as its `env`."""
    batch = make_env(spec, 1)
    observation: Space = batch.single_observation_space
    action: Space = batch.single_action_space
    batch.close()
    try:
        env = make_single(spec)
    except UserError:
        return observation, action  # a robot that only the batch knows
    env.close()
    flat = spaces.flatten_space(env.observation_space)
    if flat.shape == observation.shape:
        observation = flat
    if isinstance(env.action_space, spaces.Box) and env.action_space.shape == action.shape:
        action = env.action_space
    return observation, action


def _check(policy: Policy, spec: EnvSpec, observation_space: Space, action_space: Space) -> None:
    discrete = isinstance(action_space, spaces.Discrete)
    outputs = (
        int(action_space.n) if isinstance(action_space, spaces.Discrete) else int(np.prod(action_space.shape or ()))
    )
    wanted = ("discrete" if discrete else "continuous", *(observation_space.shape or ()), outputs)
    found = (policy.kind, *policy.mean.shape, len(policy.layers[-1].bias))
    if wanted != found:
        raise UserError(
            f"the policy is not one for {spec.id}: it is {found[0]}, {found[1]} observations -> {found[-1]} outputs, "
            f"where the environment is {wanted[0]}, {wanted[1]} -> {wanted[-1]}"
        )
    if not np.isfinite([*policy.low, *policy.high]).all():
        raise UserError(f"{spec.id} has actions without bounds, which Stable-Baselines3 does not take")


def _network(policy: Policy) -> dict[str, Any]:
    hidden = [len(layer.bias) for layer in policy.layers[:-1]]
    activation = torch.nn.Tanh if policy.activation == "tanh" else torch.nn.ReLU
    return {"net_arch": {"pi": hidden, "vf": hidden}, "activation_fn": activation, "squash_output": policy.squash}


def _copy(layer: Layer, module: torch.nn.Linear) -> None:
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(layer.weight))
        module.bias.copy_(torch.from_numpy(layer.bias))
