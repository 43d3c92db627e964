"""Reads single arrays of a file that anybody may have written: sizes, shapes and types are checked before memory is."""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

ARRAY_BYTES = 128 << 20
"""Of one array in memory."""


class Damaged(Exception):
    """A file of arrays is not what it should be."""


class Arrays:
    """An open `.npz` of which nothing is believed. Every method raises `Damaged`."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            OSError: it cannot be opened.
        """
        try:
            self._archive = zipfile.ZipFile(path)
        except OSError:
            raise
        except Exception as error:  # whatever damaged bytes make of the parser
            raise Damaged(f"it is no file of arrays ({_brief(error)})") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._archive.close()

    def has(self, name: str) -> bool:
        """Whether there is such an array."""
        return f"{name}.npy" in self._archive.NameToInfo

    def length_of(self, name: str) -> int:
        """Length of an array of one dimension."""
        shape = self._header(name)[0]
        if len(shape) != 1:
            raise Damaged(f"`{name}` has the shape {shape}")
        return shape[0]

    def read(self, name: str, shape: tuple[int | None, ...], kinds: str) -> NDArray[Any]:
        """One array.

        Args:
            name: of it.
            shape: that it must have; None: any length.
            kinds: of NumPy's letters for types, those that it may have.
        """
        found, dtype = self._header(name)
        fits = len(found) == len(shape) and all(want in (None, have) for want, have in zip(shape, found, strict=True))
        if not fits or dtype.kind not in kinds:
            raise Damaged(f"`{name}` is {dtype} of the shape {found}, where {shape} is wanted")
        if dtype.itemsize * int(np.prod(found, dtype=object)) > ARRAY_BYTES:
            raise Damaged(f"`{name}` takes more than {ARRAY_BYTES >> 20} MiB")
        try:
            with self._open(name) as file:
                return np.asarray(npy.read_array(file, allow_pickle=False))
        except Exception as error:  # whatever damaged bytes make of zlib and NumPy
            raise Damaged(f"`{name}` does not read ({_brief(error)})") from None

    def _header(self, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        try:
            with self._open(name) as file:
                old = npy.read_magic(file) == (1, 0)
                shape, _, dtype = (npy.read_array_header_1_0 if old else npy.read_array_header_2_0)(file)
        except Exception as error:  # as above
            raise Damaged(f"`{name}` does not read ({_brief(error)})") from None
        if any(length < 0 for length in shape):
            raise Damaged(f"`{name}` has the shape {shape}")
        return shape, dtype

    def _open(self, name: str) -> IO[bytes]:
        return self._archive.open(f"{name}.npy")


def _brief(error: Exception) -> str:
    """The message on one short line, since it may quote the file."""
    return " ".join(str(error).split())[:120] or type(error).__name__
