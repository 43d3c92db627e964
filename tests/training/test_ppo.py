"""The learner beside a loss that can be read, autograd, torch's Adam and torch's distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray
from test_network import reference
from torch import Tensor
from torch.distributions import Categorical, Distribution, Independent, Normal

from autoreward.errors import TrainingFailed
from autoreward.task import TrainerSettings
from autoreward.training.ppo import PPO, choose_device
from autoreward.training.rollout import Rollout

INPUTS, OUTPUTS = 4, 3
KINDS = ["continuous", "discrete", "masked"]


def learner(kind: str, hidden: tuple[int, ...] = (8,), **settings: Any) -> PPO:
    space = Box(-1.0, 1.0, (OUTPUTS,)) if kind == "continuous" else Discrete(OUTPUTS)
    chosen = TrainerSettings(hidden=hidden, log_std=-0.4, entropy=0.02, value=0.7, clip=0.2)
    ppo = PPO(INPUTS, space, chosen.model_copy(update=settings), seed=1)
    ppo.net.flat.add_(torch.randn(len(ppo.net.flat), generator=torch.Generator().manual_seed(3)) * 0.2)
    return ppo


def distribution(ppo: PPO, kind: str, flat: Tensor, obs: Tensor, mask: Tensor | None) -> tuple[Distribution, Tensor]:
    """The policy and the values of these parameters, in torch's own terms."""
    output, value = reference(flat, ppo.settings.hidden, obs)
    if kind == "continuous":
        return Independent(Normal(output, flat[-OUTPUTS:].exp()), 1), value
    return Categorical(logits=output if mask is None else output.masked_fill(~mask, -1e9)), value


def batch(ppo: PPO, kind: str, rows: int, seed: int = 5) -> list[Tensor]:
    """Rows as a minibatch has them, under a policy that has moved since: ratios from 0.4 to 2.5, both advantages."""
    generator = torch.Generator().manual_seed(seed)
    obs = torch.randn(rows, INPUTS, generator=generator)
    mask = None
    if kind == "masked":
        mask = torch.rand(rows, OUTPUTS, generator=generator) < 0.6
        mask[torch.arange(rows), torch.randint(OUTPUTS, (rows,), generator=generator)] = True
    action, log_prob = ppo.act(obs.numpy(), None if mask is None else mask.numpy())
    old = torch.from_numpy(log_prob) + torch.rand(rows, generator=generator) * 1.8 - 0.9
    advantage, returns = (torch.randn(rows, generator=generator) * 3.0 for _ in range(2))
    return [obs, torch.from_numpy(action), old, advantage, returns, *([] if mask is None else [mask])]


def loss(ppo: PPO, kind: str, flat: Tensor, rows: list[Tensor]) -> Tensor:
    """PPO's loss as Stable-Baselines3 computes it."""
    obs, action, old, advantage, returns, *masks = rows
    settings = ppo.settings
    policy, value = distribution(ppo, kind, flat, obs.to(flat.dtype), masks[0] if masks else None)
    if len(obs) > 1:
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    ratio = (policy.log_prob(action) - old).exp()
    clipped = ratio.clamp(1.0 - settings.clip, 1.0 + settings.clip)
    gain = torch.min(ratio * advantage, clipped * advantage).mean()
    return -gain + settings.value * (value - returns).square().mean() - settings.entropy * policy.entropy().mean()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hidden", [(6,), (7, 4), (5, 9, 3)])
@pytest.mark.parametrize("rows", [64, 1])
def test_the_gradient_is_autograds(kind: str, hidden: tuple[int, ...], rows: int) -> None:
    ppo = learner(kind, hidden)
    given = batch(ppo, kind, rows)
    flat = ppo.net.flat.double().requires_grad_()
    loss(ppo, kind, flat, given).backward()  # type: ignore[no-untyped-call]
    assert flat.grad is not None
    found = ppo.gradient(*given).double()
    torch.testing.assert_close(found, flat.grad, rtol=1e-5, atol=1e-5 * float(flat.grad.abs().max()))


def test_the_rows_of_these_tests_meet_the_clip_both_ways() -> None:
    ppo = learner("continuous")
    obs, action, old, advantage, *_ = batch(ppo, "continuous", 64)
    policy, _ = distribution(ppo, "continuous", ppo.net.flat, obs, None)
    ratio, good = (policy.log_prob(action) - old).exp(), advantage > advantage.mean()
    for far, beyond in ((True, ratio > 1.2), (False, ratio < 0.8)):
        assert int((beyond & (good == far)).sum()) > 3, "the clip holds these rows"
        assert int((beyond & (good != far)).sum()) > 3, "and must not hold these"


@pytest.mark.parametrize("norm", [0.01, 100.0], ids=["clipped", "whole"])
def test_a_step_is_torchs_adam_after_clipping(norm: float) -> None:
    ppo = learner("continuous", (6, 5), max_grad_norm=norm, learning_rate=3e-3)
    flat = ppo.net.flat.clone().requires_grad_()
    adam = torch.optim.Adam([flat], lr=3e-3, eps=1e-5)
    for number in range(5):
        given = batch(ppo, "continuous", 32, seed=number)
        flat.grad = ppo.gradient(*given).clone()
        torch.nn.utils.clip_grad_norm_([flat], norm)
        adam.step()
        ppo._step(given)
        torch.testing.assert_close(ppo.net.flat, flat.detach(), rtol=1e-5, atol=2e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_log_probabilities_are_torchs(kind: str) -> None:
    ppo = learner(kind, (7, 4))
    obs, *_, mask = batch(ppo, "masked", 200) if kind == "masked" else [*batch(ppo, kind, 200), None]  # type: ignore[list-item]
    action, log_prob = ppo.act(obs.numpy(), None if mask is None else mask.numpy())
    policy, value = distribution(ppo, kind, ppo.net.flat, obs, mask)
    assert action.dtype == (np.float32 if kind == "continuous" else np.int64)
    np.testing.assert_allclose(log_prob, policy.log_prob(torch.from_numpy(action)).numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ppo.values(obs.view(10, 20, INPUTS).numpy()).reshape(-1), value.numpy(), rtol=1e-4)


def alike(rows: int) -> NDArray[np.float32]:
    return np.tile(np.array([0.3, -1.0, 0.5, 2.0], np.float32), (rows, 1))


def test_choices_come_as_often_as_they_are_probable() -> None:
    ppo, rows = learner("discrete"), 40_000
    action, log_prob = ppo.act(alike(rows))
    probability = np.zeros(OUTPUTS)
    probability[action] = np.exp(log_prob)
    assert probability.sum() == pytest.approx(1.0, abs=1e-5)
    assert probability.min() > 0.05
    # 0.01 is four standard errors at least.
    np.testing.assert_allclose(np.bincount(action, minlength=OUTPUTS) / rows, probability, atol=0.01)


def test_what_is_masked_is_never_drawn_and_the_rest_shares_its_probability() -> None:
    ppo, rows = learner("discrete"), 40_000
    mask = np.tile(np.array([True, False, True]), (rows, 1))
    action, log_prob = ppo.act(alike(rows), mask)
    counts = np.bincount(action, minlength=OUTPUTS)
    assert counts[1] == 0
    probability = [np.exp(log_prob[action == choice][0]) for choice in (0, 2)]
    assert sum(probability) == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(counts[[0, 2]] / rows, probability, atol=0.01)


def test_continuous_actions_spread_as_log_std_says() -> None:
    ppo, rows = learner("continuous"), 40_000
    action, _ = ppo.act(alike(rows))
    np.testing.assert_allclose(action.std(axis=0), ppo.net.log_std.exp().numpy(), rtol=0.02)
    mean = ppo.net.actor(torch.from_numpy(alike(1)))[0].numpy()
    np.testing.assert_allclose(action.mean(axis=0), mean, atol=0.02)


def rollout(ppo: PPO, steps: int, num_envs: int, mask: NDArray[np.bool_] | None = None) -> Rollout:
    """Collected where one observation is all there is."""
    obs = alike(num_envs)
    filled = Rollout.empty(steps, obs, ppo.act(obs, mask)[0], mask)
    for step in range(steps):
        filled.obs[step] = obs
        filled.action[step], filled.log_prob[step] = ppo.act(obs, mask)
        if filled.mask is not None and mask is not None:
            filled.mask[step] = mask
    return filled


@pytest.mark.parametrize("masked", [False, True])
def test_updates_make_the_better_choice_likelier_and_the_critic_right(masked: bool) -> None:
    settings = {"learning_rate": 1e-2, "minibatch": 64, "epochs": 4, "entropy": 0.0}
    ppo = learner("discrete", **settings)
    mask = np.tile(np.array([True, False, True]), (16, 1)) if masked else None
    for _ in range(30):
        filled = rollout(ppo, 8, 16, mask)
        reward = filled.action.astype(np.float32)  # the higher the better, so 2 is best
        ppo.update(filled, reward - ppo.values(filled.obs), reward)
    final = rollout(ppo, 8, 16, mask)
    assert (final.action == 2).mean() > 0.95
    assert ppo.values(alike(1)) == pytest.approx(2.0, abs=0.2)


def test_an_epoch_takes_every_row_once_also_those_of_a_last_minibatch_of_one() -> None:
    ppo = learner("continuous", minibatch=4, epochs=3)
    filled = rollout(ppo, 3, 3)
    before = ppo.net.flat.clone()
    ppo.update(filled, np.ones((3, 3), np.float32), np.zeros((3, 3), np.float32))
    assert ppo.updates == 3 * 3, "9 rows in minibatches of 4, 4 and 1"
    assert not torch.equal(ppo.net.flat, before)


def test_what_is_put_back_goes_on_bit_for_bit() -> None:
    here, there = learner("continuous", minibatch=4), learner("continuous", minibatch=4)
    advantage = np.linspace(-1.0, 1.0, 12, dtype=np.float32).reshape(4, 3)
    here.update(rollout(here, 4, 3), advantage, advantage)
    there.restore(here.arrays())
    for _ in range(2):
        for ppo in (here, there):
            ppo.update(rollout(ppo, 4, 3), advantage, advantage)
    first, second = here.arrays(), there.arrays()
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_weights_that_are_no_numbers_are_told() -> None:
    ppo = learner("continuous")
    filled = rollout(ppo, 4, 3)
    advantage = np.full((4, 3), np.nan, np.float32)
    assert not ppo.update(filled, advantage, advantage)


def test_the_device_is_the_one_asked_for() -> None:
    assert choose_device(TrainerSettings(device="cpu", num_envs=4096)).type == "cpu"
    assert choose_device(TrainerSettings(device="auto", num_envs=16)).type == "cpu", "too few for a GPU to pay"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_says_what_to_type() -> None:
    with pytest.raises(TrainingFailed, match=r"no CUDA GPU; type --trainer\.device cpu"):
        choose_device(TrainerSettings(device="cuda"))
    assert choose_device(TrainerSettings(device="auto", num_envs=4096)).type == "cpu"
