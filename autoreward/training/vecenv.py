"""Stable-Baselines3's `VecEnv` over the collector: autoreset with `terminal_observation` and `TimeLimit.truncated`.

For on-policy algorithms the rewards that it gives are zeros: the collector scores whole rollouts, and `deferred.py`
puts the rewards in. Algorithms with a replay buffer get each step's.

Imported by the worker's trainer only (Stable-Baselines3 brings torch).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from autoreward.training.collect import Collector, Scored

Array = NDArray[Any]


class CollectorVecEnv(VecEnv):
    """The collector as Stable-Baselines3 wants its environments.

    Args:
        collector: steps them.
        seed: of the first reset.
        score: scores the collector's last step; None: its rewards come later, for the whole rollout.
    """

    def __init__(self, collector: Collector, seed: int, score: Callable[[], Scored] | None = None) -> None:
        env = collector.env
        self._collector, self._score = collector, score
        self._seed: int | None = seed
        self._actions: Array = np.zeros(0)
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)

    def reset(self) -> Array:
        """Begin every episode anew. The seed serves the first reset only; later ones go on from it."""
        seed, self._seed = self._seed, None
        return self._collector.reset(seed)

    def step_async(self, actions: Array) -> None:
        """Keep the actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[Array, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """One step; where an episode has ended, the observation is already the next episode's."""
        step = self._collector.step(self._actions)
        done = step.terminated | step.truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for row in np.flatnonzero(done):
            infos[row] = {
                "terminal_observation": step.last_obs[row],
                "TimeLimit.truncated": bool(step.truncated[row]),
            }
        reward = np.zeros(self.num_envs, dtype=np.float32) if self._score is None else self._score().reward[0]
        return step.obs, reward, done, infos

    def close(self) -> None:
        """The collector's environment belongs to whoever made it."""

    def get_attr(self, attr_name: str, indices: int | Iterable[int] | None = None) -> list[Any]:
        """Stable-Baselines3 asks for `render_mode` only."""
        if attr_name != "render_mode":
            raise AttributeError(attr_name)
        return [None for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: int | Iterable[int] | None = None) -> None:  # noqa: ANN401
        """Attributes of the batch are not to be set one by one."""
        raise NotImplementedError("a batch of environments has no attributes of single ones")

    def env_method(
        self,
        method_name: str,
        *args: Any,  # noqa: ANN401
        indices: int | Iterable[int] | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> list[Any]:
        """Methods of single environments cannot be called."""
        raise NotImplementedError("a batch of environments has no methods of single ones")

    def env_is_wrapped(self, wrapper_class: type, indices: int | Iterable[int] | None = None) -> list[bool]:
        """No environment is wrapped."""
        return [False for _ in self._get_indices(indices)]
