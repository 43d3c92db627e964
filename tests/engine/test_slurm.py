"""The engine `slurm`, on a SLURM of one node that is really started."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autoreward.testing.engine import check_engine
from tests.engine.one_node import OneNode, missing

pytest.importorskip("submitit", reason="the extra `slurm` is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        bool(missing()), reason=f"there is no SLURM here to start: {', '.join(missing())}; see make slurm"
    ),
]
ROOT = Path(__file__).parents[2]
TELLS, WAITS = "autoreward.testing.faulty:Tells", "autoreward.testing.faulty:Waits"
Cancel = Callable[[], None]


@pytest.fixture(scope="module")
def node() -> Iterator[OneNode]:
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:  # pytest's are too long for a socket
        node = OneNode(Path(folder))
        yield node
        node.stop()


@pytest.fixture(autouse=True)
def in_the_cluster(node: OneNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for name, value in node.variables.items():
        monkeypatch.setenv(name, value)


def until(there: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + 120
    while not there():
        assert time.monotonic() < end, otherwise
        time.sleep(0.1)


def test_keeps_the_engine_contract(tmp_path: Path) -> None:
    check_engine("tests.engine.engines:slurm", tmp_path)
