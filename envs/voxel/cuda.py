"""The kernels on a GPU, by numba-cuda (the extra `gpu`): the same bodies, one thread a world.

Blocks stay on the GPU; what fields are read from (numbers of agents, inventories, rays) comes back after each step.
Under `NUMBA_ENABLE_CUDASIM=1` numba's simulator runs it on any machine, thread by thread, which is how it is tested.
"""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from autoreward.envs.voxel import launch
from autoreward.envs.voxel.compiled import MODULES, compiled
from autoreward.envs.voxel.cpu import Constants
from autoreward.envs.voxel.geometry import WIDE, Box
from autoreward.envs.voxel.state import State
from autoreward.errors import UserError

Array = NDArray[Any]

THREADS = 64
"""Of a block."""
_READ = ("agent", "inventory", "before", "animals", "seen", "far", "hit")
"""What a step changes and fields are read from."""


@functools.cache
def _functions() -> SimpleNamespace:
    bodies = compiled(MODULES, cuda.jit(device=True))
    return compiled((launch,), cuda.jit, bodies)


class CudaKernels:
    """Steps and observes worlds on a GPU; see `CpuKernels`.

    Args:
        state: the worlds as the host has them; `begin` writes there, and `observe` brings those rows to the GPU.
        constants: of the task.
        inputs: D, numbers of the policy's input.

    Raises:
        UserError: there is no GPU that numba-cuda can use.
    """

    def __init__(self, state: State, constants: Constants, inputs: int) -> None:
        if not cuda.is_available():
            raise UserError("device cuda: numba-cuda finds no GPU here; use device cpu")
        self._state, self._count, self._functions = state, len(state.agent), _functions()
        self._on = {name: cuda.to_device(value) for name, value in vars(state).items()}
        self._view = [cuda.to_device(np.ascontiguousarray(value)) for value in vars(constants).values()]
        self._rules = self._view[-1]
        self._obs = cuda.to_device(np.zeros((self._count, inputs), dtype=np.float32))

    def step(self, actions: Array, out: Array) -> None:
        """Step all worlds with actions int64 [N]; the policy's inputs go to `out`, float32 [N, D]."""
        on = self._on
        changed = [on[name] for name in ("cells", "agent", "inventory", "before", "animals", "visited")]
        rays = [on[name] for name in ("seen", "far", "hit")]
        self._launch("step_all", self._count, cuda.to_device(actions), self._obs, *changed, *rays, *self._view)
        self._fetch(out)

    def observe(self, rows: Array, out: Array) -> None:
        """Bring some worlds, int64 [K], to the GPU and observe them."""
        for name, there in self._on.items():
            here = getattr(self._state, name)
            for row in rows:
                there[row].copy_to_device(here[row])
        on = [self._on[name] for name in ("cells", "agent", "inventory", "seen", "far", "hit")]
        self._launch("observe_some", len(rows), cuda.to_device(rows), self._obs, *on, *self._view)
        self._fetch(out)

    def _fetch(self, out: Array) -> None:
        self._obs.copy_to_host(out)
        for name in _READ:
            self._on[name].copy_to_host(getattr(self._state, name))

    def _launch(self, name: str, count: int, *arguments: object) -> None:
        getattr(self._functions, name)[-(-count // THREADS), THREADS](*arguments)

    def near(self, box: Box) -> Array:
        """Ids of the cells of a box, uint8 [N, forward, right, up]."""
        arguments = self._on["cells"], self._on["agent"], cuda.to_device(box.array()), self._rules
        return self._made("near_all", (box.size,), np.uint8, *arguments).reshape(-1, *box.shape)

    def lava(self) -> Array:
        """Cells to the nearest lava in the wide box, int64 [N]."""
        arguments = self._on["cells"], self._on["agent"], cuda.to_device(WIDE.array()), self._rules
        return self._made("lava_all", (), np.int64, *arguments)

    def animals(self) -> Array:
        """Animals that are seen, float32 [N, 6, 4]."""
        arguments = (*(self._on[name] for name in ("agent", "animals", "hit")), self._rules)
        return self._made("animals_all", (self._state.animals.shape[1], 4), np.float32, *arguments)

    def mask(self, actions: int) -> NDArray[np.bool_]:
        """Which actions would do anything, bool [N, actions]."""
        arguments = (*(self._on[name] for name in ("cells", "agent", "inventory")), self._rules)
        return self._made("mask_all", (actions,), np.bool_, *arguments)

    def _made(self, name: str, shape: tuple[int, ...], dtype: Any, *arguments: object) -> Array:  # noqa: ANN401 - NumPy's
        out = cuda.device_array((self._count, *shape), dtype=dtype)
        self._launch(name, self._count, out, *arguments)
        result: Array = out.copy_to_host()
        return result

    def pull(self) -> None:
        """Bring blocks and visited columns to the host too."""
        for name in ("cells", "visited"):
            self._on[name].copy_to_host(getattr(self._state, name))

    def close(self) -> None:
        """Nothing is left to end."""
