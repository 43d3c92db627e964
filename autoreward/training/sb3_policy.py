"""Takes the actor out of a Stable-Baselines3 model, as a `Policy`.

Imported by the worker's trainer only (Stable-Baselines3 brings torch).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecNormalize

from autoreward.errors import TrainingFailed, UserError
from autoreward.training.policy import Activation, Layer, Policy, action_bounds

ACTIVATIONS: dict[type[torch.nn.Module], Activation] = {torch.nn.Tanh: "tanh", torch.nn.ReLU: "relu"}


def snapshot(model: BaseAlgorithm, env: VecNormalize) -> Policy:
    """The policy as it is now, with copies of the weights and of the observations' running statistics.

    The actor of PPO, A2C, SAC, TD3, DDPG and their like, or the Q network of DQN, whose largest value is the choice.

    Raises:
        UserError: it is no chain of linear layers with one of `ACTIVATIONS` between them.
    """
    policy: Any = model.policy
    statistics = env.obs_rms
    assert isinstance(statistics, RunningMeanStd)
    kind, low, high = action_bounds(model.action_space)
    layers, activation = _layers(model, bool(policy.squash_output))
    return Policy(
        layers=layers,
        mean=np.array(statistics.mean),
        variance=np.array(statistics.var),
        clip=float(env.clip_obs),
        kind=kind,
        low=low,
        high=high,
        activation=activation,
        squash=bool(policy.squash_output),
    )


def check_kept(model: BaseAlgorithm, env: VecNormalize) -> None:
    """Refuse, before any training, a model whose policy is more than its snapshot: a recurrent one, for instance.

    Raises:
        UserError: it does not act as its snapshot does.
    """
    assert isinstance(env.observation_space, Box)
    obs = np.random.default_rng(0).normal(size=(64, *env.observation_space.shape)).astype(np.float32)
    try:
        found = snapshot(model, env).act(obs)
    except ValueError:  # shapes that do not fit together
        raise _not_kept(model, "does not act on the observation alone") from None
    normalised = env.normalize_obs(obs)
    assert isinstance(normalised, np.ndarray)
    expected, _ = model.predict(normalised, deterministic=True)
    scale = max(1.0, float(np.abs(expected).max()))
    if np.isclose(found, expected, rtol=0.0, atol=1e-5 * scale).mean() < 0.9:
        raise _not_kept(model, "acts otherwise than its layers say")


def check_finite(model: BaseAlgorithm) -> None:
    """Raise `TrainingFailed` where an update has made a weight infinite or not a number."""
    if not all(bool(torch.isfinite(parameter).all()) for parameter in model.policy.parameters()):
        raise TrainingFailed(f"the policy diverged: weights are not finite after step {model.num_timesteps}")


def _layers(model: BaseAlgorithm, squash: bool) -> tuple[tuple[Layer, ...], Activation]:
    chain = [module for part in _actor(model) for module in _flat(part)]
    if squash and isinstance(chain[-1], torch.nn.Tanh):
        chain = chain[:-1]  # the squashing itself
    linear, between = chain[::2], chain[1::2]
    kinds = {type(module) for module in between}
    for module in chain:
        if type(module) not in (torch.nn.Linear, *ACTIVATIONS):
            raise _not_kept(model, f"has a layer {type(module).__name__}")
    if len(kinds) > 1 or len(chain) % 2 == 0 or not all(isinstance(module, torch.nn.Linear) for module in linear):
        raise _not_kept(model, "is no chain of linear layers with one activation between them")
    return tuple(_layer(module) for module in linear), ACTIVATIONS[kinds.pop()] if kinds else "tanh"


def _actor(model: BaseAlgorithm) -> list[torch.nn.Module]:
    """The modules from the observation to the action, in order."""
    policy: Any = model.policy
    if hasattr(policy, "actor"):
        return [*([policy.actor.latent_pi] if hasattr(policy.actor, "latent_pi") else []), policy.actor.mu]
    if hasattr(policy, "q_net"):
        return [policy.q_net.q_net]
    if hasattr(policy, "mlp_extractor"):
        return [policy.mlp_extractor.policy_net, policy.action_net]
    raise _not_kept(model, "has neither an actor nor Q values")


def _flat(module: torch.nn.Module) -> list[torch.nn.Module]:
    if isinstance(module, torch.nn.Sequential):
        return [inner for part in module for inner in _flat(part)]
    return [module]


def _layer(module: Any) -> Layer:  # noqa: ANN401 - a linear module, whose weights are typed as any parameter
    bias = torch.zeros(module.out_features) if module.bias is None else module.bias
    return Layer(_copied(module.weight), _copied(bias))


def _copied(tensor: torch.Tensor) -> Any:  # noqa: ANN401 - a float32 array
    return tensor.detach().cpu().numpy().copy()


def _not_kept(model: BaseAlgorithm, reason: str) -> UserError:
    return UserError(
        f"the policy of {type(model).__name__} {reason}, so it cannot be kept as safetensors and evaluated; "
        "autoreward keeps networks of linear layers with Tanh or ReLU between them"
    )
