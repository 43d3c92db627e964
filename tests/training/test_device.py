"""What a GPU needs of the learner, as far as a CPU can show it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete, Space
from torch.overrides import TorchFunctionMode

from autoreward.task import TrainerSettings
from autoreward.training.ppo import PPO
from autoreward.training.rollout import Rollout

SPACES = {"continuous": Box(-1.0, 1.0, (3,)), "discrete": Discrete(3)}
FACTORIES: set[Callable[..., Any]] = {
    torch.arange,
    torch.empty,
    torch.eye,
    torch.full,
    torch.linspace,
    torch.normal,
    torch.ones,
    torch.rand,
    torch.randn,
    torch.randperm,
    torch.scalar_tensor,
    torch.tensor,
    torch.zeros,
}


class Places(TorchFunctionMode):
    """Notes on which device tensors are made; one that names none would be made on the CPU, beside the others."""

    def __init__(self) -> None:
        self.found: list[object] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in FACTORIES:
            self.found.append((kwargs or {}).get("device"))
        return func(*args, **(kwargs or {}))


def learner(space: Space[Any], seed: int = 1) -> PPO:
    return PPO(4, space, TrainerSettings(device="cpu", hidden=(8, 8), minibatch=16, epochs=2, entropy=0.01), seed)


def rollout_of(ppo: PPO, masked: bool) -> Rollout:
    random = np.random.default_rng(0)
    obs = random.normal(size=(6, 5, 4)).astype(np.float32)
    mask = np.array([[True, True, False]] * 5) if masked else None
    action, log_prob = ppo.act(obs[0], mask)
    rollout = Rollout.empty(6, obs[0], action, mask)
    for step in range(6):
        action, log_prob = ppo.act(obs[step], mask)
        rollout.obs[step], rollout.action[step], rollout.log_prob[step] = obs[step], action, log_prob
        if rollout.mask is not None and mask is not None:
            rollout.mask[step] = mask
    return rollout


@pytest.mark.parametrize(("kind", "masked"), [("continuous", False), ("discrete", False), ("discrete", True)])
def test_every_tensor_is_made_on_the_learners_device(kind: str, masked: bool) -> None:
    ppo = learner(SPACES[kind])
    with Places() as places:
        rollout = rollout_of(ppo, masked)
        value = ppo.values(rollout.obs)
        ppo.update(rollout, np.ones_like(value), value)
    assert places.found, "the order of the minibatches is made on the device"
    assert all(place == ppo.device for place in places.found)


def test_a_checkpoint_of_another_kind_of_device_is_gone_on_from() -> None:
    """A GPU's generator has a state of 16 bytes: its draws cannot be repeated here, everything else can."""
    ppo, other, obs = learner(SPACES["continuous"]), learner(SPACES["continuous"], seed=2), np.zeros((5, 4), np.float32)
    rollout = rollout_of(ppo, masked=False)
    ppo.update(rollout, np.ones((6, 5), np.float32), np.zeros((6, 5), np.float32))
    saved = {**ppo.arrays(), "generator": np.zeros(16, dtype=np.uint8)}
    other.restore(saved)
    np.testing.assert_array_equal(other.values(obs), ppo.values(obs))
    first = other.act(obs)[0]
    other.restore(saved)
    np.testing.assert_array_equal(other.act(obs)[0], first)


@pytest.mark.slow
def test_the_gpu_benchmark_runs_on_a_cpu_and_says_what_it_is_worth(tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / "benchmarks" / "gpu.py"
    command = [sys.executable, script, "--device", "cpu", "--quick", "--parity", "--stacked", "--json", tmp_path / "f"]
    subprocess.run(command, check=True, capture_output=True)
    figures = json.loads((tmp_path / "f").read_text())
    assert figures["parity/continuous/gradient"] == 0.0
    assert figures["stacked/8x64/stacked_ms"] > 0.0
    assert {"part speed", "part human"} <= set(figures["not_measured"])
    assert any(line.startswith("anything about a GPU") for line in figures["not_measured"])
