"""K learners whose acting, values and updates are batches of matrix products.

Each stays a `PPO` of its own: its random generators, its number of updates, its row of the parameters and of Adam's
moments. What one does is what it would do alone, but for the last digits: sums are added up in another order.

Imported by workers only (torch).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autoreward.training.loss import Loss, draw_continuous, draw_discrete
from autoreward.training.ppo import ADAM_EPSILON, BETAS, PPO
from autoreward.training.rollout import Rollout
from autoreward.training.stacked_network import StackedActorCritic

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Lesson = tuple[Rollout, Floats, Floats]
"""A rollout, its advantages [T, N], and its returns [T, N]."""


class StackedPPO:
    """The learner of K policies.

    Args:
        members: K learners with the same settings, inputs and space. Their parameters move here, and they can be used
            alone all the same, between two calls.
    """

    def __init__(self, members: Sequence[PPO]) -> None:
        self.members = tuple(members)
        first = self.members[0]
        self._settings, self._continuous, self._device = first.settings, first.continuous, first.device
        self._loss = Loss(self._settings)
        self._net = StackedActorCritic([member.net for member in self.members])
        self._first_moment = torch.zeros_like(self._net.flat)
        self._second_moment = torch.zeros_like(self._net.flat)
        for index, member in enumerate(self.members):
            parts = (self._net.flat, self._first_moment, self._second_moment)
            member.move(*(part[index, : self._net.size] for part in parts))

    @torch.inference_mode()
    def act(self, obs: Sequence[Floats], masks: Sequence[Bools | None]) -> list[tuple[Array, Floats]]:
        """Draw every member's actions for its observations [N, D]; see `PPO.act`."""
        output = self._net.actor(self._together(obs))
        noise = torch.empty_like(output)
        if self._continuous:
            for row, member in zip(noise, self.members, strict=True):
                row.normal_(generator=member.generator)
            action, log_prob = draw_continuous(output, self._net.log_std.unsqueeze(1), noise)
        else:
            for row, member in zip(noise, self.members, strict=True):
                row.exponential_(generator=member.generator)
            allowed = [mask for mask in masks if mask is not None]
            action, log_prob = draw_discrete(output, self._together(allowed) if allowed else None, noise)
        return list(zip(action.cpu().numpy(), log_prob.cpu().numpy(), strict=True))

    @torch.inference_mode()
    def values(self, obs: Sequence[Floats]) -> list[Floats]:
        """Every member's expected returns [...] of its observations [..., D]; see `PPO.values`."""
        together = self._together(obs)
        found = self._net.critic(together.flatten(1, -2)).cpu().numpy()
        return list(found.reshape(together.shape[:-1]))

    @torch.inference_mode()
    def update(self, lessons: Sequence[Lesson]) -> list[bool]:
        """Go over every member's rollout, all of one size, as `PPO.update` does.

        Returns:
            For each member, whether its parameters are finite.
        """
        tensors = self._columns(lessons)
        count, rows = tensors[0].shape[:2]
        size, epochs = self._settings.minibatch, self._settings.epochs
        which = torch.arange(count, device=self._device).unsqueeze(1)
        steps = epochs * -(-rows // size)
        scales = iter(self._scales(steps))
        for _ in range(epochs):
            order = torch.stack(
                [torch.randperm(rows, generator=member.generator, device=self._device) for member in self.members]
            )
            shuffled = [tensor[which, order] for tensor in tensors]
            for start in range(0, rows, size):
                self._step([tensor[:, start : start + size] for tensor in shuffled], next(scales))
        for member in self.members:
            member.updates += steps
        return [bool(finite) for finite in torch.isfinite(self._net.flat).all(1).cpu()]

    def gradient(self, *batch: Tensor) -> Tensor:
        """Write and give the gradients [K, P and some zeros] of a minibatch; see `Loss.gradient`."""
        return self._loss.gradient(self._net, *batch)

    def _step(self, batch: list[Tensor], scales: Tensor) -> None:
        """One step of Adam of every member, its own gradient clipped by its own norm; see `PPO._step`."""
        gradient = self.gradient(*batch)
        norm = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
        gradient.mul_((self._settings.max_grad_norm / (norm + 1e-6)).clamp_(max=1.0))
        self._first_moment.lerp_(gradient, 1.0 - BETAS[0])
        self._second_moment.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1.0 - BETAS[1])
        deviation = self._second_moment.sqrt().mul_(scales[0]).add_(ADAM_EPSILON)
        self._net.flat.addcdiv_(self._first_moment * scales[1], deviation)

    def _scales(self, steps: int) -> Tensor:
        """[steps, 2, K, 1]: by what the next steps scale each member's deviation, and its first moment.

        Members that have resumed elsewhere are at updates of their own.
        """
        rate = self._settings.learning_rate
        found = np.empty((steps, 2, len(self.members), 1))
        for column, member in enumerate(self.members):
            for step in range(steps):
                first, second = (1.0 - beta ** (member.updates + step + 1) for beta in BETAS)
                found[step, :, column, 0] = 1.0 / math.sqrt(second), -rate / first
        return torch.from_numpy(found.astype(np.float32)).to(self._device)

    def _columns(self, lessons: Sequence[Lesson]) -> list[Tensor]:
        """Each [K, T * N, ...]."""
        rows: list[list[Array]] = []
        for rollout, advantage, returns in lessons:
            rows.append([rollout.obs, rollout.action, rollout.log_prob, advantage, returns])
            if rollout.mask is not None:
                rows[-1].append(rollout.mask)
        return [self._together(column).flatten(1, 2) for column in zip(*rows, strict=True)]

    def _together(self, arrays: Sequence[Array]) -> Tensor:
        return torch.from_numpy(np.stack(arrays)).to(self._device)
