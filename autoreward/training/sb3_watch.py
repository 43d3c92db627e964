"""What watches a Stable-Baselines3 training: rewards, progress, evaluations on the way, and the best checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecNormalize

from autoreward.errors import TrainingFailed
from autoreward.training.contract import Evaluation, Progress
from autoreward.training.deferred import DeferredRewards
from autoreward.training.evaluator import Evaluator, Request
from autoreward.training.policy import Layer, Policy
from autoreward.training.statistics import EpisodeLog

WINDOW = 20
"""Finished episodes whose mean own return judges a checkpoint, at least."""
EARLIEST = 0.2
"""Share of the training before which no checkpoint is kept: early returns are luck."""
PAUSE = 0.25
"""Seconds between two reports of progress."""


class Watch(BaseCallback):
    """Has each rollout rewarded, keeps the best policy by own return, asks for evaluations, and reports progress."""

    def __init__(
        self,
        ppo: PPO,
        normalised: VecNormalize,
        rewards: DeferredRewards,
        log: EpisodeLog,
        steps: int,
        snapshots: Path,
        evaluations: int,
        request: Callable[[Path, int], Request],
        evaluator: Evaluator,
        progress: Callable[[Progress], None],
    ) -> None:
        super().__init__()
        self._ppo, self._normalised, self._rewards = ppo, normalised, rewards
        self._log, self._steps, self._snapshots = log, steps, snapshots
        # The last evaluation is of the policy after the last update: the trainer asks for it.
        self._due = [steps * (index + 1) // evaluations for index in range(evaluations - 1)]
        self._request, self._evaluator, self._progress = request, evaluator, progress
        self._told = time.monotonic()
        self._known_episodes = 0
        self._best_return = float("-inf")
        self.best: Policy | None = None
        """None until a checkpoint could be judged."""
        self.best_step = 0
        self.evaluations: list[Evaluation] = []

    def state(self, stage: Literal["training", "evaluating"]) -> Progress:
        """Where the training stands."""
        return Progress(
            stage=stage,
            step=min(self.num_timesteps, self._steps),
            steps=self._steps,
            own_return=self._log.recent_return(WINDOW),
            success_rate=self.evaluations[-1].success_rate if self.evaluations else None,
        )

    def _on_rollout_start(self) -> None:
        check_finite(self._ppo)

    def _on_step(self) -> bool:
        if time.monotonic() - self._told >= PAUSE:
            self._told = time.monotonic()
            self._progress(self.state("training"))
        return True

    def _on_rollout_end(self) -> None:
        self._rewards.fill(self._ppo.rollout_buffer, self.locals["values"], self.locals["dones"])
        self._keep_best()
        self.evaluations += self._evaluator.ready()
        if self._due and self.num_timesteps >= self._due[0]:
            self._due = [step for step in self._due if step > self.num_timesteps]
            path = self._snapshots / f"{self.num_timesteps}.safetensors"
            snapshot(self._ppo, self._normalised).save(path)
            self._evaluator.submit(self._request(path, self.num_timesteps))

    def _keep_best(self) -> None:
        """Judge the policy that has just collected a rollout by the episodes that ended under it."""
        fresh = self._log.count - self._known_episodes
        self._known_episodes = self._log.count
        if not fresh or self._log.count < WINDOW or self.num_timesteps < EARLIEST * self._steps:
            return
        mean = self._log.recent_return(max(WINDOW, fresh))
        # On a tie the later policy, which has learnt longer.
        if mean is not None and mean >= self._best_return:
            self._best_return, self.best_step = mean, self.num_timesteps
            self.best = snapshot(self._ppo, self._normalised)


def snapshot(model: PPO, env: VecNormalize) -> Policy:
    """The policy as it is now, with copies of the weights and of the observations' running statistics."""
    network = model.policy.mlp_extractor.policy_net
    hidden = [module for module in network if isinstance(module, torch.nn.Linear)]
    space, statistics = model.action_space, env.obs_rms
    assert isinstance(statistics, RunningMeanStd)
    if isinstance(space, Box):
        low, high = space.low.astype(np.float32), space.high.astype(np.float32)
    else:
        assert isinstance(space, Discrete)
        low, high = np.zeros(1, dtype=np.float32), np.full(1, space.n - 1, dtype=np.float32)
    return Policy(
        layers=tuple(Layer(_copied(layer.weight), _copied(layer.bias)) for layer in [*hidden, model.policy.action_net]),
        mean=np.array(statistics.mean),
        variance=np.array(statistics.var),
        clip=float(env.clip_obs),
        kind="continuous" if isinstance(space, Box) else "discrete",
        low=low,
        high=high,
    )


def check_finite(model: PPO) -> None:
    """Raise `TrainingFailed` where an update has made a weight infinite or not a number."""
    if not all(bool(torch.isfinite(parameter).all()) for parameter in model.policy.parameters()):
        raise TrainingFailed(f"the policy diverged: weights are not finite after step {model.num_timesteps}")


def _copied(tensor: Any) -> Any:  # noqa: ANN401 - a torch tensor into a NumPy array
    return tensor.detach().cpu().numpy().copy()
