"""The arrays that a training leaves beside its result."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.errors import RunDamaged
from autoreward.training.contract import TrainingResult
from autoreward.training.files import EPISODES, TRAJECTORIES

Array = NDArray[Any]
_TOLD = {"length", "success"}
_TRAINED = {"step", "length", "own_return", "success", "score"}


@dataclass(frozen=True)
class Training:
    """One finished training: its result, and its files as far as they are there."""

    seed: int
    result: TrainingResult
    episodes: dict[str, Array] = field(default_factory=dict)
    """Training episodes, see `autoreward.training.files.EPISODES`; empty where there are none."""
    final: dict[str, Array] = field(default_factory=dict)
    """The final evaluation, see `autoreward.training.files.TRAJECTORIES`; empty where there is none."""


def read_training(seed: int, result: TrainingResult, folder: Path) -> Training:
    """A training with its files.

    Raises:
        RunDamaged: a file does not read; the message names it.
    """
    return Training(seed, result, read_episodes(folder), read_trajectories(folder))


def read_trajectories(folder: Path) -> dict[str, Array]:
    """The final evaluation's arrays; empty where it left no file.

    Raises:
        RunDamaged: the file does not read.
    """
    return _read(folder / TRAJECTORIES, _TOLD, "trajectories", "tells no episodes")


def read_episodes(folder: Path) -> dict[str, Array]:
    """The training episodes' arrays; empty where there is no file, or no episode ended.

    Raises:
        RunDamaged: the file does not read.
    """
    arrays = _read(folder / EPISODES, _TRAINED, "training episodes", "tells no course of the training")
    return arrays if arrays and len(arrays["step"]) else {}


def _read(path: Path, needed: Collection[str], what: str, without: str) -> dict[str, Array]:
    if not path.exists():
        return {}
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        missing = set(needed) - arrays.keys()
        if missing:
            raise ValueError(f"{', '.join(sorted(missing))} missing")
    # zipfile raises NotImplementedError where a damaged header asks for what no archive uses.
    except (OSError, ValueError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise RunDamaged(
            f"{path} does not read as {what}: {error}; without that file the run goes on, and {without}"
        ) from None
    return arrays
