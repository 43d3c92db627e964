"""Chunks of one form after another, and of other forms between them: each is scored as in a cell without a process."""

import sys
from collections.abc import Iterator

import numpy as np
import pytest

from autoreward.errors import CellFailed
from autoreward.sandbox.contract import Array, Memory
from autoreward.sandbox.inprocess import InProcessCell
from autoreward.sandbox.process import ProcessCell
from autoreward.testing.cell import BEST, PLAIN, SCHEMA, episodes, sample

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sealed memory is Linux's")

FAULTY = BEST.replace("    best = ", "    assert_small = [0, 1, 2, 3][distance.shape[0]]\n    best = ")
"""Fails with more than three rows."""


@pytest.fixture
def cell() -> Iterator[ProcessCell]:
    cell = ProcessCell()
    yield cell
    cell.close()


def same(one: ProcessCell, other: InProcessCell, inputs: dict[str, Array], begun: Array, memory: Memory) -> Memory:
    """Score in both, and compare all that comes out."""
    found, expected = one.score(inputs, begun, memory), other.score(inputs, begun, memory)
    for name, term in expected.terms.items():
        np.testing.assert_array_equal(found.terms[name], term)
    assert found.memory.values.keys() == expected.memory.values.keys()
    for name, values in expected.memory.values.items():
        np.testing.assert_array_equal(found.memory.values[name], values)
        np.testing.assert_array_equal(found.memory.present[name], expected.memory.present[name])
    return found.memory


def test_forms_may_change_from_chunk_to_chunk(cell: ProcessCell) -> None:
    other = InProcessCell()
    for source in (PLAIN, BEST):
        for one in (cell, other):
            one.load(source, SCHEMA, "terms")
        for seed, (steps, rows) in enumerate([(2, 3), (2, 3), (3, 2), (3, 2), (1, 6), (6, 1), (2, 3), (2, 0), (2, 3)]):
            memory = Memory()
            for part in range(3):
                memory = same(cell, other, sample(steps, rows, 10 * seed + part), episodes(steps, rows, part), memory)


def test_inputs_of_other_dtypes_and_orders_are_taken_as_they_are_meant(cell: ProcessCell) -> None:
    other = InProcessCell()
    for one in (cell, other):
        one.load(PLAIN, SCHEMA, "terms")
    for change in (np.float64, np.float32, np.float16):
        for seed in range(2):
            inputs = {name: np.asfortranarray(array.astype(change)) for name, array in sample(4, 3, seed).items()}
            same(cell, other, inputs, np.asfortranarray(episodes(4, 3)), Memory())


def test_memory_of_another_kind_is_taken_as_it_is(cell: ProcessCell) -> None:
    other = InProcessCell()
    for one in (cell, other):
        one.load(BEST, SCHEMA, "terms")
    memory = same(cell, other, sample(1, 3), episodes(1, 3), Memory())
    going_on = np.zeros((1, 3), np.bool_)
    for kind in (np.int64, np.float32, np.int64):
        values = {**memory.values, "steps": memory.values["steps"].astype(kind)}
        same(cell, other, sample(1, 3, 1), going_on, Memory(values, memory.present))


def test_a_form_that_failed_is_none_to_repeat(cell: ProcessCell) -> None:
    other = InProcessCell()
    for one in (cell, other):
        one.load(FAULTY, SCHEMA, "terms")
    for seed in range(3):
        same(cell, other, sample(2, 3, seed), episodes(2, 3), Memory())
        with pytest.raises(CellFailed, match="line"):
            cell.score(sample(2, 4, seed), episodes(2, 4), Memory())
        with pytest.raises(ValueError, match="shape"):
            cell.score(sample(3, 3, seed), episodes(2, 3), Memory())
        with pytest.raises(ValueError, match="not among the inputs"):
            cell.score({}, episodes(2, 3), Memory())
