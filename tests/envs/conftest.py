from __future__ import annotations

import sys
from pathlib import Path

import pytest


@pytest.fixture
def own_envs(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module with environments of a user's own."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    sys.modules.pop("own_envs", None)
    return "own_envs"
