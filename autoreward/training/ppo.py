"""PPO (Schulman et al. 2017) with the clipped objective, as Stable-Baselines3 has it, on one flat vector of parameters.

Imported by workers only (torch).
"""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autoreward.errors import TrainingFailed
from autoreward.task import TrainerSettings
from autoreward.training.loss import Loss, draw_continuous, draw_discrete
from autoreward.training.network import ActorCritic
from autoreward.training.policy import Layer
from autoreward.training.rollout import Rollout

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]

BETAS = (0.9, 0.999)
ADAM_EPSILON = 1e-5
LARGE = 1024
"""Environments from which on `device: auto` takes a GPU: below, transfers and launches cost more than they save."""


class PPO:
    """The learner: acts, values, and updates its parameters from rollouts.

    Args:
        inputs: D, length of an observation.
        space: of the actions, flat.
        settings: PPO's settings.
        seed: of the initial weights, the noise of the actions and the order of the minibatches.
    """

    def __init__(self, inputs: int, space: gymnasium.Space[Any], settings: TrainerSettings, seed: int) -> None:
        self.settings, self._seed, self._loss = settings, seed, Loss(settings)
        self.device = choose_device(settings)
        self.continuous = isinstance(space, gymnasium.spaces.Box)
        outputs = int(space.shape[0]) if isinstance(space, gymnasium.spaces.Box) else int(space.n)  # type: ignore[attr-defined]
        self.generator = torch.Generator(self.device).manual_seed(seed)
        self.net = ActorCritic(
            inputs,
            settings.hidden,
            outputs,
            settings.log_std if self.continuous else None,
            torch.Generator().manual_seed(seed),
            self.device,
        )
        self.first_moment = torch.zeros_like(self.net.flat)
        self.second_moment = torch.zeros_like(self.net.flat)
        self.updates = 0

    @torch.inference_mode()
    def act(self, obs: Floats, mask: Bools | None = None) -> tuple[Array, Floats]:
        """Draw actions.

        Args:
            obs: [N, D], normalised.
            mask: [N, choices], the allowed choices.

        Returns:
            Actions, [N, A] float32 (not clipped to their bounds) or [N] int64; and their log-probabilities [N].
        """
        output = self.net.actor(self._tensor(obs))
        if self.continuous:
            noise = torch.empty_like(output).normal_(generator=self.generator)
            action, log_prob = draw_continuous(output, self.net.log_std.unsqueeze(0), noise)
        else:
            noise = torch.empty_like(output).exponential_(generator=self.generator)
            action, log_prob = draw_discrete(output, self._optional(mask), noise)
        return action.cpu().numpy(), log_prob.cpu().numpy()

    @torch.inference_mode()
    def values(self, obs: Floats) -> Floats:
        """Expected returns [...] of normalised observations [..., D]."""
        flat = self.net.critic(self._tensor(obs).view(-1, obs.shape[-1]))
        return flat.cpu().numpy().reshape(obs.shape[:-1])

    @torch.inference_mode()
    def update(self, rollout: Rollout, advantage: Floats, returns: Floats) -> bool:
        """Go over a rollout `epochs` times in minibatches.

        Args:
            rollout: what was collected.
            advantage: [T, N].
            returns: [T, N], what the critic should say.

        Returns:
            Whether every parameter is finite afterwards.
        """
        columns = [rollout.obs, rollout.action, rollout.log_prob, advantage, returns]
        if rollout.mask is not None:
            columns.append(rollout.mask)
        tensors = [self._tensor(column).flatten(0, 1) for column in columns]
        rows, size = len(tensors[0]), self.settings.minibatch
        for _ in range(self.settings.epochs):
            order = torch.randperm(rows, generator=self.generator, device=self.device)
            shuffled = [tensor[order] for tensor in tensors]
            for start in range(0, rows, size):
                self._step([tensor[start : start + size] for tensor in shuffled])
        return bool(torch.isfinite(self.net.flat).all())

    def layers(self) -> tuple[Layer, ...]:
        """Copies of the actor's layers."""
        return self.net.actor_layers()

    def arrays(self) -> dict[str, Array]:
        """For a checkpoint."""
        return {
            "flat": self.net.flat.cpu().numpy().copy(),
            "first_moment": self.first_moment.cpu().numpy().copy(),
            "second_moment": self.second_moment.cpu().numpy().copy(),
            "updates": np.array(self.updates),
            "generator": self.generator.get_state().numpy().copy(),
        }

    def restore(self, arrays: dict[str, Array]) -> None:
        """Go back to what `arrays` gave."""
        self.net.flat.copy_(torch.from_numpy(arrays["flat"]))
        self.first_moment.copy_(torch.from_numpy(arrays["first_moment"]))
        self.second_moment.copy_(torch.from_numpy(arrays["second_moment"]))
        self.updates = int(arrays["updates"])
        state = torch.from_numpy(arrays["generator"])
        if len(state) == len(self.generator.get_state()):
            self.generator.set_state(state)
        else:  # of another kind of device, so no draw can be repeated
            self.generator.manual_seed(self._seed + self.updates)

    def move(self, flat: Tensor, first_moment: Tensor, second_moment: Tensor) -> None:
        """Keep the parameters and Adam's two moments in these vectors [P] from now on, with the values they have."""
        self.net.move(flat)
        self.first_moment = first_moment.copy_(self.first_moment)
        self.second_moment = second_moment.copy_(self.second_moment)

    def _step(self, batch: list[Tensor]) -> None:
        """One step of Adam (Kingma and Ba 2015) on a minibatch, its gradient clipped by its norm."""
        self.gradient(*batch)
        gradient = self.net.gradient
        norm = torch.linalg.vector_norm(gradient)
        gradient.mul_((self.settings.max_grad_norm / (norm + 1e-6)).clamp_(max=1.0))
        self.updates += 1
        self.first_moment.lerp_(gradient, 1.0 - BETAS[0])
        self.second_moment.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1.0 - BETAS[1])
        first, second = (1.0 - beta**self.updates for beta in BETAS)
        deviation = self.second_moment.sqrt().mul_(1.0 / math.sqrt(second)).add_(ADAM_EPSILON)
        self.net.flat.addcdiv_(self.first_moment, deviation, value=-self.settings.learning_rate / first)

    def gradient(self, *batch: Tensor) -> Tensor:
        """Write and give the gradient [P] of a minibatch; see `Loss.gradient`."""
        return self._loss.gradient(self.net, *batch)

    def _tensor(self, array: Array) -> Tensor:
        return torch.from_numpy(array).to(self.device)

    def _optional(self, mask: Bools | None) -> Tensor | None:
        return None if mask is None else self._tensor(mask)


def choose_device(settings: TrainerSettings) -> torch.device:
    """The device of the settings.

    Raises:
        TrainingFailed: a GPU is asked for, and there is none.
    """
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise TrainingFailed("trainer.device is cuda, but torch finds no CUDA GPU; type --trainer.device cpu, or auto")
    if settings.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() and settings.num_envs >= LARGE else "cpu")
    return torch.device(settings.device)
