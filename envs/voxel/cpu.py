"""The kernels on the CPU, on as many threads as wanted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.voxel.compiled import cpu
from autoreward.envs.voxel.geometry import NEAR, WIDE, Box, rays, scales
from autoreward.envs.voxel.state import State
from autoreward.envs.voxel.tasks import Knobs, VoxelTask, rules

Array = NDArray[Any]


@dataclass(frozen=True)
class Constants:
    """What the kernels read and never write: see `view.py`."""

    paths: Array
    steps: Array
    ranges: Array
    box: Array
    scales: Array
    rules: Array

    @classmethod
    def of(cls, task: VoxelTask, knobs: Knobs, box: Box = NEAR) -> Constants:
        """For a task and what its policy sees near by."""
        table, view = rules(task, knobs), rays()
        paths = view.paths(knobs.size[1] * knobs.size[2], knobs.size[2])
        return cls(paths, view.steps, view.ranges, box.array(), scales(knobs.limit, task.target), table)


class CpuKernels:
    """Steps and observes worlds.

    Args:
        state: the worlds.
        constants: of the task.
        threads: that share the worlds among them. Results do not depend on it.
    """

    def __init__(self, state: State, constants: Constants, threads: int = 1) -> None:
        self._state, self._constants, self._functions = state, constants, cpu()
        self._everything = np.arange(len(state.agent))
        self._wide = WIDE.array()
        self._parts = [part for part in np.array_split(self._everything, threads) if len(part)]
        self._threads = ThreadPoolExecutor(len(self._parts) - 1) if len(self._parts) > 1 else None

    def step(self, actions: Array, out: Array) -> None:
        """Step all worlds with actions int64 [N]; the policy's inputs go to `out`, float32 [N, D]."""
        s, c = self._state, self._constants
        self._share(
            lambda rows: self._functions.step_rows(
                rows, actions, out, s.cells, s.agent, s.inventory, s.before, s.animals, s.visited, s.seen, s.far,
                s.hit, c.paths, c.steps, c.ranges, c.box, c.scales, c.rules,
            )
        )  # fmt: skip

    def observe(self, rows: Array, out: Array) -> None:
        """Observe some worlds, int64 [K]."""
        s, c = self._state, self._constants
        self._functions.observe_rows(
            rows, out, s.cells, s.agent, s.inventory, s.seen, s.far, s.hit, c.paths, c.steps, c.ranges, c.box,
            c.scales, c.rules,
        )  # fmt: skip

    def _share(self, work: Callable[[Array], None]) -> None:
        if self._threads is None:
            work(self._everything)
            return
        others = [self._threads.submit(work, part) for part in self._parts[1:]]
        work(self._parts[0])
        for other in others:
            other.result()

    def near(self, box: Box) -> Array:
        """Ids of the cells of a box, uint8 [N, forward, right, up]."""
        out = np.empty((len(self._state.agent), box.size), dtype=np.uint8)
        self._functions.near_rows(out, self._state.cells, self._state.agent, box.array(), self._constants.rules)
        return out.reshape(-1, *box.shape)

    def lava(self) -> Array:
        """Cells to the nearest lava in the wide box, int64 [N]."""
        out = np.empty(len(self._state.agent), dtype=np.int64)
        self._functions.lava_rows(out, self._state.cells, self._state.agent, self._wide, self._constants.rules)
        return out

    def animals(self) -> Array:
        """Animals that are seen, float32 [N, 6, 4]."""
        s = self._state
        out = np.empty((len(s.agent), *s.animals.shape[1:2], 4), dtype=np.float32)
        self._functions.animals_rows(out, s.agent, s.animals, s.hit, self._constants.rules)
        return out

    def mask(self, actions: int) -> NDArray[np.bool_]:
        """Which actions would do anything, bool [N, actions]."""
        s = self._state
        out = np.empty((len(s.agent), actions), dtype=np.bool_)
        self._functions.mask_rows(out, s.cells, s.agent, s.inventory, self._constants.rules)
        return out

    def pull(self) -> None:
        """Nothing is anywhere else."""

    def close(self) -> None:
        """Let the threads end."""
        if self._threads is not None:
            self._threads.shutdown()
