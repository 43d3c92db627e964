"""The GPUs of this machine, dealt out to workers whole or in shares."""

from __future__ import annotations

import math
import os
import subprocess
from collections.abc import Iterable

Shares = tuple[str, ...]
"""The GPUs of one worker, as CUDA_VISIBLE_DEVICES names them."""


def visible_gpus() -> tuple[str, ...]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    if (named := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return tuple(name.strip() for name in named.split(",") if name.strip() not in ("", "-1"))
    try:
        told = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(str(number) for number in range(sum(line.startswith("GPU ") for line in told.splitlines())))


def choose(gpus: tuple[str, ...], wanted: float, taken: Iterable[tuple[Shares, float]]) -> Shares | None:
    """GPUs for another worker.

    Args:
        gpus: those that there are.
        wanted: as `Resources.gpus`, more than 0.
        taken: of each worker that is there, its GPUs and what it asked for.

    Returns:
        The GPUs, for a share the fullest one that it fits on; None where there is no room.
    """
    load = dict.fromkeys(gpus, 0.0)
    for names, share in taken:
        for name in names:
            load[name] += min(share, 1.0)
    count = math.ceil(wanted)
    room = [name for name in sorted(gpus, key=lambda name: -load[name]) if load[name] + min(wanted, 1.0) < 1.0 + 1e-9]
    return tuple(room[:count]) if len(room) >= count else None
