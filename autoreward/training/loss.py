"""PPO's arithmetic on what the networks gave: draws, log-probabilities, and the gradient of the loss.

One policy has rows [B]; K policies of one shape have [K, B], and then every sum and mean here is one policy's own.

Imported by workers only (torch).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from autoreward.task import TrainerSettings

if TYPE_CHECKING:
    from autoreward.training.network import ActorCritic
    from autoreward.training.stacked_network import StackedActorCritic

FORBIDDEN = -1e9
"""Logit of a choice that is not allowed."""


def draw_continuous(output: Tensor, log_std: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Actions and their log-probabilities.

    Args:
        output: means [..., B, A].
        log_std: [..., 1, A].
        noise: standard normal [..., B, A].

    Returns:
        [..., B, A] and [..., B].
    """
    return output + noise * log_std.exp(), _gaussian(noise.square().sum(-1), log_std)


def draw_discrete(output: Tensor, mask: Tensor | None, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Choices and their log-probabilities.

    Args:
        output: logits [..., B, choices].
        mask: of the same shape, the allowed choices.
        noise: exponential, of the same shape; it is used up.

    Returns:
        [..., B], both.
    """
    logits = torch.log_softmax(_masked(output, mask), -1)
    # The largest of logits plus Gumbel noise is a draw from their distribution.
    # (Zeros are not unheard of; the noise would be infinite, and draw even what is forbidden.)
    action = (logits + noise.clamp_(min=1e-30).log_().neg_()).argmax(-1)
    return action, logits.gather(-1, action.unsqueeze(-1)).squeeze(-1)


class Loss:
    """`-mean(min(r A, clip(r) A)) + value * mean((V - R)^2) - entropy * mean(H)`, A normalised over the rows."""

    def __init__(self, settings: TrainerSettings) -> None:
        self._settings = settings

    def gradient(
        self,
        net: ActorCritic | StackedActorCritic,
        obs: Tensor,
        action: Tensor,
        old: Tensor,
        advantage: Tensor,
        returns: Tensor,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Write and give a network's gradient on B rows: [P], or of K policies [K, P and some zeros]."""
        forward = net.forward(obs)
        if net.continuous:
            log_std = net.log_std.unsqueeze(-2)
            d_output = self.by_mean(forward.output, log_std, action, old, advantage, net.log_std_gradient)
        else:
            d_output = self.by_logits(forward.output, mask, action, old, advantage)
        net.backward(forward, d_output, self.by_value(forward.value, returns))
        return net.gradient

    def by_value(self, value: Tensor, returns: Tensor) -> Tensor:
        """[..., B], its gradient by the critic's values [..., B]."""
        return (value - returns).mul_(2.0 * self._settings.value / value.shape[-1])

    def by_mean(
        self, output: Tensor, log_std: Tensor, action: Tensor, old: Tensor, advantage: Tensor, d_log_std: Tensor
    ) -> Tensor:
        """[..., B, A], its gradient by the means of continuous actions.

        Args:
            output: the means.
            log_std: [..., 1, A].
            action: as drawn, [..., B, A].
            old: log-probabilities under the policy that drew them, [..., B].
            advantage: [..., B].
            d_log_std: [..., A], where the gradient by `log_std` is written.
        """
        deviation = log_std.exp()
        scaled = (action - output) / deviation
        squares = scaled.square()
        weight = self._weight(_gaussian(squares.sum(-1), log_std), old, advantage).unsqueeze(-1)
        torch.sum((squares - 1.0) * weight, -2, out=d_log_std)
        d_log_std.sub_(self._settings.entropy)
        return scaled / deviation * weight

    def by_logits(self, output: Tensor, mask: Tensor | None, action: Tensor, old: Tensor, advantage: Tensor) -> Tensor:
        """[..., B, choices], its gradient by the logits; arguments as in `by_mean`."""
        log_probs = torch.log_softmax(_masked(output, mask), -1)
        probs, chosen = log_probs.exp(), action.unsqueeze(-1)
        weight = self._weight(log_probs.gather(-1, chosen).squeeze(-1), old, advantage).unsqueeze(-1)
        d_output = probs * -weight
        d_output.scatter_add_(-1, chosen, weight)
        if self._settings.entropy:
            entropy = -(probs * log_probs).sum(-1, keepdim=True)
            d_output += probs * (log_probs + entropy) * (self._settings.entropy / output.shape[-2])
        return d_output

    def _weight(self, log_prob: Tensor, old: Tensor, advantage: Tensor) -> Tensor:
        """[..., B], gradient by the log-probability: zero where the clip is what counts."""
        rows = advantage.shape[-1]
        if rows > 1:
            centred = advantage - advantage.mean(-1, keepdim=True)
            advantage = centred / (advantage.std(-1, keepdim=True) + 1e-8)
        ratio = (log_prob - old).exp_()
        gain = ratio * advantage
        clipped = ratio.clamp(1.0 - self._settings.clip, 1.0 + self._settings.clip) * advantage
        return torch.where(gain <= clipped, gain, 0.0).mul_(-1.0 / rows)


def _gaussian(squares: Tensor, log_std: Tensor) -> Tensor:
    """[..., B], log-density of draws whose scaled squares sum to `squares` [..., B]; `log_std` is [..., 1, A]."""
    return squares * -0.5 - (log_std.sum(-1) + 0.5 * math.log(2.0 * math.pi) * log_std.shape[-1])


def _masked(logits: Tensor, mask: Tensor | None) -> Tensor:
    return logits if mask is None else torch.where(mask, logits, FORBIDDEN)
