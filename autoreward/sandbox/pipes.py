"""The parent's side of a cell's pipes: every read and write ends at a deadline, whatever the child does."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
from typing import Any

from autoreward.sandbox import frames
from autoreward.sandbox.deadline import Deadline
from autoreward.sandbox.shared import Array, Blocks

_PIPE = 1 << 20
"""Bytes that a pipe may hold."""
_LEAST = 1 << 12
"""Bytes that are asked for at once; more only where a frame has more, since a large buffer takes time to get."""


class Late(Exception):
    """The deadline passed."""


class Gone(Exception):
    """The other side closed the pipe."""


class Channel:
    """Request and reply over two pipes.

    Attributes:
        inputs: shared memory that requests may use, if there is some.
    """

    def __init__(self, write: int, read: int, blocks: Blocks | None = None) -> None:
        """Take the descriptors; they stay owned by the caller.

        Args:
            write: towards the child.
            read: from the child.
            blocks: memory that the child shares.
        """
        self._write, self._read = write, read
        self.inputs = blocks.inputs if blocks else None
        self._outputs = blocks.outputs if blocks else None
        self._buffer = b""
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(read, select.POLLIN)
        self._writable.register(write, select.POLLOUT)
        for descriptor in (write, read):
            os.set_blocking(descriptor, False)
            # Fewer switches for large chunks; a system that refuses keeps its default.
            with contextlib.suppress(OSError, AttributeError):
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE)

    def ask(self, request: bytes, deadline: Deadline, most: int = 0) -> tuple[dict[str, Any], dict[str, Array]]:
        """Send a frame and wait for the reply.

        Args:
            request: the frame.
            deadline: of both.
            most: bytes that the arrays of the reply may have outside of shared memory.

        Raises:
            Late: the deadline passed.
            Gone: the child closed its side.
            frames.BadFrame: what came is no frame, or announces more.
        """
        self.send(request, deadline)
        return self.receive(deadline, most)

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Write a frame. Raises as `ask`."""
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._write, view) :]
            except BlockingIOError:
                self._wait(self._writable, deadline)
            except OSError:
                raise Gone from None

    def receive(self, deadline: Deadline, most: int = 0) -> tuple[dict[str, Any], dict[str, Array]]:
        """Read a frame. Raises as `ask`."""
        data = self._buffer or self._some(_LEAST, deadline)
        if data == frames.REPEAT:
            self._buffer = b""
            return frames.decode(b"", b"", self._outputs)
        self._buffer, start = data, frames.PREFIX.size
        data = self._fill(start, deadline)
        header, payload = frames.lengths(data, (frames.MAX_REPLY_HEADER, most))
        end = start + header + payload
        if len(data) < end:
            self._buffer = data
            data = self._fill(end, deadline)
        self._buffer = data[end:]
        return frames.decode(data[start : start + header], data[start + header : end], self._outputs)

    def _fill(self, size: int, deadline: Deadline) -> bytes:
        """What has been read, at least so many bytes of it."""
        parts, missing = [self._buffer], size - len(self._buffer)
        while missing > 0:
            data = self._some(max(_LEAST, min(missing, _PIPE)), deadline)
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)

    def _some(self, size: int, deadline: Deadline) -> bytes:
        """What there is to read, at least a byte and at most `size`."""
        self._wait(self._readable, deadline)
        try:
            if data := os.read(self._read, size):
                return data
        except OSError:
            pass
        raise Gone

    @staticmethod
    def _wait(poll: select.poll, deadline: Deadline) -> None:
        while (remaining := deadline.remaining()) > 0:
            if poll.poll(remaining * 1000):
                return
        raise Late
