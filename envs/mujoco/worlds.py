"""N simulations of one MuJoCo model: `Worlds` is what robots see of them, `BatchWorlds` has them on `mujoco.batch`.

- Outputs (`xpos`, `cvel`, ...) may be asked for at any time: the last step is then done again, from a copy of the
  state before it, so that they read as if they had always been bound. A snapshot is that copy too.
- A simulation that blows up is put back to where it was before the step and reported; the others are not touched.
- `cfrc_ext` is MuJoCo's `mj_rnePostConstraint` after each step, as Gymnasium calls it.
"""

from __future__ import annotations

from typing import Any, Protocol

import mujoco
import numpy as np
from mujoco.batch import Batch, SimulationError
from numpy.typing import NDArray

from autoreward.errors import UserError

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

_NO_STAGE = mujoco.mjtStage.mjSTAGE_NONE.value
_BLOWN = slice(mujoco.mjtWarning.mjWARN_BADQPOS.value, mujoco.mjtWarning.mjWARN_BADQACC.value + 1)
"""Warnings after which MuJoCo has reset the simulation by itself: bad position, velocity, acceleration."""


class Worlds(Protocol):
    """N simulations of one model. `BatchWorlds` has them on the CPU, `WarpWorlds` (in `warp.py`) on a GPU."""

    model: mujoco.MjModel
    count: int
    """N."""
    frame_skip: int
    """Physics steps of one control step."""
    dt: float
    """Seconds of one control step."""
    qpos: Floats
    """Positions [N, nq], live."""
    qvel: Floats
    """Velocities [N, nv], live."""
    ctrl: Floats
    """Controls [N, nu] of the last step."""

    def place(self, rows: list[int], qpos: Floats, qvel: Floats) -> None:
        """Begin simulations anew at positions [K, nq] and velocities [K, nv]."""
        ...

    def step(self, controls: Array) -> Bools | None:
        """One control step with controls [N, nu]; [N], true where a simulation blew up, or None where none did."""
        ...

    def output(self, name: str) -> Array:
        """A live, read-only view [N, ...] of a derived field of MjData, as the last call on each simulation left it."""
        ...

    @property
    def contact_forces(self) -> Floats:
        """External forces on each body [N, nbody, 6], torque first."""
        ...

    def model_field(self, name: str) -> Array:
        """A field of MjModel with a value of its own in each simulation, live [N, ...]."""
        ...

    def model_changed(self) -> None:
        """Compute again what MuJoCo derives from model fields that were written."""
        ...

    def snapshot(self) -> dict[str, Array]:
        """The whole state, as plain arrays."""
        ...

    def restore(self, arrays: dict[str, Array]) -> None:
        """Go back to a snapshot: outputs too read as they did then.

        Raises:
            UserError: the snapshot is one of other worlds.
        """
        ...


class BatchWorlds:
    """N simulations on `mujoco.batch`, each [N, ...] below.

    Args:
        model: what is simulated.
        count: N.
        frame_skip: physics steps of one control step.
        forces: whether `contact_forces` will be asked for; each simulation then keeps its own MjData.
        threads: that step them.
    """

    def __init__(
        self, model: mujoco.MjModel, count: int, frame_skip: int, forces: bool = False, threads: int = 1
    ) -> None:
        self.model, self.count, self.frame_skip = model, count, frame_skip
        self.dt: float = model.opt.timestep * frame_skip
        self._batch = Batch(model, count, nthread=threads, persistent=forces)
        self.qpos: Floats = self._batch.bind("qpos")
        self.qvel: Floats = self._batch.bind("qvel")
        self.ctrl: Floats = self._batch.bind("ctrl")
        self._state: Floats = self._batch.state
        self._warnings: Array = self._batch.warning[:, _BLOWN, 1]
        self._before = self._state.copy()
        self._placed = np.ones(count, dtype=np.bool_)
        """Rows whose last call was a reset, not a step."""
        self._outputs: dict[str, Array] = {}
        self._forces: Floats | None = None
        self._scratch: tuple[mujoco.MjModel, mujoco.MjData] | None = None
        self._expanded = False

    def place(self, rows: list[int], qpos: Floats, qvel: Floats) -> None:
        """Begin simulations anew at positions [K, nq] and velocities [K, nv]."""
        self._batch.reset(rows, stage=_NO_STAGE)
        self.qpos[rows], self.qvel[rows] = qpos, qvel
        self._before[rows] = self._state[rows]
        self._placed[rows] = True
        self._batch.forward(rows)
        self._warnings[rows] = 0
        if self._forces is not None:
            self._forces[rows] = self.output("cfrc_ext")[rows]

    def step(self, controls: Array) -> Bools | None:
        """One control step of all simulations.

        Args:
            controls: [N, nu].

        Returns:
            [N], true where a simulation blew up, or None where none did.
        """
        self.ctrl[...] = controls
        self._before[...] = self._state
        self._placed.fill(False)
        self._forces = None
        try:
            self._batch.step(nstep=self.frame_skip)
        except SimulationError as error:
            return self._undo(np.isin(np.arange(self.count), error.ids))
        if self._warnings.any() or not np.isfinite(self.qpos.sum() + self.qvel.sum()):
            return self._undo(np.zeros(self.count, dtype=np.bool_))
        return None

    def _undo(self, failed: Bools) -> Bools | None:
        """Put back what failed or is not finite any more; returns what was put back."""
        failed = failed | self._warnings.any(axis=1)
        failed |= ~(np.isfinite(self.qpos).all(axis=1) & np.isfinite(self.qvel).all(axis=1))
        self._warnings[...] = 0
        if not failed.any():
            return None
        self._state[failed] = self._before[failed]
        self._placed |= failed
        self._forward(failed)
        self._warnings[...] = 0
        return failed

    def _forward(self, mask: Bools) -> None:
        try:
            self._batch.forward(mask)
        except SimulationError:
            return  # a simulation that cannot even be looked at was reported when it was stepped

    def output(self, name: str) -> Array:
        """A live, read-only view [N, ...] of a derived field of MjData, as the last call on each simulation left it."""
        if name not in self._outputs:
            self._outputs[name] = self._batch.bind(name)
            self._repeat()
        return self._outputs[name]

    def _repeat(self) -> None:
        """Do the last call on each simulation again, so that every bound output is filled."""
        now = self._state.copy()
        self._state[...] = self._before
        if self._placed.any():
            self._forward(self._placed)
        if not self._placed.all():
            self._batch.step(~self._placed, nstep=self.frame_skip)
        self._state[...] = now
        self._warnings[...] = 0

    @property
    def contact_forces(self) -> Floats:
        """External forces on each body [N, nbody, 6], torque first; right after a reset what MuJoCo's reset leaves."""
        if self._forces is None:
            self._forces = np.array(self.output("cfrc_ext"), dtype=np.float64)
            if self._scratch is None:
                self._scratch = self._batch.get_model(0), mujoco.MjData(self.model)
            model, data = self._scratch
            for row in np.flatnonzero(~self._placed).tolist():
                if self._expanded:
                    self._batch.get_model(row, model)
                self._batch.get_data(row, data)
                mujoco.mj_rnePostConstraint(model, data)
                self._forces[row] = data.cfrc_ext
        return self._forces

    def model_field(self, name: str) -> Array:
        """A field of MjModel with a value of its own in each simulation, live [N, ...]; see `Batch.expand`.

        Raises:
            ValueError: there is no such field, or it cannot differ between simulations.
        """
        self._expanded = True
        field: Array = self._batch.expand(name)
        return field

    def model_changed(self) -> None:
        """Compute again what MuJoCo derives from model fields (masses, inertias, ...) that were written."""
        self._batch.set_const()

    def snapshot(self) -> dict[str, Array]:
        """State now and before the last step, from which everything else follows."""
        return {"state": self._state.copy(), "before": self._before.copy(), "placed": self._placed.copy()}

    def restore(self, arrays: dict[str, Array]) -> None:
        """Go back to a snapshot: outputs too read as they did then.

        Raises:
            UserError: the snapshot is one of other worlds.
        """
        if "state" not in arrays:
            raise UserError("this snapshot is not of simulations on mujoco.batch")
        self._before[...], self._placed[...] = arrays["before"], arrays["placed"]
        self._forces = None
        self._repeat()
        self._state[...] = arrays["state"]
