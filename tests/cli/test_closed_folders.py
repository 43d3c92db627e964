"""Runs that belong to another user."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoreward.testing.folder import example_run
from tests.conftest import Unprivileged

SHOW = "import sys; from autoreward.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def run() -> Iterator[Path]:
    """An example run in a folder that every user may enter."""
    with tempfile.TemporaryDirectory(prefix="closed-") as name:
        Path(name).chmod(0o755)
        yield example_run(Path(name) / "run")


@pytest.mark.parametrize("command", ["inspect", "why", "report"])
def test_a_run_that_may_not_be_entered_is_said_to_be_closed(
    command: str, run: Path, unprivileged: Unprivileged
) -> None:
    run.chmod(0)
    try:
        done = unprivileged(SHOW, command, str(run))
    finally:
        run.chmod(0o755)
    assert done.returncode == 2
    assert "permission denied; type it as its owner" in done.stderr
    assert "bug" not in done.stderr
