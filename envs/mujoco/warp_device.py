"""What is done on warp's device: launches that are repeated, and copies of what they leave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import warp
from numpy.typing import NDArray

from autoreward.errors import UserError

Floats = NDArray[np.float64]


class Copy:
    """A device array's copy in NumPy, float64.

    Args:
        name: of the array.
        data: whose it is.
        shape: of it in one simulation's MjData.
    """

    def __init__(self, name: str, data: Any, shape: tuple[int, ...]) -> None:  # noqa: ANN401 - no types there
        self._name = name
        source = getattr(data, name)
        # Only page-locked memory is filled while the device goes on.
        self._host = warp.empty(source.shape, dtype=source.dtype, device="cpu", pinned=source.device.is_cuda)
        self.values: Floats = np.zeros((len(source), *shape))
        self.view: Floats = self.values.view()
        self.view.flags.writeable = False

    def begin(self, data: Any) -> None:  # noqa: ANN401 - no types there
        """Ask the device for it."""
        warp.copy(self._host, getattr(data, self._name))

    def finish(self, rows: list[int] | None = None) -> None:
        """Take over what has come, in all rows or in some."""
        came = self._host.numpy().reshape(self.values.shape)
        if rows is None:
            np.copyto(self.values, came)
        else:
            self.values[rows] = came[rows]


class Work:
    """Launches of kernels that are repeated: on CUDA one graph, made after they ran once and so are compiled."""

    def __init__(self, launch: Callable[[], None], device: Any) -> None:  # noqa: ANN401 - warp has no types
        self._launch, self._device = launch, device
        self._graph: Any = None
        self._warm = False

    def __call__(self) -> None:
        """Do it, or have the device begin with it."""
        with warp.ScopedDevice(self._device):
            if self._warm and self._graph is None and warp.is_mempool_enabled(self._device):
                with warp.ScopedCapture(self._device) as capture:
                    self._launch()
                self._graph = capture.graph
            if self._graph is not None:
                warp.capture_launch(self._graph)
            else:
                self._launch()
                self._warm = self._device.is_cuda


def has_gpu() -> bool:
    """Whether there is a GPU that warp can use. Starts warp, which then tells of nothing but errors."""
    warp.config.log_level = warp.LOG_ERROR
    warp.init()
    return bool(warp.is_cuda_available())


def on_device(device: Any, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - warp has no types
    """What `work` gives, on that device.

    Raises:
        UserError: mujoco-warp has not what is asked for.
        MemoryError: the device has not enough memory.
    """
    try:
        with warp.ScopedDevice(device):
            return work()
    except NotImplementedError as error:
        raise UserError(f"mujoco-warp cannot simulate this model: {error} Type --trainer.worlds batch") from None
    except RuntimeError as error:
        if "allocate" in str(error):
            raise MemoryError(f"{device} has not enough memory for so many simulations") from error
        raise
