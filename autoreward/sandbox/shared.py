"""Memory that a cell shares with its parent: one block for what goes in, one for what comes out.

Covered: the kernel lets the cell only read its inputs; neither side can change the size of a block, so no access beyond
an end that was cut off kills the other side; a block lasts no longer than the processes that have mapped it, and is in
no folder. Not covered: what the arrays that come out hold, and that it changes while one looks (`outputs.py` copies
first); systems without sealed memory, where everything goes through the pipes.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Slot = tuple[str, np.dtype[Any], tuple[int, ...], int, int]
"""Name, dtype, shape, count and offset of an array in a payload."""

SIZE = 1 << 26
"""Bytes of a block; a page costs nothing until it is used. Longer payloads go through the pipes."""
_SEAL, _SHRINK, _GROW, _FUTURE_WRITE = 0x1, 0x2, 0x4, 0x10


class Block:
    """One block, as one process has mapped it.

    Attributes:
        written: fields and arrays of the last frame that this side has put here.
        received: fields and places of the last one that the other side has.
    """

    def __init__(self, descriptor: int, *, writable: bool) -> None:
        """Map a block; the descriptor may be closed afterwards.

        Args:
            descriptor: of the block.
            writable: false: the kernel refuses writing.
        """
        self._bytes = memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ))
        self.written: tuple[dict[str, Any], dict[str, Array]] | None = None
        self._forms: list[tuple[Array, tuple[int, ...], np.dtype[Any]]] = []
        self.received: tuple[dict[str, Any], tuple[Slot, ...]] | None = None
        self._views: tuple[tuple[Slot, ...], dict[str, Array]] | None = None

    def __len__(self) -> int:
        """Its size, bytes."""
        return len(self._bytes)

    def places(self, slots: tuple[Slot, ...]) -> dict[str, Array]:
        """The arrays at these places of the block itself: the other side may change them at any time."""
        if self._views is None or self._views[0] is not slots:
            self._views = slots, place(self._bytes, slots)
        return self._views[1]

    def write(self, fields: Mapping[str, Any], slots: tuple[Slot, ...], arrays: Mapping[str, Array]) -> None:
        """Put a frame's arrays at these places."""
        places = self.places(slots)
        for name, array in arrays.items():
            places[name][...] = array
        self.written = dict(fields), places
        self._forms = [(places[name], array.shape, array.dtype) for name, array in arrays.items()]

    def rewrite(self, fields: Mapping[str, Any], arrays: Mapping[str, Array]) -> bool:
        """Put arrays where those of the last frame lie; false if anything but their numbers differs from it."""
        if self.written is None or fields != self.written[0] or [*arrays] != [*self.written[1]]:
            return False
        for (place, shape, dtype), array in zip(self._forms, arrays.values(), strict=True):
            if array is not place:
                if array.shape != shape or array.dtype != dtype:
                    return False
                place[...] = array
        return True

    def place(self, name: str) -> Array | None:
        """Where the last frame of this side has that array, if it has one: what is put there need not be copied."""
        return self.written[1].get(name) if self.written else None


def place(payload: bytes | memoryview, slots: Sequence[Slot]) -> dict[str, Array]:
    """The arrays of a payload that holds them all; they are as read-only as it is."""
    return {
        name: np.frombuffer(payload, dtype, count, offset).reshape(shape) if count else np.zeros(shape, dtype)
        for name, dtype, shape, count, offset in slots
    }


@dataclass(frozen=True)
class Blocks:
    """The blocks of a cell, as one of the two processes has mapped them."""

    inputs: Block
    outputs: Block
    descriptors: tuple[int, ...] = ()
    """For the child to inherit."""

    def close_descriptors(self) -> None:
        """The mappings stay."""
        for descriptor in self.descriptors:
            os.close(descriptor)


def create(size: int = SIZE) -> Blocks | None:
    """The parent's blocks, sealed; None where the system has none. Close the descriptors once the child has them."""
    with contextlib.ExitStack() as opened:
        try:
            inputs, outputs = (_open(name, size, opened) for name in ("inputs", "outputs"))
            blocks = Blocks(Block(inputs, writable=True), Block(outputs, writable=False), (inputs, outputs))
            # The mapping above stays writable; no other can be, whatever the child does with its descriptor.
            fcntl.fcntl(inputs, fcntl.F_ADD_SEALS, _SEAL | _SHRINK | _GROW | _FUTURE_WRITE)
            fcntl.fcntl(outputs, fcntl.F_ADD_SEALS, _SEAL | _SHRINK | _GROW)
        except (AttributeError, OSError):  # no memfd, or a kernel before 5.1
            return None
        opened.pop_all()
        return blocks


def attach(inputs: int, outputs: int) -> Blocks:
    """The child's blocks, from the descriptors that it has inherited, which are closed."""
    blocks = Blocks(Block(inputs, writable=False), Block(outputs, writable=True), (inputs, outputs))
    blocks.close_descriptors()
    return blocks


def _open(name: str, size: int, opened: contextlib.ExitStack) -> int:
    descriptor = os.memfd_create(f"autoreward-{name}", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    opened.callback(os.close, descriptor)
    os.truncate(descriptor, size)
    return descriptor
