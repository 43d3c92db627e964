"""Frames between a cell and its parent: a length, a JSON header, raw array bytes. Never pickle.

The bytes of the arrays follow the header, or lie in shared memory where there is some and they fit.
"""

from __future__ import annotations

import functools
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autoreward.sandbox.shared import Array, Block, Slot, place

PREFIX = struct.Struct("<IQ")
"""Length of the header and of the payload that follows it, bytes."""
MAX_HEADER = 1 << 20
MAX_REPLY_HEADER = 1 << 18
"""No source is in a reply."""
MAX_PAYLOAD = 1 << 30
MAX_STORED = 1 << 16
"""Numbers that a program's memory may hold for each row, all entries together."""
ALIGNMENT = 16
REPEAT = PREFIX.pack(0, 0)
"""The last frame again, with other numbers in shared memory: a rollout's chunks are all of one form."""
DTYPES: dict[str, np.dtype[Any]] = {
    np.dtype(name).char: np.dtype(name) for name in ("bool", "float32", "float64", "int64", "longlong")
}
"""By their one-letter codes: `dtype.name` takes longer than all the rest of a header."""

_Layout = tuple[tuple[str, str, tuple[int, ...]], ...]
"""Name, code of the dtype, and shape of each array."""


class BadFrame(ValueError):
    """A frame that breaks the format; whoever sent it is not to be trusted further."""


def encode(fields: Mapping[str, Any], arrays: Mapping[str, Array], block: Block | None = None) -> bytes:
    """A frame with `fields` (JSON values) and `arrays` (of the dtypes in `DTYPES`, any shape).

    Args:
        fields: what the header says.
        arrays: their bytes are written to the block if they fit into it, else into the frame.
        block: shared memory that the other side reads.
    """
    if block is not None and block.rewrite(fields, arrays):
        return REPEAT
    layout = tuple((name, array.dtype.char, array.shape) for name, array in arrays.items())
    header, slots, size = _header(json.dumps(fields), layout, 0 if block is None else len(block))
    if block is None or size > len(block):
        return b"".join([PREFIX.pack(len(header), size), header, *_padded(arrays)])
    block.write(fields, slots, arrays)
    return PREFIX.pack(len(header), 0) + header


def _padded(arrays: Mapping[str, Array]) -> list[bytes]:
    return [part for array in arrays.values() for part in (array.tobytes(), b"\0" * (-array.nbytes % ALIGNMENT))]


@functools.lru_cache(maxsize=64)
def _header(fields: str, layout: _Layout, room: int) -> tuple[bytes, tuple[Slot, ...], int]:
    """The header, and where the arrays lie."""
    slots, size = _slots(layout)
    shared = bool(room) and size <= room
    header = json.dumps({"fields": json.loads(fields), "arrays": layout, "shared": shared}).encode()
    return header, slots, size


def lengths(start: bytes, most: tuple[int, int] = (MAX_HEADER, MAX_PAYLOAD)) -> tuple[int, int]:
    """Lengths of header and payload, from the start of a frame; `most` that they may be.

    Raises:
        BadFrame: they pass the limits.
    """
    header, payload = PREFIX.unpack_from(start)
    if header > most[0] or payload > most[1]:
        raise BadFrame("a frame is too long")
    return header, payload


@functools.lru_cache(maxsize=4)  # few: each may be large, and a hostile cell's are all different
def _parse(header: bytes) -> tuple[dict[str, Any], tuple[Slot, ...], int, bool]:
    """Fields, where each array lies, the length of the payload, and whether it lies in shared memory."""
    try:
        data = json.loads(header)
        fields, layout, shared = data["fields"], data["arrays"], data.get("shared", False)
        if not isinstance(fields, dict) or not isinstance(layout, list) or not isinstance(shared, bool):
            raise BadFrame("a frame's header is malformed")
        slots, size = _slots([(str(name), code, tuple(_checked(shape))) for name, code, shape in layout])
    except (KeyError, TypeError, ValueError, RecursionError):
        raise BadFrame("a frame's header is malformed") from None
    return fields, slots, size, shared


def _slots(layout: Sequence[tuple[str, str, tuple[int, ...]]]) -> tuple[tuple[Slot, ...], int]:
    slots, offset = [], 0
    for name, code, shape in layout:
        dtype, count = DTYPES[code], 1
        for length in shape:
            count *= length
        slots.append((name, dtype, shape, count, offset))
        offset += count * dtype.itemsize
        offset += -offset % ALIGNMENT
    return tuple(slots), offset


def _checked(shape: object) -> list[int]:
    if not isinstance(shape, list) or len(shape) > 8:
        raise BadFrame("a frame's array has a malformed shape")
    count = 1
    for length in shape:
        if type(length) is not int or not 0 <= length <= MAX_PAYLOAD:
            raise BadFrame("a frame's array has a malformed shape")
        count *= max(length, 1)  # nor has NumPy an empty array of any shape whatever
    if count > MAX_PAYLOAD:
        raise BadFrame("a frame's array is too large")
    return shape


def decode(header: bytes, payload: bytes, block: Block | None = None) -> tuple[dict[str, Any], dict[str, Array]]:
    """Fields and arrays of a frame; arrays are read-only views of `payload`, or of the block.

    Args:
        header: as it was sent.
        payload: what followed it.
        block: shared memory that the other side writes.

    Raises:
        BadFrame: header and payload do not fit each other.
    """
    if header:
        fields, slots, size, shared = _parse(header)
        if not shared or block is None:
            return fields, _unshared(payload, slots, size)
        if size > len(block):
            raise BadFrame("a frame's arrays do not fit into shared memory")
        block.received = fields, slots
    if payload or block is None or block.received is None:
        raise BadFrame("a frame has more than its arrays, or repeats one that never was")
    fields, slots = block.received
    return fields, block.places(slots)


def _unshared(payload: bytes, slots: tuple[Slot, ...], size: int) -> dict[str, Array]:
    if size != len(payload):
        raise BadFrame("a frame's arrays do not fill it")
    return place(payload, slots)
