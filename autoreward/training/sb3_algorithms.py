"""Stable-Baselines3's algorithms by name, made from a training's settings.

Imported by the worker's trainer only (Stable-Baselines3 brings torch).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import stable_baselines3
import torch
from gymnasium.spaces import Box
from stable_baselines3 import TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecNormalize

from autoreward import plugins
from autoreward.errors import UnknownName, UserError
from autoreward.task import TrainerSettings
from autoreward.training.registry import ALGORITHMS, unknown_algorithm

NOISE = 0.1
"""Standard deviation of the exploration of TD3 and DDPG, actions scaled to [-1, 1] (Fujimoto et al. 2018)."""
BUFFER = 1_000_000
"""Transitions of a replay buffer, at most."""


def find_algorithm(name: str) -> type[BaseAlgorithm]:
    """The algorithm of that name: one of Stable-Baselines3, or `module:Class`, such as `sb3_contrib:TQC`.

    Raises:
        UnknownName: the name is neither.
        UserError: there is no such module or class, or it is no algorithm that collects rollouts.
    """
    if ":" not in name and name not in ALGORITHMS:
        raise unknown_algorithm(name)
    kind = plugins.find("algorithm", name) if ":" in name else getattr(stable_baselines3, name)
    if not (isinstance(kind, type) and issubclass(kind, OnPolicyAlgorithm | OffPolicyAlgorithm)):
        raise UserError(f"algorithm {name!r} is neither an OnPolicyAlgorithm nor an OffPolicyAlgorithm")
    return kind


def make_algorithm(env: VecNormalize, settings: TrainerSettings, steps: int, seed: int) -> BaseAlgorithm:
    """The algorithm of the settings on an environment.

    Settings that mean the same for it are handed on (see `_settings`); `algorithm_kwargs` comes last and wins.

    Raises:
        UserError: it does not fit the environment's actions, or does not know one of its arguments.
    """
    kind = find_algorithm(settings.algorithm)
    known = inspect.signature(kind).parameters
    arguments = {name: value for name, value in _settings(kind, env, settings, steps).items() if name in known}
    given = dict(settings.algorithm_kwargs)
    policy = _network(kind, env, settings) | _with_classes(given.pop("policy_kwargs", {}))
    if isinstance(given.get("action_noise"), int | float):
        given["action_noise"] = _noise(env, given["action_noise"])
    # Stable-Baselines3 itself says nothing and takes the CPU where a GPU is asked for and not found.
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise UserError("trainer.device is cuda, but torch finds no CUDA GPU; type --trainer.device cpu, or auto")
    device = "cuda" if settings.device == "cuda" else "cpu"
    arguments = {"seed": seed, "device": device, "policy_kwargs": policy} | arguments | given
    construct: Callable[..., BaseAlgorithm] = kind
    try:
        return construct("MlpPolicy", env, **arguments)
    except (AssertionError, TypeError, ValueError) as error:
        actions = f"actions {env.action_space}"
        reason = " ".join(str(error).split())
        raise UserError(f"{settings.algorithm} cannot be trained with {actions} and these settings: {reason}") from None


def _settings(kind: type[BaseAlgorithm], env: VecNormalize, settings: TrainerSettings, steps: int) -> dict[str, Any]:
    """Our settings under the algorithm's names, as far as they mean the same."""
    common: dict[str, Any] = {"learning_rate": settings.learning_rate, "gamma": settings.gamma}
    if issubclass(kind, OffPolicyAlgorithm):
        common["batch_size"] = settings.minibatch
        # A buffer of the default size is mostly empty in a short training; some steps come after the last.
        common["buffer_size"] = min(BUFFER, steps + 10_000)
        # As many updates a transition as with the single environment that the algorithm's defaults are meant for.
        common["gradient_steps"] = settings.num_envs * inspect.signature(kind).parameters["gradient_steps"].default
        if issubclass(kind, TD3):
            common["action_noise"] = _noise(env, NOISE)
        return common
    return common | {
        "n_steps": settings.rollout,
        "batch_size": min(settings.minibatch, settings.num_envs * settings.rollout),
        "n_epochs": settings.epochs,
        "gae_lambda": settings.gae_lambda,
        "clip_range": settings.clip,
        "ent_coef": settings.entropy,
        "vf_coef": settings.value,
        "max_grad_norm": settings.max_grad_norm,
        "use_sde": settings.use_sde and isinstance(env.action_space, Box),
    }


def _network(kind: type[BaseAlgorithm], env: VecNormalize, settings: TrainerSettings) -> dict[str, Any]:
    hidden = list(settings.hidden)
    if issubclass(kind, OffPolicyAlgorithm):
        return {"net_arch": hidden}
    network: dict[str, Any] = {"net_arch": {"pi": hidden, "vf": hidden}}
    if isinstance(env.action_space, Box):
        network["log_std_init"] = settings.log_std
    return network


def _with_classes(given: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever the user's YAML says
    """`policy_kwargs` as given, its `activation_fn` by the name of a torch module, such as `ReLU`."""
    if not isinstance(given, dict):
        raise UserError(f"algorithm_kwargs: policy_kwargs must be a mapping, not {given!r}")
    if isinstance(name := given.get("activation_fn"), str):
        if not hasattr(torch.nn, name):
            raise UnknownName("activation_fn", name, ("Tanh", "ReLU"))
        return given | {"activation_fn": getattr(torch.nn, name)}
    return given


def _noise(env: VecNormalize, deviation: float) -> NormalActionNoise | None:
    """Normal noise for every dimension of a continuous action; None for discrete ones, which the algorithm refuses."""
    if not isinstance(env.action_space, Box):
        return None
    zero = np.zeros(env.action_space.shape)
    return NormalActionNoise(zero, zero + deviation)
