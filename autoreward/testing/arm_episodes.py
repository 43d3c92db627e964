"""Recorded episodes of the task `reacher`, played by a hand-written controller: for runs that nobody has trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.registry import make_env
from autoreward.task import Task
from autoreward.training.evaluation import Episodes, evaluate
from autoreward.training.files import TRAJECTORIES
from autoreward.training.seeds import derive

LINKS = (0.1, 0.11)
"""Metres."""
REACH = 0.2
"""Metres from the base within which targets lie."""
STIFFNESS, DAMPING = 50.0, 0.1
EPISODES = 10

Array = NDArray[Any]


def play_reacher(task: Task, folders: dict[Path, tuple[int, float]]) -> None:
    """Write `trajectories.npz` into the folders of some trainings.

    Args:
        task: `reacher`.
        folders: of each training -> its seed, and the share of the targets that its policy goes for: the near ones.
    """
    if not folders:
        return
    seeds = [seed for first, _ in folders.values() for seed in derive(first, "final", EPISODES)]
    shares = np.repeat([share for _, share in folders.values()], EPISODES)
    env = make_env(task.env, len(seeds))  # all at once, which takes hardly longer than one training's
    try:
        played = evaluate(env, task, _Controller(REACH * np.sqrt(shares)), seeds, record=True)
    finally:
        env.close()
    for place, folder in enumerate(folders):
        _part(played, slice(place * EPISODES, (place + 1) * EPISODES)).write(folder / TRAJECTORIES)


def _part(played: Episodes, rows: slice) -> Episodes:
    return Episodes(
        length=played.length[rows],
        success=played.success[rows],
        score=None if played.score is None else played.score[rows],
        outcomes={name: values[rows] for name, values in played.outcomes.items()},
        seed=played.seed[rows],
        traces=played.traces[rows],
    )


class _Controller:
    """Pulls the fingertip to the target as a damped spring does, where the target is near enough to the base.

    Args:
        reach: how near in metres, of each environment, [N].
    """

    def __init__(self, reach: Array) -> None:
        self._reach = reach[:, None]

    def __call__(self, obs: Array, mask: NDArray[np.bool_] | None) -> Array:
        shoulder = np.arctan2(obs[:, 2], obs[:, 0])
        both = shoulder + np.arctan2(obs[:, 3], obs[:, 1])
        outer = LINKS[1] * np.stack([-np.sin(both), np.cos(both)], axis=1)
        inner = LINKS[0] * np.stack([-np.sin(shoulder), np.cos(shoulder)], axis=1) + outer
        pull = np.stack([np.sum(part * obs[:, 8:10], axis=1) for part in (inner, outer)], axis=1)
        goes = np.linalg.norm(obs[:, 4:6], axis=1, keepdims=True) <= self._reach
        torque = np.where(goes, -STIFFNESS * pull, 0.0) - DAMPING * obs[:, 6:8]
        return np.clip(torque, -1.0, 1.0).astype(np.float32)
