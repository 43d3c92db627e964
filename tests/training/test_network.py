"""Actor and critic with their gradient written out, beside torch's own modules and autograd."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from autoreward.training.network import ActorCritic, tanh_

SHAPES = [(6,), (7, 4), (5, 9, 3)]
INPUTS, OUTPUTS, ROWS = 4, 3, 11


def network(hidden: tuple[int, ...], log_std: float | None = -0.5) -> ActorCritic:
    return ActorCritic(INPUTS, hidden, OUTPUTS, log_std, torch.Generator().manual_seed(1), torch.device("cpu"))


def reference(flat: Tensor, hidden: tuple[int, ...], obs: Tensor) -> tuple[Tensor, Tensor]:
    """Output [B, A] and value [B] of the two networks whose parameters are laid out in `flat`."""
    place = 0

    def take(*shape: int) -> Tensor:
        nonlocal place
        size = int(np.prod(shape))
        place += size
        return flat[place - size : place].view(shape)

    weight, bias = take(2, hidden[0], INPUTS), take(2, hidden[0])
    layers = [[torch.tanh(obs @ weight[which].T + bias[which]) for which in range(2)]]
    for before, width in itertools.pairwise(hidden):
        weight, bias = take(2, width, before), take(2, width)
        layers.append([torch.tanh(layers[-1][which] @ weight[which].T + bias[which]) for which in range(2)])
    actor, critic = layers[-1]
    output = actor @ take(OUTPUTS, hidden[-1]).T + take(OUTPUTS)
    value = critic @ take(1, hidden[-1]).T + take(1)
    return output, value[:, 0]


def random_rows() -> Tensor:
    return torch.randn(ROWS, INPUTS, generator=torch.Generator().manual_seed(2))


def shaken(net: ActorCritic) -> ActorCritic:
    """With biases and heads far from zero, so that nothing hides behind small numbers."""
    net.flat.add_(torch.randn(len(net.flat), generator=torch.Generator().manual_seed(3)) * 0.3)
    return net


@pytest.mark.parametrize("hidden", SHAPES)
def test_forward_is_that_of_two_plain_networks(hidden: tuple[int, ...]) -> None:
    net, obs = shaken(network(hidden)), random_rows()
    output, value = reference(net.flat, hidden, obs)
    found = net.forward(obs)
    torch.testing.assert_close(found.output, output, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found.value, value, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(net.actor(obs), output, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(net.critic(obs), value, rtol=1e-5, atol=1e-6)
    act = obs.numpy()
    for layer in (layers := net.actor_layers())[:-1]:
        act = np.tanh(act @ layer.weight.T + layer.bias)
    np.testing.assert_allclose(act @ layers[-1].weight.T + layers[-1].bias, output.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("hidden", SHAPES)
@pytest.mark.parametrize("rows", [ROWS, 1])
def test_backward_is_autograds(hidden: tuple[int, ...], rows: int) -> None:
    net, obs = shaken(network(hidden, log_std=None)), random_rows()[:rows]
    generator = torch.Generator().manual_seed(4)
    d_output, d_value = torch.randn(rows, OUTPUTS, generator=generator), torch.randn(rows, generator=generator)
    flat = net.flat.double().requires_grad_()
    output, value = reference(flat, hidden, obs.double())
    ((output * d_output).sum() + (value * d_value).sum()).backward()  # type: ignore[no-untyped-call]
    assert flat.grad is not None
    net.backward(net.forward(obs), d_output, d_value)
    torch.testing.assert_close(net.gradient.double(), flat.grad, rtol=1e-5, atol=1e-6)


def test_begins_as_stable_baselines3_does() -> None:
    from gymnasium.spaces import Box
    from stable_baselines3.common.policies import ActorCriticPolicy

    hidden = (8, 6)
    theirs = ActorCriticPolicy(
        Box(-1, 1, (INPUTS,)), Box(-1, 1, (OUTPUTS,)), lambda _: 1e-3, list(hidden), log_std_init=-0.5
    )
    net = network(hidden)
    expected = [
        theirs.mlp_extractor.policy_net[0],
        theirs.mlp_extractor.policy_net[2],
        theirs.action_net,
    ]
    for layer, module in zip(net.actor_layers(), expected, strict=True):
        assert isinstance(module, torch.nn.Linear)
        assert layer.weight.shape == module.weight.shape
        # Orthogonal matrices of the same gain: all their singular values are the gain.
        scales = [torch.linalg.svdvals(weight.detach()) for weight in (torch.from_numpy(layer.weight), module.weight)]
        torch.testing.assert_close(scales[0], scales[1], rtol=1e-4, atol=1e-6)
        assert not layer.bias.any()
    assert not net.critic(torch.zeros(1, INPUTS)).any(), "the critic's biases are zero"
    np.testing.assert_allclose(net.log_std.numpy(), theirs.log_std.detach().numpy())
    assert net.actor(random_rows()).abs().max() < 0.05, "the first actions are near zero"


def test_actor_and_critic_do_not_begin_alike() -> None:
    weights = network((5,)).flat[: 2 * 5 * INPUTS].view(2, 5, INPUTS)
    assert (weights[0] - weights[1]).abs().min() > 1e-4


def test_tanh_is_exact() -> None:
    values = torch.linspace(-12.0, 12.0, 10_001)
    expected = torch.tanh(values.double())
    assert (tanh_(values.clone()).double() - expected).abs().max() < 1.2e-7
