"""Learners together beside the same learners alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray
from test_device import Places

from autoreward.task import TrainerSettings
from autoreward.training.ppo import PPO
from autoreward.training.rollout import Rollout
from autoreward.training.stacked_ppo import Lesson, StackedPPO

INPUTS, OUTPUTS, STEPS, ENVS = 4, 3, 6, 5
KINDS = ["continuous", "discrete", "masked"]

Array = NDArray[Any]


def learners(kind: str, count: int = 3, **settings: Any) -> list[PPO]:
    """Of different seeds, with weights of some size."""
    space = Box(-1.0, 1.0, (OUTPUTS,)) if kind == "continuous" else Discrete(OUTPUTS)
    chosen = TrainerSettings(hidden=(7, 8), log_std=-0.4, entropy=0.02, minibatch=16, epochs=2, learning_rate=3e-3)
    found = [PPO(INPUTS, space, chosen.model_copy(update=settings), seed) for seed in range(count)]
    for seed, ppo in enumerate(found):
        ppo.net.flat.add_(torch.randn(len(ppo.net.flat), generator=torch.Generator().manual_seed(seed)) * 0.2)
    return found


def observed(seed: int, rows: tuple[int, ...] = (ENVS,)) -> Array:
    return np.random.default_rng(seed).normal(size=(*rows, INPUTS)).astype(np.float32)


def masks(kind: str, seed: int) -> Array | None:
    if kind != "masked":
        return None
    allowed = np.random.default_rng(seed).random((ENVS, OUTPUTS)) < 0.6
    allowed[np.arange(ENVS), np.arange(ENVS) % OUTPUTS] = True
    return allowed


def lesson(ppo: PPO, kind: str, seed: int) -> Lesson:
    """A rollout under a policy that has moved since, with advantages and returns; it draws from the learner."""
    random = np.random.default_rng(seed)
    obs, mask = observed(seed, (STEPS, ENVS)), masks(kind, seed)
    rollout = Rollout.empty(STEPS, obs[0], ppo.act(obs[0], mask)[0], mask)
    for step in range(STEPS):
        rollout.obs[step] = obs[step]
        rollout.action[step], rollout.log_prob[step] = ppo.act(obs[step], mask)
        if rollout.mask is not None and mask is not None:
            rollout.mask[step] = mask
    rollout.log_prob += random.uniform(-0.5, 0.5, (STEPS, ENVS)).astype(np.float32)
    advantage, returns = random.normal(size=(2, STEPS, ENVS)).astype(np.float32)
    return rollout, advantage, returns


def assert_alike(found: PPO, expected: PPO) -> None:
    """To the last digits; the generators to the bit."""
    ours, theirs = found.arrays(), expected.arrays()
    for name in ("flat", "first_moment", "second_moment"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4, atol=1e-6, err_msg=name)
    assert ours["updates"] == theirs["updates"]
    np.testing.assert_array_equal(ours["generator"], theirs["generator"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hidden", [(6,), (7, 4), (5, 9, 3)])
@pytest.mark.parametrize("rows", [STEPS * ENVS, 1])
def test_each_gradient_is_the_members_own(kind: str, hidden: tuple[int, ...], rows: int) -> None:
    alone = learners(kind, hidden=hidden)
    lessons = [lesson(ppo, kind, seed) for seed, ppo in enumerate(alone)]
    batches = []
    for rollout, advantage, returns in lessons:
        columns = [rollout.obs, rollout.action, rollout.log_prob, advantage, returns]
        columns += [] if rollout.mask is None else [rollout.mask]
        batches.append([torch.from_numpy(column).flatten(0, 1)[:rows] for column in columns])
    expected = torch.stack([ppo.gradient(*batch).clone() for ppo, batch in zip(alone, batches, strict=True)])
    together = StackedPPO(alone)
    found = together.gradient(*(torch.stack(column) for column in zip(*batches, strict=True)))
    size = expected.shape[1]
    torch.testing.assert_close(found[:, :size], expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))
    assert not found[:, size:].any(), "what lies between two policies belongs to none"


@pytest.mark.parametrize("kind", KINDS)
def test_members_act_and_judge_as_alone(kind: str) -> None:
    alone, members = learners(kind), learners(kind)
    together = StackedPPO(members)
    for turn in range(3):
        obs = [observed(10 * turn + seed) for seed in range(3)]
        allowed = [masks(kind, 10 * turn + seed) for seed in range(3)]
        for (action, log_prob), ppo, rows, mask in zip(together.act(obs, allowed), alone, obs, allowed, strict=True):
            expected = ppo.act(rows, mask)
            assert action.dtype == expected[0].dtype
            np.testing.assert_allclose(action, expected[0], rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(log_prob, expected[1], rtol=1e-4, atol=1e-6)
    longer = [observed(seed, (STEPS, ENVS)) for seed in range(3)]
    for value, ppo, rows in zip(together.values(longer), alone, longer, strict=True):
        np.testing.assert_allclose(value, ppo.values(rows), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("norm", [0.01, 100.0], ids=["clipped", "whole"])
def test_members_learn_as_alone(kind: str, norm: float) -> None:
    """Thirty rows in minibatches of 16 and 14; the third member has some updates behind it already."""
    alone, members = (learners(kind, max_grad_norm=norm) for _ in range(2))
    for ppo in (alone[2], members[2]):
        ppo.update(*lesson(ppo, kind, 77))
    start = alone[0].net.flat.clone()
    together = StackedPPO(members)
    for turn in range(4):
        assert together.update([lesson(ppo, kind, turn) for ppo in members]) == [True] * 3
        for ppo in alone:
            ppo.update(*lesson(ppo, kind, turn))
    assert float((alone[0].net.flat - start).abs().max()) > 0.01, "they have learnt something"
    for found, expected in zip(members, alone, strict=True):
        assert_alike(found, expected)


def test_a_member_goes_on_alone_where_the_stack_left_it() -> None:
    alone, members = learners("continuous"), learners("continuous")
    StackedPPO(members).update([lesson(ppo, "continuous", 0) for ppo in members])
    for ppo in alone:
        ppo.update(*lesson(ppo, "continuous", 0))
    fewer = StackedPPO(members[1:])
    fewer.update([lesson(ppo, "continuous", 1) for ppo in members[1:]])
    members[0].update(*lesson(members[0], "continuous", 1))
    for found, expected in zip(members, alone, strict=True):
        expected.update(*lesson(expected, "continuous", 1))
        assert_alike(found, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_that_are_no_numbers_stay_with_their_member(kind: str) -> None:
    healthy, infected = learners(kind), learners(kind)
    for members, bad in ((healthy, 1.0), (infected, float("nan"))):
        together = StackedPPO(members)
        lessons = [lesson(ppo, kind, 0) for ppo in members]
        lessons[1][2][0, 0] *= bad
        assert together.update(lessons) == [True, bad == 1.0, True]
        together.act([observed(seed) for seed in range(3)], [masks(kind, 0)] * 3)
    for place in (0, 2):
        ours, theirs = infected[place].arrays(), healthy[place].arrays()
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("kind", KINDS)
def test_every_tensor_is_made_on_the_learners_device(kind: str) -> None:
    members = learners(kind)
    lessons = [lesson(ppo, kind, 0) for ppo in members]
    with Places() as places:
        together = StackedPPO(members)
        together.act([observed(0)] * 3, [masks(kind, 0)] * 3)
        together.values([observed(0)] * 3)
        together.update(lessons)
    assert places.found
    assert all(place == members[0].device for place in places.found)
