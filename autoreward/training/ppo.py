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
from autoreward.training.network import ActorCritic
from autoreward.training.policy import Layer
from autoreward.training.rollout import Rollout

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]

BETAS = (0.9, 0.999)
ADAM_EPSILON = 1e-5
FORBIDDEN = -1e9
"""Logit of a choice that is not allowed."""
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
        self._settings, self._seed = settings, seed
        self.device = choose_device(settings)
        self._continuous = isinstance(space, gymnasium.spaces.Box)
        outputs = int(space.shape[0]) if isinstance(space, gymnasium.spaces.Box) else int(space.n)  # type: ignore[attr-defined]
        self._generator = torch.Generator(self.device).manual_seed(seed)
        self._net = ActorCritic(
            inputs,
            settings.hidden,
            outputs,
            settings.log_std if self._continuous else None,
            torch.Generator().manual_seed(seed),
            self.device,
        )
        self._first_moment = torch.zeros_like(self._net.flat)
        self._second_moment = torch.zeros_like(self._net.flat)
        self._updates = 0

    @torch.inference_mode()
    def act(self, obs: Floats, mask: Bools | None = None) -> tuple[Array, Floats]:
        """Draw actions.

        Args:
            obs: [N, D], normalised.
            mask: [N, choices], the allowed choices.

        Returns:
            Actions, [N, A] float32 (not clipped to their bounds) or [N] int64; and their log-probabilities [N].
        """
        output = self._net.actor(self._tensor(obs))
        if self._continuous:
            noise = torch.empty_like(output).normal_(generator=self._generator)
            action = output + noise * self._net.log_std.exp()
            log_prob = _gaussian(noise.square().sum(1), self._net.log_std)
        else:
            logits = torch.log_softmax(_masked(output, self._optional(mask)), 1)
            # The largest of logits plus Gumbel noise is a draw from their distribution.
            # (Zeros are not unheard of; the noise would be infinite, and draw even what is forbidden.)
            noise = torch.empty_like(logits).exponential_(generator=self._generator).clamp_(min=1e-30).log_().neg_()
            action = (logits + noise).argmax(1)
            log_prob = logits.gather(1, action.unsqueeze(1)).squeeze(1)
        return action.cpu().numpy(), log_prob.cpu().numpy()

    @torch.inference_mode()
    def values(self, obs: Floats) -> Floats:
        """Expected returns [...] of normalised observations [..., D]."""
        flat = self._net.critic(self._tensor(obs).view(-1, obs.shape[-1]))
        return flat.cpu().numpy().reshape(obs.shape[:-1])

    @torch.inference_mode()
    def update(self, rollout: Rollout, advantage: Floats, returns: Floats) -> None:
        """Go over a rollout `epochs` times in minibatches.

        Args:
            rollout: what was collected.
            advantage: [T, N].
            returns: [T, N], what the critic should say.

        Raises:
            TrainingFailed: a parameter is not finite afterwards.
        """
        columns = [rollout.obs, rollout.action, rollout.log_prob, advantage, returns]
        if rollout.mask is not None:
            columns.append(rollout.mask)
        tensors = [self._tensor(column).flatten(0, 1) for column in columns]
        rows, size = len(tensors[0]), self._settings.minibatch
        for _ in range(self._settings.epochs):
            order = torch.randperm(rows, generator=self._generator, device=self.device)
            shuffled = [tensor[order] for tensor in tensors]
            for start in range(0, rows, size):
                self._step([tensor[start : start + size] for tensor in shuffled])
        if not bool(torch.isfinite(self._net.flat).all()):
            raise TrainingFailed("the policy diverged: weights are not finite")

    def layers(self) -> tuple[Layer, ...]:
        """Copies of the actor's layers."""
        return self._net.actor_layers()

    def arrays(self) -> dict[str, Array]:
        """For a checkpoint."""
        return {
            "flat": self._net.flat.cpu().numpy().copy(),
            "first_moment": self._first_moment.cpu().numpy().copy(),
            "second_moment": self._second_moment.cpu().numpy().copy(),
            "updates": np.array(self._updates),
            "generator": self._generator.get_state().numpy().copy(),
        }

    def restore(self, arrays: dict[str, Array]) -> None:
        """Go back to what `arrays` gave."""
        self._net.flat.copy_(torch.from_numpy(arrays["flat"]))
        self._first_moment.copy_(torch.from_numpy(arrays["first_moment"]))
        self._second_moment.copy_(torch.from_numpy(arrays["second_moment"]))
        self._updates = int(arrays["updates"])
        state = torch.from_numpy(arrays["generator"])
        if len(state) == len(self._generator.get_state()):
            self._generator.set_state(state)
        else:  # of another kind of device, so no draw can be repeated
            self._generator.manual_seed(self._seed + self._updates)

    def _step(self, batch: list[Tensor]) -> None:
        """One step of Adam (Kingma and Ba 2015) on a minibatch, its gradient clipped by its norm."""
        self.gradient(*batch)
        gradient = self._net.gradient
        norm = torch.linalg.vector_norm(gradient)
        gradient.mul_((self._settings.max_grad_norm / (norm + 1e-6)).clamp_(max=1.0))
        self._updates += 1
        self._first_moment.lerp_(gradient, 1.0 - BETAS[0])
        self._second_moment.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1.0 - BETAS[1])
        first, second = (1.0 - beta**self._updates for beta in BETAS)
        deviation = self._second_moment.sqrt().mul_(1.0 / math.sqrt(second)).add_(ADAM_EPSILON)
        self._net.flat.addcdiv_(self._first_moment, deviation, value=-self._settings.learning_rate / first)

    def gradient(
        self, obs: Tensor, action: Tensor, old: Tensor, advantage: Tensor, returns: Tensor, mask: Tensor | None = None
    ) -> Tensor:
        """Write and give the gradient [P] of PPO's loss on B rows.

        The loss is `-mean(min(r A, clip(r) A)) + value * mean((V - R)^2) - entropy * mean(H)`, with advantages A
        normalised over the rows.
        """
        settings, rows = self._settings, len(obs)
        forward = self._net.forward(obs)
        if rows > 1:
            advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        d_value = (forward.value - returns).mul_(2.0 * settings.value / rows)
        if self._continuous:
            deviation = self._net.log_std.exp()
            scaled = (action - forward.output) / deviation
            squares = scaled.square()
            weight = self._weight(_gaussian(squares.sum(1), self._net.log_std), old, advantage).unsqueeze(1)
            torch.sum((squares - 1.0) * weight, 0, out=self._net.log_std_gradient)
            self._net.log_std_gradient.sub_(settings.entropy)
            d_output = scaled / deviation * weight
        else:
            log_probs = torch.log_softmax(_masked(forward.output, mask), 1)
            probs, chosen = log_probs.exp(), action.unsqueeze(1)
            weight = self._weight(log_probs.gather(1, chosen).squeeze(1), old, advantage).unsqueeze(1)
            d_output = probs * -weight
            d_output.scatter_add_(1, chosen, weight)
            if settings.entropy:
                entropy = -(probs * log_probs).sum(1, keepdim=True)
                d_output += probs * (log_probs + entropy) * (settings.entropy / rows)
        self._net.backward(forward, d_output, d_value)
        return self._net.gradient

    def _weight(self, log_prob: Tensor, old: Tensor, advantage: Tensor) -> Tensor:
        """[B], gradient of the policy's loss by the log-probability: zero where the clip is what counts."""
        ratio = (log_prob - old).exp_()
        gain = ratio * advantage
        clipped = ratio.clamp(1.0 - self._settings.clip, 1.0 + self._settings.clip) * advantage
        return torch.where(gain <= clipped, gain, 0.0).mul_(-1.0 / len(gain))

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


def _gaussian(squares: Tensor, log_std: Tensor) -> Tensor:
    """[B], log-density of draws whose scaled squares sum to `squares` [B]."""
    return squares * -0.5 - (log_std.sum() + 0.5 * math.log(2.0 * math.pi) * len(log_std))


def _masked(logits: Tensor, mask: Tensor | None) -> Tensor:
    return logits if mask is None else torch.where(mask, logits, FORBIDDEN)
