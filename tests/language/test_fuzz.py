"""Mutants of the whole corpus: the verifier never crashes or hangs, and what it lets through has no effect outside."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutants import MUTATIONS, TEXT, TREE

from autoreward.errors import CellFailed, RewardRefused
from autoreward.language.program import Program
from autoreward.language.static import check, grammar_of
from autoreward.sandbox.contract import Memory
from autoreward.sandbox.process import ProcessCell
from autoreward.schema import EnvSchema, Field
from autoreward.testing.arm import FOLDER
from autoreward.testing.cell import SCHEMA, episodes, sample

PROGRAMS = [
    text
    for path in sorted(FOLDER.glob("*/*.txt"))
    if len(text := path.read_bytes().decode("utf-8", "surrogateescape")) < 20_000
]
OTHERS = {"qpos": 7, "qvel": 6, "ee_pos": 3, "obj_pos": 3, "goal_pos": 3, "contact_force": 4, "time": 0}
BOTH = EnvSchema(
    env_id="fuzz",
    fields=(
        *SCHEMA.fields,
        *(Field(name=name, shape=(size,) if size else (), meaning="of the corpus") for name, size in OTHERS.items()),
    ),
    action=SCHEMA.action,
    step_limit=50,
)
STEPS, ROWS = 2, 4
INPUTS = sample(STEPS, ROWS) | {
    f"{side}.{name}": np.random.default_rng(size).normal(size=(STEPS, ROWS, size) if size else (STEPS, ROWS))
    for side in ("state", "next_state")
    for name, size in OTHERS.items()
}
SECONDS = 3.0
"""Of processor time, which other work on the machine lengthens by half at most: a hang, not a measurement."""

mutants = st.tuples(
    st.sampled_from(PROGRAMS),
    st.lists(st.sampled_from(TREE), max_size=4),
    st.lists(st.sampled_from(TEXT), max_size=2),
    st.integers(0, 2**32 - 1),
)
"""A program, changes of its tree, changes of its text, and the seed of their choices."""
Mutant = tuple[str, list[str], list[str], int]


@pytest.fixture(scope="module")
def cell() -> Iterator[ProcessCell]:
    others = children()
    cell = ProcessCell(deadline=0.5, load_deadline=1.0, memory_bytes=400_000_000)
    assert cell.start().level in ("A", "B")
    yield cell
    cell.close()
    assert children() <= others, "no process stays behind"


def children() -> set[str]:
    """Processes that this one has started and that have not ended."""
    threads = os.listdir("/proc/self/task")
    return {child for thread in threads for child in Path(f"/proc/self/task/{thread}/children").read_text().split()}


def mutated(mutant: Mutant) -> str:
    text, of_tree, of_text, seed = mutant
    random = Random(seed)
    for name in (*of_tree, *of_text):
        text = MUTATIONS[name](text, random, PROGRAMS)
    return text


def accepted(source: str) -> Program | None:
    """What the static rules find; nothing but a refusal may come out of them, and soon."""
    began = time.process_time()
    try:
        return check(source, BOTH.names, grammar_of(source))
    except RewardRefused as refusal:
        assert len(str(refusal)) < 700
        return None
    finally:
        assert time.process_time() - began < SECONDS


def try_out(source: str, program: Program, cell: ProcessCell, others: set[str]) -> None:
    """Run it in the cell; a fault is fine, an effect is not."""
    before = {name: array.copy() for name, array in INPUTS.items()}
    try:
        loaded = cell.load(source, BOTH, program.grammar)
        assert loaded == program
        scores = cell.score(INPUTS, episodes(STEPS, ROWS), Memory())
        assert all(term.shape == (STEPS, ROWS) and np.isfinite(term).all() for term in scores.terms.values())
    except (RewardRefused, CellFailed) as error:
        assert "IGNORE ALL PREVIOUS" not in str(error)
    for name, array in INPUTS.items():
        np.testing.assert_array_equal(array, before[name])
    assert len(children() - others) <= 1, "the cell's own process alone"
    assert not [name for folder in (".", "/", "/tmp") for name in os.listdir(folder) if name.startswith("PWNED")]


def fuzz(count: int, cell: ProcessCell, derandomize: bool) -> int:
    """Try mutants; the number of those that ran."""
    ran, others = 0, children() - {str(cell.pid)}

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=derandomize,
        suppress_health_check=list(HealthCheck),
    )
    @given(mutants)
    def try_one(mutant: Mutant) -> None:
        nonlocal ran
        source = mutated(mutant)
        if program := accepted(source):
            ran += 1
            try_out(source, program, cell, others)

    try_one()
    return ran


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*/*.txt")), ids=lambda path: path.stem)
def test_every_file_is_checked_in_time(path: Path) -> None:
    accepted(path.read_bytes().decode("utf-8", "surrogateescape"))


def test_mutants_are_refused_or_harmless(cell: ProcessCell) -> None:
    assert fuzz(2_000, cell, derandomize=True) > 30


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_more_mutants_are_refused_or_harmless(cell: ProcessCell) -> None:
    assert fuzz(20_000, cell, derandomize=False) > 400
