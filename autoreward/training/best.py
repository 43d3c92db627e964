"""Which policy of a training is kept: that of the best own return."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.training.policy import Policy
from autoreward.training.statistics import EpisodeLog

WINDOW = 20
"""Finished episodes whose mean own return judges a checkpoint, at least."""
EARLIEST = 0.2
"""Share of the training before which no checkpoint is kept: early returns are luck."""

Array = NDArray[Any]
Snapshot = Callable[[], Policy]
"""Copies the policy as it is now."""


class Best:
    """The best policy so far, judged by the episodes that ended under it.

    Args:
        whole: environment steps of the whole training.
        kept: whether any is kept; else a training gives its last.
    """

    def __init__(self, whole: int, kept: bool) -> None:
        self._whole, self._kept = whole, kept
        self._known_episodes, self._return = 0, float("-inf")
        self.policy: Policy | None = None
        self.step = 0

    def look(self, step: int, log: EpisodeLog, snapshot: Snapshot) -> None:
        """Judge the policy that has just collected a rollout."""
        fresh = log.count - self._known_episodes
        self._known_episodes = log.count
        if not self._kept or not fresh or log.count < WINDOW or step < EARLIEST * self._whole:
            return
        mean = log.recent_return(max(WINDOW, fresh))
        # On a tie the later policy, which has learnt longer.
        if mean is not None and mean >= self._return:
            self._return, self.step, self.policy = mean, step, snapshot()

    def header(self) -> dict[str, Any]:
        """For a checkpoint: what JSON can hold."""
        known = self._return if self.policy is not None else None
        return {"known_episodes": self._known_episodes, "best_return": known, "best_step": self.step}

    def arrays(self) -> dict[str, Array]:
        """For a checkpoint: the policy, where there is one."""
        return {} if self.policy is None else {"best": np.frombuffer(self.policy.to_bytes(), dtype=np.uint8)}

    def restore(self, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        """Go back to what `header` and `arrays` gave."""
        self._known_episodes = header["known_episodes"]
        if "best" in arrays:
            self.policy = Policy.from_bytes(arrays["best"].tobytes())
            self._return, self.step = header["best_return"], header["best_step"]
