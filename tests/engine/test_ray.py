"""The engine `ray`, in a Ray that is really started."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoreward.testing.engine import check_engine

pytest.importorskip("ray", reason="the extra `ray` is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Workers find the engines of these tests from where they are started; no token is left in the user's home."""
    monkeypatch.chdir(Path(__file__).parents[2])
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef" * 4)


def test_keeps_the_engine_contract(tmp_path: Path) -> None:
    check_engine("tests.engine.engines:ray", tmp_path)
