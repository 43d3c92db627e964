"""The `BatchEnv` contract: a Gymnasium vector environment that never resets by itself, with named fields."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from autoreward.schema import EnvSchema

Array = NDArray[Any]


class BatchEnv(gymnasium.vector.VectorEnv[Array, Array, Array]):
    """N environments stepped together. Observations are [N, D] float32 (flattened where the environment's are not).

    It never resets by itself: the collector does step, read next_state and success, masked reset
    (`reset(options={"reset_mask": mask})`), read state. The reward that `step` returns is the human one, and only
    the baseline that trains on it may look.
    """

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.DISABLED}
    schema: EnvSchema
    num_envs: int
    closed: bool = False
    together: bool = True
    """Whether all of them are stepped at once, and not one after the other in Python."""
    faults: int = 0
    """Simulations that blew up so far: each is an episode that terminated."""

    def read(self, names: Iterable[str]) -> dict[str, Array]:
        """Fields of the present state, each [N, ...], as copies: float32, or int64 and bool where the schema says so.

        Raises:
            UnknownName: a name is not a field of the schema.
        """
        raise NotImplementedError("every BatchEnv reads its own fields")

    def action_mask(self) -> NDArray[np.bool_] | None:
        """[N, choices]: the discrete actions that are allowed now; None where all of them are, always."""
        return None

    def random_actions(self) -> Array:
        """Uniform actions, [N, A] or [N], of those that are allowed; `action_space.seed` seeds them."""
        mask = self.action_mask()
        # The space of N choices takes one mask for each.
        actions: Array = self.action_space.sample(None if mask is None else tuple(mask.astype(np.int8)))
        return actions

    def snapshot(self) -> dict[str, Array] | None:
        """The whole state of every simulation, counters and random generators included, or None where it cannot be had.

        `restore` of it, in another process too, goes on bit for bit.
        """
        return None

    def restore(self, arrays: dict[str, Array]) -> None:
        """Go back to a `snapshot`."""
        raise NotImplementedError("this environment gives no snapshots")

    def render_frame(self) -> NDArray[np.uint8]:
        """A picture [H, W, 3] of the first environment.

        Raises:
            UserError: there is no renderer for it on this machine; the message says what is missing.
        """
        raise NotImplementedError("every BatchEnv renders its own frames")


@dataclass(frozen=True)
class Transitions:
    """Recorded transitions for dry runs: every field of the schema before and after the step, and the action."""

    inputs: dict[str, Array]
    """`state.x`, `next_state.x`, `action`, each [T, N, ...]."""
    begun: NDArray[np.bool_]
    """[T, N]: the step is the first of its episode."""
    success: NDArray[np.bool_]
    """[T, N]: the success expression after the step."""
