"""A chunk is scored alike however it is cut, whatever rows come with it, in whatever order, and in whichever cell."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from autoreward.errors import CellFailed
from autoreward.language.program import Grammar
from autoreward.sandbox.contract import Cell, Memory
from autoreward.sandbox.inprocess import InProcessCell
from autoreward.sandbox.process import ProcessCell
from autoreward.testing.cell import BEST, PLAIN, SCHEMA, SIGNS, sample, score_in_chunks

Array = NDArray[Any]

TRACE = """
WEIGHTS = {"turned": 1.0, "calm": 1.0, "since": 0.0, "seen": 0.0, "first": 0.0}

def compute_reward(state, action, next_state, memory):
    move = next_state["tip"] - state["tip"]
    last = memory.get("move", move)
    memory["move"] = 0.5 * last + 0.5 * move
    low = next_state["height"] < 0.5
    streak = np.where(low, memory.get("streak", 0) + 1, 0)
    memory["streak"] = streak
    memory["streak"] = np.minimum(memory.get("streak", 0), 3)
    kinds = memory.get("kinds", np.zeros((action.shape[0], 5), dtype=bool)) | (
        next_state["kind"][:, np.newaxis] == np.arange(5)
    )
    memory["kinds"] = kinds
    memory["start"] = memory.get("start", state["height"])
    return {
        "turned": np.sum(last * move, axis=-1),
        "calm": np.exp(-np.linalg.norm(move, axis=-1)),
        "since": streak,
        "seen": np.sum(kinds, axis=-1),
        "first": memory.get("start", 0.0),
    }
"""
"""Memory of every kind of number, with and without columns, read before and after it is written."""
LATE = """
WEIGHTS = {"gain": 1.0, "mark": 1.0}

def compute_reward(state, action, next_state, memory):
    before = memory.get("level", 0.0)
    mark = memory.get("mark", next_state["fallen"])
    memory["level"] = np.maximum(before, next_state["height"] - 1.0)
    memory["mark"] = mark | (next_state["kind"] > 3)
    return {"gain": memory.get("level", 0.0) - before, "mark": mark}
"""
SMOOTH = """
WEIGHTS = {"wave": 1.0, "kind": 0.1, "effort": 0.1, "one": 0.0}

def compute_reward(state, action, next_state, memory):
    return {
        "wave": np.sin(next_state["height"]) * np.exp(-state["height"]) + np.tanh(state["tip"][:, 0]),
        "kind": np.where(next_state["fallen"], -1, next_state["kind"]),
        "effort": -np.mean(np.square(action), axis=-1),
        "one": 1.0,
    }
"""
PROGRAMS: dict[str, tuple[str, Grammar]] = {
    "plain": (PLAIN, "terms"),
    "smooth": (SMOOTH, "terms"),
    "best": (BEST, "terms"),
    "signs": (SIGNS, "signs"),
    "trace": (TRACE, "terms"),
    "late": (LATE, "terms"),
}


class Chunk:
    """A rollout: inputs, and where episodes begin."""

    def __init__(self, steps: int, rows: int, seed: int, begun: NDArray[np.bool_]) -> None:
        self.inputs, self.begun, self.steps, self.rows = sample(steps, rows, seed), begun, steps, rows

    def of_rows(self, rows: list[int]) -> tuple[dict[str, Array], NDArray[np.bool_]]:
        """Those rows alone, in that order."""
        return {name: array[:, rows] for name, array in self.inputs.items()}, self.begun[:, rows]

    def __repr__(self) -> str:
        return f"<{self.steps} x {self.rows} {self.begun.astype(int).tolist()}>"


@st.composite
def chunks(draw: st.DrawFn) -> Chunk:
    """At most 9 x 5; the first step begins every episode, as a training does, or continues what memory has."""
    steps, rows = draw(st.integers(1, 9)), draw(st.integers(1, 5))
    begun = np.array(draw(st.lists(st.booleans(), min_size=steps * rows, max_size=steps * rows)), np.bool_)
    return Chunk(steps, rows, draw(st.integers(0, 999)), begun.reshape(steps, rows))


def cuts_of(draw: st.DataObject, chunk: Chunk) -> list[int]:
    return sorted(draw.draw(st.sets(st.integers(1, chunk.steps - 1)))) if chunk.steps > 1 else []


def same_terms(found: dict[str, Array], expected: dict[str, Array]) -> None:
    assert found.keys() == expected.keys()
    for name, term in expected.items():
        np.testing.assert_array_equal(found[name], term, err_msg=name)


def same_memory(found: Memory, expected: Memory) -> None:
    """What rows without a value hold there means nothing."""
    assert found.values.keys() == expected.values.keys()
    for name, present in expected.present.items():
        np.testing.assert_array_equal(found.present[name], present)
        assert found.values[name].dtype == expected.values[name].dtype
        np.testing.assert_array_equal(found.values[name][present], expected.values[name][present], err_msg=name)


def kept(memory: Memory) -> Memory:
    """Memory that has been in a checkpoint."""
    file = io.BytesIO()
    values = {f"values.{name}": array for name, array in memory.values.items()}
    np.savez(file, **values, **{f"present.{name}": array for name, array in memory.present.items()})
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return Memory(
            {name: arrays[f"values.{name}"] for name in memory.values},
            {name: arrays[f"present.{name}"] for name in memory.present},
        )


@pytest.fixture(scope="module", params=PROGRAMS)
def cells(request: pytest.FixtureRequest) -> Iterator[tuple[Cell, Cell, Cell]]:
    """A program in this process, and in two processes of their own."""
    found = InProcessCell(), ProcessCell(), ProcessCell()
    for cell in found:
        source, grammar = PROGRAMS[request.param]
        cell.load(source, SCHEMA, grammar)
    yield found
    for cell in found:
        cell.close()


@settings(max_examples=40, deadline=None)
@given(chunk=chunks(), data=st.data())
def test_chunks_may_be_cut_anywhere(cells: tuple[Cell, Cell, Cell], chunk: Chunk, data: st.DataObject) -> None:
    here, there, _ = cells
    whole, memory = score_in_chunks(here, chunk.inputs, chunk.begun, [])
    steps, after = score_in_chunks(here, chunk.inputs, chunk.begun, list(range(1, chunk.steps)))
    same_terms(steps, whole)
    same_memory(after, memory)
    parts, after = score_in_chunks(there, chunk.inputs, chunk.begun, cuts_of(data, chunk))
    same_terms(parts, whole)
    same_memory(after, memory)


@settings(max_examples=40, deadline=None)
@given(chunk=chunks(), data=st.data())
def test_rows_are_scored_alike_in_any_company(
    cells: tuple[Cell, Cell, Cell], chunk: Chunk, data: st.DataObject
) -> None:
    here, there, _ = cells
    whole, memory = score_in_chunks(here, chunk.inputs, chunk.begun, [])
    rows = data.draw(st.lists(st.integers(0, chunk.rows - 1), min_size=1, max_size=8), label="rows")
    some, after = score_in_chunks(there, *chunk.of_rows(rows), cuts_of(data, chunk))
    same_terms(some, {name: term[:, rows] for name, term in whole.items()})
    values = {name: array[rows] for name, array in memory.values.items()}
    same_memory(after, Memory(values, {name: array[rows] for name, array in memory.present.items()}))


@settings(max_examples=25, deadline=None)
@given(chunk=chunks(), data=st.data())
def test_a_chunk_scored_again_elsewhere_is_the_same(
    cells: tuple[Cell, Cell, Cell], chunk: Chunk, data: st.DataObject
) -> None:
    _, one, other = cells
    cut = data.draw(st.integers(0, chunk.steps), label="cut")
    first = {name: array[:cut] for name, array in chunk.inputs.items()}
    rest = {name: array[cut:] for name, array in chunk.inputs.items()}
    memory = one.score(first, chunk.begun[:cut], Memory()).memory if cut else Memory()
    if cut < chunk.steps:
        found = one.score(rest, chunk.begun[cut:], memory)
        again = other.score(rest, chunk.begun[cut:], kept(memory))
        same_terms(again.terms, found.terms)
        same_memory(again.memory, found.memory)


@settings(max_examples=25, deadline=None)
@given(chunk=chunks())
def test_nothing_of_an_earlier_episode_is_seen(cells: tuple[Cell, Cell, Cell], chunk: Chunk) -> None:
    _, cell, _ = cells
    earlier = cell.score(sample(3, chunk.rows, seed=1000), np.zeros((3, chunk.rows), np.bool_), Memory()).memory
    chunk.begun[0] = True
    fresh = cell.score(chunk.inputs, chunk.begun, Memory())
    same_terms(cell.score(chunk.inputs, chunk.begun, earlier).terms, fresh.terms)


def test_memory_of_another_shape_than_its_default_is_refused() -> None:
    cell = InProcessCell()
    source = (
        'WEIGHTS = {"a": 1.0}\ndef compute_reward(state, action, next_state, memory):\n'
        '    last = memory.get("tip", 0.0)\n    memory["tip"] = next_state["tip"]\n    return {"a": 0.0 * len(last)}\n'
    )
    cell.load(source, SCHEMA, "terms")
    with pytest.raises(CellFailed, match=r"line 3: memory\.get has a default of another shape"):
        cell.score(sample(2, 2), np.zeros((2, 2), np.bool_), Memory())
