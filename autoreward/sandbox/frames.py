"""Frames between a cell and its parent: a length, a JSON header, raw array bytes. Never pickle."""

from __future__ import annotations

import functools
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

PREFIX = struct.Struct("<IQ")
"""Length of the header and of the payload, bytes."""
MAX_HEADER = 1 << 20
MAX_PAYLOAD = 1 << 30
ALIGNMENT = 16
DTYPES = {np.dtype(name).char: np.dtype(name) for name in ("bool", "float32", "float64", "int64", "longlong")}
"""By their one-letter codes: `dtype.name` takes longer than all the rest of a header."""


_Slot = tuple[str, np.dtype[Any], tuple[int, ...], int, int]
"""Name, dtype, shape, count and offset of an array in a payload."""


class BadFrame(ValueError):
    """A frame that breaks the format; whoever sent it is not to be trusted further."""


@functools.lru_cache(maxsize=64)
def _header(fields: str, layout: tuple[tuple[str, str, tuple[int, ...]], ...]) -> bytes:
    return json.dumps({"fields": json.loads(fields), "arrays": layout}).encode()


def encode(fields: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """A frame with `fields` (JSON values) and `arrays` (of the dtypes in `DTYPES`, any shape)."""
    layout = tuple((name, array.dtype.char, array.shape) for name, array in arrays.items())
    header = _header(json.dumps(fields), layout)
    parts = [b"", header]
    size = 0
    for array in arrays.values():
        padding = -array.nbytes % ALIGNMENT
        parts.append(array.tobytes())
        parts.append(b"\0" * padding)
        size += array.nbytes + padding
    parts[0] = PREFIX.pack(len(header), size)
    return b"".join(parts)


def lengths(prefix: bytes | bytearray) -> tuple[int, int]:
    """Lengths of header and payload.

    Raises:
        BadFrame: they pass the limits.
    """
    header, payload = PREFIX.unpack(prefix)
    if header > MAX_HEADER or payload > MAX_PAYLOAD:
        raise BadFrame("a frame is too long")
    return header, payload


@functools.lru_cache(maxsize=64)
def _parse(
    header: bytes,
) -> tuple[dict[str, Any], tuple[tuple[str, np.dtype[Any], tuple[int, ...], int, int], ...], int]:
    """Fields, where each array lies, and the length of the payload."""
    try:
        data = json.loads(header)
        fields, layout = data["fields"], data["arrays"]
        if not isinstance(fields, dict) or not isinstance(layout, list):
            raise BadFrame("a frame's header is malformed")
        arrays, offset = [], 0
        for name, code, shape in layout:
            dtype = DTYPES[code]
            count = _count(shape)
            arrays.append((str(name), dtype, tuple(shape), count, offset))
            offset += count * dtype.itemsize
            offset += -offset % ALIGNMENT
    except (KeyError, TypeError, ValueError, RecursionError):
        raise BadFrame("a frame's header is malformed") from None
    return fields, tuple(arrays), offset


def _count(shape: Sequence[object]) -> int:
    count = 1
    if not isinstance(shape, list) or len(shape) > 8:
        raise BadFrame("a frame's array has a malformed shape")
    for length in shape:
        if type(length) is not int or not 0 <= length <= MAX_PAYLOAD:
            raise BadFrame("a frame's array has a malformed shape")
        count *= length
    if count > MAX_PAYLOAD:
        raise BadFrame("a frame's array is too large")
    return count


def decode(header: bytes, payload: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """Fields and arrays of a frame; arrays are read-only views of `payload`.

    Raises:
        BadFrame: header and payload do not fit each other.
    """
    fields, layout, size = _parse(header)
    if size != len(payload):
        raise BadFrame("a frame's arrays do not fill it")
    try:
        arrays = {
            name: np.frombuffer(payload, dtype, count, offset).reshape(shape) if count else np.zeros(shape, dtype)
            for name, dtype, shape, count, offset in layout
        }
    except ValueError:  # an empty array may have sides that NumPy cannot hold
        raise BadFrame("a frame's array has a malformed shape") from None
    return fields, arrays
