"""K policies of one shape whose gradients are computed together, as batches of matrix products: is it worth its code?

The loss is `PPO.gradient`'s for continuous actions, here by autograd over parameters [K, P]. `stacked_gradient` of K
learners is asserted to be theirs before anything is timed.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable

import torch
from torch import Tensor

from autoreward.task import TrainerSettings
from autoreward.training.ppo import PPO

TOLERANCE = 1e-4
"""Of the stacked gradient, as a share of the largest entry of the learners' own."""


def stacked_gradient(flat: Tensor, rows: list[Tensor], settings: TrainerSettings) -> Tensor:
    """Gradients [K, P] of the loss of K policies.

    Args:
        flat: parameters [K, P], in the order of `ActorCritic`.
        rows: observations [K, B, D], actions [K, B, A], old log-probabilities, advantages and returns [K, B].
        settings: PPO's.
    """
    flat = flat.detach().requires_grad_()
    obs, action, old, advantage, returns = rows
    output, value, log_std = _forward(flat, obs, settings.hidden, action.shape[-1])
    advantage = (advantage - advantage.mean(1, keepdim=True)) / (advantage.std(1, keepdim=True) + 1e-8)
    squares = ((action - output) / log_std.exp().unsqueeze(1)).square().sum(2)
    log_prob = squares * -0.5 - (log_std.sum(1) + 0.5 * math.log(2.0 * math.pi) * log_std.shape[1]).unsqueeze(1)
    ratio = (log_prob - old).exp()
    clipped = ratio.clamp(1.0 - settings.clip, 1.0 + settings.clip)
    gain = torch.min(ratio * advantage, clipped * advantage).mean(1)
    loss = settings.value * (value - returns).square().mean(1) - gain - settings.entropy * log_std.sum(1)
    (gradient,) = torch.autograd.grad(loss.sum(), flat)
    return gradient


def _forward(flat: Tensor, obs: Tensor, hidden: tuple[int, ...], actions: int) -> tuple[Tensor, Tensor, Tensor]:
    """Action means [K, B, A], values [K, B] and log standard deviations [K, A]."""
    place = 0

    def take(*shape: int) -> Tensor:
        nonlocal place
        part = flat[:, place : place + math.prod(shape)].reshape(len(flat), *shape)
        place += math.prod(shape)
        return part

    first = hidden[0]
    weight, bias = take(2 * first, obs.shape[2]), take(2 * first)
    both = torch.tanh(torch.baddbmm(bias.unsqueeze(1), obs, weight.transpose(1, 2)))
    actor, critic = both[..., :first], both[..., first:]
    for before, width in itertools.pairwise(hidden):
        weight, bias = take(2, width, before), take(2, width)
        actor = torch.tanh(torch.baddbmm(bias[:, 0].unsqueeze(1), actor, weight[:, 0].transpose(1, 2)))
        critic = torch.tanh(torch.baddbmm(bias[:, 1].unsqueeze(1), critic, weight[:, 1].transpose(1, 2)))
    weight, bias = take(actions, hidden[-1]), take(actions)
    output = torch.baddbmm(bias.unsqueeze(1), actor, weight.transpose(1, 2))
    weight, bias = take(1, hidden[-1]), take(1)
    return output, torch.baddbmm(bias.unsqueeze(1), critic, weight.transpose(1, 2))[..., 0], take(actions)


def compare(learners: list[PPO], rows: list[list[Tensor]], settings: TrainerSettings, repeats: int) -> dict[str, float]:
    """Milliseconds of one gradient of all K learners, one after the other and stacked.

    Args:
        learners: K of them.
        rows: a minibatch for each.
        settings: theirs.
        repeats: how often each is timed; the median counts.
    """
    flat = torch.stack([ppo.net.flat for ppo in learners])
    together = [torch.stack(column) for column in zip(*rows, strict=True)]
    own = torch.stack([ppo.gradient(*given).clone() for ppo, given in zip(learners, rows, strict=True)])
    apart = float((stacked_gradient(flat, together, settings) - own).abs().max() / own.abs().max())
    if apart > TOLERANCE:
        raise SystemExit(f"the stacked gradient is not the learners' own: they differ by {apart:.1e}")
    device = learners[0].device

    @torch.inference_mode()  # as `PPO.update` has it
    def one_by_one() -> None:
        for ppo, given in zip(learners, rows, strict=True):
            ppo.gradient(*given)

    return {
        "one_by_one_ms": milliseconds(one_by_one, device, repeats),
        "stacked_ms": milliseconds(lambda: stacked_gradient(flat, together, settings), device, repeats),
    }


def milliseconds(work: Callable[[], object], device: torch.device, repeats: int) -> float:
    """Median of so many runs, the device waited for; two runs before do not count."""
    times = []
    for _ in range(repeats + 2):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - started)
    return 1000.0 * sorted(times[2:])[repeats // 2]
