"""Simulations of one MuJoCo model by mujoco-warp: thousands of them on a GPU, behind the interface of `Worlds`.

What the rest of the package sees is NumPy: controls go to the device, and positions, velocities and the outputs that
were asked for come back once a control step, whose physics steps are one CUDA graph. Without a GPU the same code runs
on the CPU, slowly: it is there for tests.

It differs from `BatchWorlds` in this:
- The device computes in float32, so simulations part from MuJoCo's after some steps (`benchmarks/gpu.md` has how far).
- mujoco-warp has no PGS solver: models that ask for it (the Humanoids) are solved by Newton's method instead.
- The device has room for so many contacts and constraints; where a step needs more, the room is doubled, and the step
  is done again.
- An output that is first asked for after some of the simulations have begun anew is up to date in the others, until
  the next step, where `BatchWorlds` would give it one physics step old.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import mujoco
import mujoco_warp
import numpy as np
import warp
from mujoco_warp import OverflowType
from numpy.typing import NDArray

from autoreward.envs.mujoco.warp_device import Copy, Work, has_gpu, on_device
from autoreward.envs.mujoco.warp_model import DeviceModel
from autoreward.errors import UserError

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

LIMIT = 1e10
"""MuJoCo's own: a position or velocity beyond it has blown up."""
ROOM = (
    OverflowType.NEFC | OverflowType.NJMAX_NNZ | OverflowType.BROADPHASE | OverflowType.NARROWPHASE | OverflowType.CCD
)
"""Overflows that more room mends. The others are limits of MuJoCo's own algorithms, such as the solver's iterations."""
MOST = 16
"""How often the room for contacts and constraints doubles what mujoco-warp thinks right for the model, at most."""
STATE = ("qacc_warmstart", "act")
"""What the next step depends on, besides positions, velocities and controls."""

logger = logging.getLogger("autoreward.envs")


class WarpWorlds:
    """N simulations; see `Worlds` for what each member does.

    Args:
        model: what is simulated.
        count: N.
        frame_skip: physics steps of one control step.
        forces: whether `contact_forces` will be asked for.
        device: `cuda:0` and the like, or `cpu`; empty: a GPU where there is one.

    Raises:
        UserError: mujoco-warp cannot simulate the model; the message says what it lacks.
        MemoryError: the device has not enough memory.
    """

    def __init__(
        self, model: mujoco.MjModel, count: int, frame_skip: int, forces: bool = False, device: str = ""
    ) -> None:
        self.model, self.count, self.frame_skip = model, count, frame_skip
        self.dt: float = model.opt.timestep * frame_skip
        gpu = has_gpu()
        self.device = warp.get_device(device or ("cuda:0" if gpu else "cpu"))
        self._model = DeviceModel(model, count, self.device)
        self._room = 1
        self._data = on_device(self.device, self._make_data)
        self._kept = {name: warp.clone(getattr(self._data, name)) for name in STATE}
        """The rest of the state, as it was before the last step."""
        self.ctrl: Floats = np.zeros((count, model.nu))
        reference = mujoco.MjData(model)
        names = ("qpos", "qvel", *(("cfrc_ext",) if forces else ()))
        self._copies = {name: Copy(name, self._data, getattr(reference, name).shape) for name in names}
        self.qpos: Floats = self._copies["qpos"].values
        self.qvel: Floats = self._copies["qvel"].values
        self._overflow = Copy("overflow", self._data, ())
        self._forces = self._copies["cfrc_ext"].values if forces else None
        self._current = False
        """Whether the device's derived quantities belong to the state."""
        self._renew()
        self._upload()

    def place(self, rows: list[int], qpos: Floats, qvel: Floats) -> None:
        """Begin simulations anew at positions [K, nq] and velocities [K, nv]."""
        self.qpos[rows], self.qvel[rows], self.ctrl[rows] = _single(qpos), _single(qvel), 0.0
        self._put(rows)

    def step(self, controls: Array) -> Bools | None:
        """One control step of all simulations.

        Args:
            controls: [N, nu].

        Returns:
            [N], true where a simulation blew up and was put back, or None where none did.

        Raises:
            UserError: a simulation needs more room for contacts or constraints than it can get.
            MemoryError: there is not enough memory for the room that it needs.
        """
        self.ctrl[...] = controls
        qpos, qvel = self.qpos.copy(), self.qvel.copy()
        self._upload_ctrl()
        self._model.send()
        self._step()
        self._fetch([self._overflow, *self._copies.values()])
        while int(np.bitwise_or.reduce(self._overflow.values.astype(np.int64))) & ROOM:
            self.qpos[...], self.qvel[...] = qpos, qvel
            self._grow()
            self._step()
            self._fetch([self._overflow, *self._copies.values()])
        self._current = True
        if np.abs(self.qpos).max() < LIMIT and np.abs(self.qvel).max() < LIMIT:
            return None
        failed = np.logical_not((np.abs(self.qpos) < LIMIT).all(axis=1) & (np.abs(self.qvel) < LIMIT).all(axis=1))
        self.qpos[failed], self.qvel[failed] = qpos[failed], qvel[failed]
        self._put(np.flatnonzero(failed).tolist())
        return failed

    def output(self, name: str) -> Array:
        """A live, read-only view [N, ...] of a derived field of MjData, as the last call on each simulation left it.

        Raises:
            UserError: mujoco-warp does not compute it.
        """
        if name not in self._copies:
            expected = getattr(mujoco.MjData(self.model), name, None)
            found = getattr(self._data, name, None)
            if expected is None or found is None or found.numpy().size != self.count * expected.size:
                raise UserError(f"mujoco-warp does not compute {name} as MuJoCo does; type --trainer.worlds batch")
            if not self._current:
                self._look()
            self._copies[name] = Copy(name, self._data, expected.shape)
            self._fetch([self._copies[name]])
        return self._copies[name].view

    @property
    def contact_forces(self) -> Floats:
        """External forces on each body [N, nbody, 6], torque first; zero right after a reset, as in Gymnasium."""
        assert self._forces is not None, "say `forces` where they will be asked for"
        return self._forces

    def model_field(self, name: str) -> Array:
        """A field of MjModel with a value of its own in each simulation, [N, ...]; the next step sees what is written.

        Raises:
            ValueError: there is no such field, or it cannot differ between simulations.
        """
        known = name in self._model.fields
        values = self._model.field(name, self._data)
        if not known:
            self._renew()
        return values

    def model_changed(self) -> None:
        """Compute again what MuJoCo derives from model fields (masses, inertias, ...) that were written."""
        self._model.derive(self._data)

    def snapshot(self) -> dict[str, Array]:
        """State and outputs."""
        arrays = {f"warp.{name}": copied.values.copy() for name, copied in self._copies.items()}
        return arrays | {f"warp.{name}": getattr(self._data, name).numpy().copy() for name in STATE}

    def restore(self, arrays: dict[str, Array]) -> None:
        """Go back to a snapshot: outputs too read as they did then.

        Raises:
            UserError: the snapshot is one of other worlds.
        """
        if "warp.qpos" not in arrays:
            raise UserError("this snapshot is not of simulations on mujoco-warp")
        self.qpos[...], self.qvel[...] = arrays["warp.qpos"], arrays["warp.qvel"]
        for name in STATE:
            getattr(self._data, name).assign(arrays[f"warp.{name}"])
        self._upload()
        self._look()
        self._fetch(self._outputs())
        for key, values in arrays.items():
            kind, _, name = key.partition(".")
            if kind == "warp" and name not in STATE:
                self.output(name)
                self._copies[name].values[...] = values

    def _outputs(self) -> list[Copy]:
        """What is not copied by itself."""
        return [copied for name, copied in self._copies.items() if name not in ("qpos", "qvel", "cfrc_ext")]

    def _put(self, rows: list[int]) -> None:
        """Put rows of the device's state where the copies are, at rest otherwise, and look at them."""
        for name in STATE:
            values = getattr(self._data, name).numpy().copy()
            values[rows] = 0.0
            getattr(self._data, name).assign(values)
        self._upload()
        if self._forces is not None:
            self._forces[rows] = 0.0
        self._current = False
        if outputs := self._outputs():
            self._look()
            self._fetch(outputs, rows)

    def _steps(self) -> None:
        for name, kept in self._kept.items():
            warp.copy(kept, getattr(self._data, name))
        self._data.overflow.zero_()
        for _ in range(self.frame_skip):
            mujoco_warp.step(self._model.there, self._data)
        if self._forces is not None:
            mujoco_warp.rne_postconstraint(self._model.there, self._data)

    def _look(self) -> None:
        """Derive everything from the present state."""
        self._upload_ctrl()
        self._model.send()
        self._forward()
        self._current = True

    def _fetch(self, copies: list[Copy], rows: list[int] | None = None) -> None:
        for copied in copies:
            copied.begin(self._data)
        warp.synchronize_device(self.device)
        for copied in copies:
            copied.finish(rows)

    def _upload(self) -> None:
        # Positions and velocities came from the device as float32, so nothing of them is lost on the way back.
        self._data.qpos.assign(_single(self.qpos))
        self._data.qvel.assign(_single(self.qvel))

    def _upload_ctrl(self) -> None:
        self._data.ctrl.assign(_single(self.ctrl))

    def _grow(self) -> None:
        """Double the room, and go back to before the step.

        Raises:
            UserError: it has been doubled often enough.
        """
        self._room *= 2
        if self._room > MOST:
            raise UserError(
                f"the simulations need room for more than {self._data.naconmax // self.count} contacts or "
                f"{self._data.njmax} constraints each; type --trainer.worlds batch, which has no such limit"
            )
        self._data = on_device(self.device, self._make_data)
        logger.info("room for contacts and constraints doubled, to %d constraints a simulation", self._data.njmax)
        for name, kept in self._kept.items():
            warp.copy(getattr(self._data, name), kept)
        self._upload()
        self._upload_ctrl()
        self._renew()

    def _make_data(self) -> Any:  # noqa: ANN401 - mujoco-warp has no types
        # The first data of a model tells what mujoco-warp thinks right for it.
        guess = mujoco_warp.make_data(self._model.solved, nworld=1)
        contacts, constraints = guess.naconmax * self._room, guess.njmax * self._room
        return mujoco_warp.make_data(self._model.solved, nworld=self.count, nconmax=contacts, njmax=constraints)

    def _renew(self) -> None:
        """Graphs know the arrays that they were made with."""
        self._step = Work(self._steps, self.device)
        self._forward = Work(lambda: mujoco_warp.forward(self._model.there, self._data), self.device)


def _single(values: Array | Iterable[float]) -> NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32)
