"""Cells for the tests of their processes."""

from collections.abc import Iterator

import pytest

from autoreward.sandbox.process import ProcessCell
from tests.sandbox.escaped import ESCAPED


@pytest.fixture
def escaped(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessCell]:
    """`escaped.load(CODE, ...)` runs CODE in the cell, whatever it is; `tell(value)` there raises CellFailed here."""
    monkeypatch.setattr("autoreward.sandbox.process._BOOT", ESCAPED)
    cell = ProcessCell(load_deadline=3.0)
    yield cell
    cell.close()


@pytest.fixture
def cell() -> Iterator[ProcessCell]:
    cell = ProcessCell()
    yield cell
    cell.close()
