"""K actors and critics of one shape, each layer of them a batch of matrix products.

`ActorCritic` with one more dimension: a product of K small matrices costs a GPU about what one costs, since what counts
there is the number of products. Tests hold the gradient equal to that of each alone.

Imported by workers only (torch).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from autoreward.training.network import ActorCritic, Forward, heads, middle, tanh_

ALIGNED = 16
"""Parameters of one policy begin at a multiple of so many numbers: 64 bytes, as a policy's alone do."""


class StackedActorCritic:
    """The networks of K policies. Their parameters move here, and each `ActorCritic` goes on as a row of these.

    Args:
        nets: K networks of one shape, on one device.
    """

    def __init__(self, nets: Sequence[ActorCritic]) -> None:
        self.continuous = nets[0].continuous
        self._shapes = nets[0].shapes
        self.size = len(nets[0].flat)
        """P, parameters of one policy."""
        self.flat = torch.zeros(len(nets), -(-self.size // ALIGNED) * ALIGNED, device=nets[0].flat.device)
        """[K, P and some zeros]."""
        self.gradient = torch.zeros_like(self.flat)
        """Of each policy's loss by its row of `flat`, written by `backward`."""
        for row, net in zip(self.flat, nets, strict=True):
            net.move(row[: self.size])
        self._weights, self._gradients = self._views(self.flat), self._views(self.gradient)

    @property
    def log_std(self) -> Tensor:
        """[K, A], of continuous actions."""
        return self._weights[-1]

    @property
    def log_std_gradient(self) -> Tensor:
        """[K, A], the part of `gradient` that belongs to it."""
        return self._gradients[-1]

    def forward(self, obs: Tensor) -> Forward:
        """Both networks of each policy on its observations [K, B, D]."""
        hidden = [self._first_layer(obs)]
        for weight, bias in middle(self._weights, self.continuous):
            shape = (2, *obs.shape[:2], bias.shape[2])
            fresh = torch.empty(shape, device=obs.device)
            for which in range(2):
                _layer(hidden[-1][which], weight[:, which], bias[:, which], fresh[which])
            hidden.append(tanh_(fresh))
        actor, actor_bias, critic, critic_bias = heads(self._weights, self.continuous)
        value = _layer(hidden[-1][1], critic, critic_bias).squeeze(2)
        return Forward(obs, hidden, _layer(hidden[-1][0], actor, actor_bias), value)

    def backward(self, forward: Forward, d_output: Tensor, d_value: Tensor) -> None:
        """Write the gradient of everything but `log_std`.

        Args:
            forward: the pass that it belongs to.
            d_output: [K, B, A], gradient of the loss by `forward.output`.
            d_value: [K, B], by `forward.value`.
        """
        hidden = forward.hidden
        actor, _, critic, _ = heads(self._weights, self.continuous)
        d_actor, d_actor_bias, d_critic, d_critic_bias = heads(self._gradients, self.continuous)
        torch.bmm(d_output.transpose(1, 2), hidden[-1][0], out=d_actor)
        torch.sum(d_output, 1, out=d_actor_bias)
        torch.bmm(d_value.unsqueeze(1), hidden[-1][1], out=d_critic)
        torch.sum(d_value, 1, keepdim=True, out=d_critic_bias)
        delta = torch.empty_like(hidden[-1], memory_format=torch.contiguous_format)
        torch.bmm(d_output, actor, out=delta[0])
        torch.mul(d_value.unsqueeze(2), critic, out=delta[1])
        between = list(
            zip(middle(self._weights, self.continuous), middle(self._gradients, self.continuous), strict=True)
        )
        for layer in range(len(between) - 1, -1, -1):
            (weight, _), (d_weight, d_bias) = between[layer]
            delta.mul_(1.0 - hidden[layer + 1].square())
            torch.sum(delta, 2, out=d_bias.transpose(0, 1))
            before = torch.empty_like(hidden[layer], memory_format=torch.contiguous_format)
            for which in range(2):
                torch.bmm(delta[which].transpose(1, 2), hidden[layer][which], out=d_weight[:, which])
                torch.bmm(delta[which], weight[:, which], out=before[which])
            delta = before
        delta.mul_(1.0 - hidden[0].square())
        both = delta.permute(1, 2, 0, 3).flatten(2)
        torch.bmm(both.transpose(1, 2), forward.obs, out=self._gradients[0])
        torch.sum(both, 1, out=self._gradients[1])

    def actor(self, obs: Tensor) -> Tensor:
        """[K, B, A], the actors alone."""
        actor, bias, _, _ = heads(self._weights, self.continuous)
        return _layer(self._one(obs, 0), actor, bias)

    def critic(self, obs: Tensor) -> Tensor:
        """[K, B], the critics alone."""
        _, _, critic, bias = heads(self._weights, self.continuous)
        return _layer(self._one(obs, 1), critic, bias).squeeze(2)

    def _first_layer(self, obs: Tensor) -> Tensor:
        """[2, K, B, H], of both networks in one product."""
        both = tanh_(_layer(obs, self._weights[0], self._weights[1]))
        return both.view(*obs.shape[:2], 2, -1).permute(2, 0, 1, 3)

    def _one(self, obs: Tensor, which: int) -> Tensor:
        width = self._weights[1].shape[1] // 2
        part = slice(which * width, (which + 1) * width)
        hidden = tanh_(_layer(obs, self._weights[0][:, part], self._weights[1][:, part]))
        for weight, bias in middle(self._weights, self.continuous):
            hidden = tanh_(_layer(hidden, weight[:, which], bias[:, which]))
        return hidden

    def _views(self, flat: Tensor) -> list[Tensor]:
        sizes = [math.prod(shape) for shape in self._shapes]
        parts = torch.split(flat[:, : self.size], sizes, 1)
        return [part.view(len(flat), *shape) for part, shape in zip(parts, self._shapes, strict=True)]


def _layer(rows: Tensor, weight: Tensor, bias: Tensor, out: Tensor | None = None) -> Tensor:
    """[K, B, O] of rows [K, B, I], weights [K, O, I] and biases [K, O]."""
    return torch.baddbmm(bias.unsqueeze(1), rows, weight.transpose(1, 2), out=out)
