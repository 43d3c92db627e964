from __future__ import annotations

from pathlib import Path

import pytest

from autoreward.task import load_task


@pytest.fixture(scope="session")
def interpreter() -> str:
    """Meta-World's; without it these tests are left out."""
    env = load_task("metaworld/drawer_open").env
    assert env.python is not None
    if not Path(env.python).exists():
        pytest.skip(f"Meta-World is left out; for it, type: {env.install}")
    return env.python
