"""A MuJoCo model on warp's device, with fields that may differ between simulations."""

from __future__ import annotations

import copy
from typing import Any

import mujoco
import mujoco_warp
import numpy as np
from numpy.typing import NDArray

from autoreward.envs.mujoco.warp_device import on_device

Array = NDArray[Any]

DERIVED = ("body_subtreemass", "body_invweight0", "dof_invweight0", "tendon_invweight0", "tendon_length0")
"""Model fields that MuJoCo derives from masses, inertias and the like."""


class DeviceModel:
    """The model, where it is simulated.

    Args:
        model: the model.
        count: simulations, N.
        device: of warp's.

    Raises:
        UserError: mujoco-warp cannot simulate it; the message says what it lacks.
    """

    def __init__(self, model: mujoco.MjModel, count: int, device: Any) -> None:  # noqa: ANN401 - warp has no types
        self._count, self._device = count, device
        self.solved = _solvable(model)
        """The model as it is simulated, on the host."""
        self.fields: dict[str, Array] = {}
        """Fields that differ between simulations, [N, ...]."""
        self._sent: dict[str, Array] = {}
        self._derived = False
        self.there = on_device(device, self._put)
        """The model on the device."""

    def field(self, name: str, data: Any) -> Array:  # noqa: ANN401 - mujoco-warp has no types
        """A field with a value of its own in each simulation, [N, ...]. When it is first asked for, `there` is new.

        Raises:
            ValueError: there is no such field, or it cannot differ between simulations.
        """
        if name in self.fields:
            return self.fields[name]
        start = getattr(self.solved, name, None)
        if not isinstance(start, np.ndarray):
            raise ValueError(f"{name!r} is no field of the model that can differ between simulations")
        self.fields[name] = np.repeat(np.array(start, dtype=np.float64)[None], self._count, axis=0)
        try:
            self.there = on_device(self._device, self._put)
        except ValueError:
            del self.fields[name]
            raise
        self._sent.clear()
        self.send()
        if self._derived:
            self.derive(data)
        return self.fields[name]

    def send(self) -> None:
        """Send the fields that were written since."""
        for name, values in self.fields.items():
            if name not in self._sent or not np.array_equal(self._sent[name], values):
                target = getattr(self.there, name)
                target.assign(values.astype(np.float32).reshape(target.numpy().shape))
                self._sent[name] = values.copy()

    def derive(self, data: Any) -> None:  # noqa: ANN401 - mujoco-warp has no types
        """Compute again what MuJoCo derives from masses, inertias and the like."""
        self._derived = True
        self.send()
        on_device(self._device, lambda: mujoco_warp.set_const(self.there, data))

    def _put(self) -> Any:  # noqa: ANN401 - mujoco-warp has no types
        sizes = dict.fromkeys((*self.fields, *DERIVED), self._count) if self.fields else {}
        model = mujoco_warp.put_model(self.solved, batch_sizes=sizes)
        # Otherwise a GPU adds in any order, and the same seed would not give the same training.
        model.opt.deterministic = int(mujoco_warp.DeterminismType.ALL)
        model.opt.warn_overflow = 0  # it would print; whoever steps looks at the flags
        return model


def _solvable(model: mujoco.MjModel) -> mujoco.MjModel:
    """The model with a solver that mujoco-warp has: both find the same forces, up to their tolerance."""
    if model.opt.solver != mujoco.mjtSolver.mjSOL_PGS:
        return model
    changed = copy.copy(model)
    changed.opt.solver, changed.opt.iterations = mujoco.mjtSolver.mjSOL_NEWTON, max(100, model.opt.iterations)
    return changed
