"""Programs made to break this verifier and these guards, and good ones as language models write them.

The header of each file says what must be found: for `reject` the rule, before anything runs; for `contain` and `fault`
the check of the dry run and words of its message; for `accept` the task. Hostile ones run in a cell alone.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from autoreward.critic.contract import Verdict
from autoreward.critic.verify import verify
from autoreward.envs.contract import Transitions
from autoreward.errors import RewardRefused
from autoreward.language.program import Grammar
from autoreward.language.static import check, grammar_of, without_comments
from autoreward.sandbox.contract import Cell
from autoreward.sandbox.process import ProcessCell
from autoreward.schema import EnvSchema
from autoreward.testing.arm import FOLDER
from autoreward.testing.cell import SCHEMA
from autoreward.testing.programs import surroundings

OWN = FOLDER / "own"
RECORDED = surroundings("own", "")[1]
MEMORY = 400_000_000
OF_THE_KERNEL = ("MemoryError", "inputs are read-only")
OF_TIME = ("res_103_shift", "res_114_lapack", "res_115_zips_of_zips")
"""A few of those that only a deadline or a crash ends: each takes seconds."""


def header(path: Path, key: str) -> str:
    found = re.search(rf"^# {key}: (.*)$", path.read_bytes().decode(errors="replace"), re.MULTILINE)
    return found[1].strip() if found else ""


def files(*expected: str) -> list[Path]:
    found = [path for path in sorted(OWN.glob("*.txt")) if header(path, "expect") in expected]
    assert found
    return found


def marks(path: Path) -> list[pytest.MarkDecorator]:
    """Who runs a program matters only where the kernel's limits do: those are marked `any_user`."""
    limit = any(said in header(path, "found") for said in OF_THE_KERNEL) or path.stem in OF_TIME
    return [pytest.mark.any_user] if limit else []


class Kept:
    """A cell that outlives one program, so that tests need not start one for each."""

    def __init__(self) -> None:
        self.cell = ProcessCell(deadline=2.0, load_deadline=2.0, memory_bytes=MEMORY)
        self.load, self.score = self.cell.load, self.cell.score

    def close(self) -> None:
        """The fixture closes it."""


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    kept = Kept()
    yield kept
    kept.cell.close()


def cells(kept: Kept) -> Callable[[], Cell]:
    """The kept cell first, then fresh ones: the check of determinism needs another process."""
    first: list[Cell] = [kept]
    return lambda: first.pop() if first else ProcessCell(deadline=2.0, load_deadline=2.0, memory_bytes=MEMORY)


def examined(path: Path, kept: Kept, schema: EnvSchema, recorded: Transitions) -> Verdict:
    source = path.read_bytes().decode()
    return verify(source, schema, grammar_of(source), recorded, cells(kept))


@pytest.mark.parametrize("path", files("reject"), ids=lambda path: path.stem)
def test_refused_before_anything_runs(path: Path, kept: Kept) -> None:
    source, rule = path.read_bytes().decode(), header(path, "found")
    try:
        check(source, SCHEMA.names, "terms")
    except RewardRefused as refusal:
        assert refusal.rule == rule
        assert len(str(refusal)) < 400
        return
    # RestrictedPython, the second opinion, or the compiler: in the cell, before the program runs.
    with pytest.raises(RewardRefused):
        kept.load(source, SCHEMA, "terms")
    assert rule == "contract"


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=marks(path)) for path in files("contain", "fault")],
    ids=lambda path: path.stem,
)
def test_found_by_the_dry_run(path: Path, kept: Kept) -> None:
    before = {name: array.copy() for name, array in RECORDED.inputs.items()}
    verdict = examined(path, kept, SCHEMA, RECORDED)
    where, _, said = header(path, "found").partition(":")
    assert verdict.status == "invalid"
    # What hangs on the speed of the machine is found by one check or the next.
    assert verdict.checks[-1].name in where.split("|"), verdict.checks[-1].message
    assert said.strip() in verdict.checks[-1].message
    assert "IGNORE" not in verdict.checks[-1].message
    for name, array in RECORDED.inputs.items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("path", files("accept"), ids=lambda path: path.stem)
def test_good_programs_are_accepted_and_score(path: Path, kept: Kept) -> None:
    schema, recorded = surroundings("own", header(path, "task"))
    verdict = examined(path, kept, schema, recorded)
    assert verdict.status == "accepted", verdict.checks[-1].message
    assert check(without_comments(path.read_text()), schema.names, grammar_of(path.read_text()))


def test_there_are_enough_of_each_kind() -> None:
    assert len(files("reject", "contain", "fault")) >= 60
    assert len(files("accept")) >= 40
    grammars: set[Grammar] = {grammar_of(path.read_text()) for path in files("accept")}
    assert grammars == {"terms", "signs"}
