"""A training's checkpoint: named arrays in one file, grouped by prefix; no pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.records import write_bytes
from autoreward.training.statistics import npz_bytes

Array = NDArray[Any]

FORMAT = "autoreward-checkpoint-2"
SEPARATOR = ":"


def prefixed(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays under names that begin with a prefix."""
    return {f"{prefix}{SEPARATOR}{name}": array for name, array in arrays.items()}


def part(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    """What `prefixed` put in under that prefix."""
    start = prefix + SEPARATOR
    return {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}


def write_checkpoint(path: Path, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write both atomically; `header` is what JSON can hold."""
    text = json.dumps({**header, "format": FORMAT, "arrays": sorted(arrays)})
    write_bytes(path, npz_bytes({"header": np.array(text), **arrays}))


def read_checkpoint(path: Path, training: str) -> tuple[dict[str, Any], dict[str, Array]] | None:
    """Header and arrays; None where there is no checkpoint of this training that reads: it then begins anew.

    Args:
        path: of the file.
        training: the job's hash, which the header must name.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        header = dict(json.loads(str(arrays.pop("header"))))
    except Exception:  # a damaged file raises whatever zip, zlib, NumPy and JSON come upon
        return None
    expected = {"format": FORMAT, "training": training, "arrays": sorted(arrays)}
    if any(header.get(name) != value for name, value in expected.items()):
        return None
    return header, arrays
