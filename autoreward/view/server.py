"""Serves the local page, on this machine's own address only."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from autoreward.errors import UserError
from autoreward.view.app import View
from autoreward.view.index import Index
from autoreward.view.slow import SlowPages

ADDRESS = "127.0.0.1"


class Served:
    """A page that is being served."""

    def __init__(self, url: str, thread: threading.Thread) -> None:
        self.url = url
        """Its address, such as `http://127.0.0.1:40123/`."""
        self._thread = thread

    def wait(self) -> None:
        """Until it ends, or the process is interrupted."""
        while self._thread.is_alive():
            self._thread.join(1.0)


@contextmanager
def serve(runs: Path, port: int = 0) -> Iterator[Served]:
    """Serve the page over a runs folder until the context ends.

    Args:
        runs: the folder.
        port: 0 takes a free one.

    Raises:
        UserError: there is no such folder, or the port is taken.
    """
    if not runs.is_dir():
        raise UserError(f"there is no folder {runs}; start a run with `autoreward run reacher`, or name another folder")
    listening = _listening(port)
    view = View(Index(runs), SlowPages())
    settings = uvicorn.Config(
        view.app(),
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, args=([listening],), name="view", daemon=True)
    thread.start()
    # The first look takes the longest: it begins before the browser asks.
    threading.Thread(target=view.prepare, name="first look", daemon=True).start()
    try:
        yield Served(f"http://{ADDRESS}:{listening.getsockname()[1]}/", thread)
    finally:
        server.should_exit = True
        view.slow.close()
        thread.join()
        listening.close()


def _listening(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((ADDRESS, port))
    except OSError as error:
        listening.close()
        reason = error.strerror or str(error)
        raise UserError(f"port {port} cannot be used: {reason}; leave out --port to take a free one") from None
    listening.listen(100)
    return listening
