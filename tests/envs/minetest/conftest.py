from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from minetest_scene import Scene

from autoreward.envs.minetest.server import Server, find
from autoreward.errors import UserError


@pytest.fixture(scope="session")
def installed() -> str:
    """The server's file; without it these tests are left out."""
    try:
        return find()
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def running(installed: str) -> Iterator[Server]:
    """One server for all tests of a file: each builds its own world on it."""
    server = Server(installed)
    yield server
    server.close()


@pytest.fixture
def scene(running: Server) -> Callable[..., Scene]:
    """Makes scenes on the server."""
    return lambda **given: Scene(running, **given)
