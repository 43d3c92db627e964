"""Conformance of a `Cell`: what every implementation must do, for plug-in authors and our own tests.

Covered: the contract; faults; hostile programs, those of `testing.hostile` and all of both collections; isolation, as
the cell tells it and as it can be seen from outside (files, sockets, processes and their locks). Not covered: what a
cell does that is no child of this process, such as one on another machine; there, what it tells has to be believed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from autoreward.errors import CellFailed, RewardRefused
from autoreward.sandbox.contract import Cell, Memory
from autoreward.sandbox.isolation import LEVELS, level_of
from autoreward.testing import hostile
from autoreward.testing.cell import BEST, PLAIN, SCHEMA, SIGNS, episodes, sample, score_in_chunks
from autoreward.testing.outside import children, locks
from autoreward.testing.programs import check_programs

CANARY_VARIABLE = "AUTOREWARD_CHECK_CELL_API_KEY"


def check_cell(new_cell: Callable[[], Cell], every: int = 1) -> None:
    """Check an implementation of `Cell`: that it scores, names faults, withstands hostile programs, and is honest.

    Endless and greedy programs are tried on cells that say to have a process of their own (level C or better).

    Args:
        new_cell: makes a cell without a program; its deadline is waited for some dozen times.
        every: of the collections of `testing.arm`, only every so many-th file; all of them take minutes.

    Raises:
        AssertionError: it breaks the contract; the message says which part.
    """
    before = children()
    parts = (_check_plain, _check_memory, _check_signs, _check_refusals, _check_faults, _check_isolation)
    for part in (*parts, _check_faulty, _check_prying, _check_endless, _check_greedy, _check_close):
        cell = new_cell()
        try:
            part(cell)
        finally:
            cell.close()
            cell.close()
    check_programs(new_cell, every)
    assert children() <= before, "no process stays behind"


def _check_plain(cell: Cell) -> None:
    program = cell.load(PLAIN, SCHEMA, "terms")
    assert program.inputs == ("next_state.tip", "next_state.goal", "action"), "load tells which arrays are read"
    assert program.weights == {"near": 1.0, "effort": 0.1}, "load tells the weights"
    inputs = sample(5, 3)
    scores = cell.score(inputs, episodes(5, 3), Memory())
    assert set(scores.terms) == {"near", "effort"}, "terms are named as the program names them"
    expected = -np.linalg.norm(inputs["next_state.tip"] - inputs["next_state.goal"], axis=-1)
    for term in scores.terms.values():
        assert term.shape == (5, 3) and term.dtype == np.float32, "terms are [T, N] float32"
    np.testing.assert_allclose(scores.terms["near"], expected, rtol=1e-5, err_msg="terms are what the program computes")
    assert not scores.memory.values, "a program without memory leaves none"
    order = np.array([2, 0, 1])
    moved = cell.score({name: array[:, order] for name, array in inputs.items()}, episodes(5, 3)[:, order], Memory())
    for name, term in scores.terms.items():
        np.testing.assert_allclose(moved.terms[name], term[:, order], rtol=1e-6, err_msg="rows are independent")


def _check_memory(cell: Cell) -> None:
    assert cell.load(BEST, SCHEMA, "terms").uses_memory, "load tells that memory is used"
    inputs, begun = sample(9, 4), episodes(9, 4)
    whole, memory = score_in_chunks(cell, inputs, begun, [])
    assert (whole["progress"][begun] == 0).all(), "an episode that begins has no past"
    since = np.zeros(4)
    for step in range(9):
        since = np.where(begun[step], 0, since)
        np.testing.assert_array_equal(
            whole["steps"][step], since, err_msg="memory lasts through an episode, not longer"
        )
        since = since + 1
    for cuts in ([1], [4], [2, 3, 7], list(range(1, 9))):
        parts, after = score_in_chunks(cell, inputs, begun, cuts)
        for name, term in whole.items():
            np.testing.assert_array_equal(parts[name], term, err_msg="cutting a chunk changes nothing")
        for name, values in memory.values.items():
            np.testing.assert_array_equal(after.values[name], values, err_msg="cutting a chunk changes no memory")
            np.testing.assert_array_equal(after.present[name], memory.present[name])
    order = np.array([3, 1, 0, 2])
    moved, _ = score_in_chunks(cell, {name: array[:, order] for name, array in inputs.items()}, begun[:, order], [])
    few, _ = score_in_chunks(cell, {name: array[:, :2] for name, array in inputs.items()}, begun[:, :2], [])
    for name, term in whole.items():
        np.testing.assert_array_equal(moved[name], term[:, order], err_msg="memory belongs to its row")
        np.testing.assert_array_equal(few[name], term[:, :2], err_msg="rows do not depend on how many there are")
    again, _ = score_in_chunks(cell, inputs, begun, [])
    for name, term in whole.items():
        np.testing.assert_array_equal(again[name], term, err_msg="a chunk can be scored again from the same memory")


def _check_signs(cell: Cell) -> None:
    cell.load(SIGNS, SCHEMA, "signs")
    scores = cell.score(sample(4, 3), episodes(4, 3), Memory())
    assert set(scores.terms) == {"sparse.reached", "dense.approach"}, "in `signs`, terms are named by their function"


def _check_refusals(cell: Cell) -> None:
    for source, grammar, what in (
        (PLAIN, "signs", "a file of another grammar is refused"),
        (SIGNS, "terms", "a file of another grammar is refused"),
        (PLAIN.replace('"tip"', '"tipp"'), "terms", "an unknown field is refused"),
        ("import os\n" + PLAIN, "terms", "an import is refused"),
        ("(", "terms", "a syntax error is refused"),
    ):
        try:
            cell.load(source, SCHEMA, grammar)  # type: ignore[arg-type]
        except RewardRefused:
            continue
        raise AssertionError(what)
    cell.load(PLAIN, SCHEMA, "terms")
    assert cell.score(sample(1, 1), episodes(1, 1), Memory()).terms, "a refused program leaves the cell usable"


def _check_faults(cell: Cell) -> None:
    for value, reason, what in (
        ("1 / 0", "exception", "an exception is told as such"),
        ("np.log(next_state['height'] * 0 - 1)", "output", "NaN is refused"),
        ("next_state['height'] * 1e9", "output", "huge values are refused"),
        ("next_state['tip']", "output", "a term of another shape is refused"),
    ):
        source = f"WEIGHTS = {{'a': 1}}\ndef compute_reward(state, action, next_state, memory):\n    x = {value}\n"
        cell.load(source + "    return {'a': x}\n", SCHEMA, "terms")
        try:
            cell.score(sample(2, 3), episodes(2, 3), Memory())
        except CellFailed as error:
            assert error.reason == reason, what
            assert error.line == 3 or reason == "output", "the line of an exception is told"
            continue
        raise AssertionError(what)


def _check_isolation(cell: Cell) -> None:
    before = children()
    cell.load(PLAIN, SCHEMA, "terms")
    found = cell.isolation
    assert found is not None, "a cell with a program tells its isolation"
    if found.level == "D":
        return
    shown = level_of(found.probes, found.filters, found.landlock)
    assert LEVELS.index(found.level) >= LEVELS.index(shown), "a level is what the probes show, or less"
    for process in children() - before if found.level in ("A", "B") else ():
        seen = locks(process)
        assert seen["NoNewPrivs"] == 1 and seen["Seccomp"] == 2, "the kernel says that it locks each process of a cell"
        assert seen.get("Seccomp_filters", found.filters) >= found.filters, "by as many filters as the cell says"


def _is_isolated(cell: Cell) -> bool:
    cell.load(PLAIN, SCHEMA, "terms")
    return cell.isolation is not None and cell.isolation.level != "D"


def _fails(cell: Cell, source: str, what: str) -> RewardRefused | CellFailed:
    """The program must be refused or fail, leave its inputs alone, and the cell fit for the next program."""
    inputs, begun = sample(3, 4), episodes(3, 4)
    before = {name: array.copy() for name, array in inputs.items()}
    try:
        cell.load(source, SCHEMA, "terms")
        scores = cell.score(inputs, begun, Memory())
    except (RewardRefused, CellFailed) as error:
        for name, array in before.items():
            np.testing.assert_array_equal(inputs[name], array, err_msg=f"{what}: inputs stay as they were")
        cell.load(PLAIN, SCHEMA, "terms")
        assert cell.score(inputs, begun, Memory()).terms, f"{what}: the cell can be used again"
        return error
    raise AssertionError(f"{what} must be refused or fail, but gave {sorted(scores.terms)[:3]}")


def _check_faulty(cell: Cell) -> None:
    for what, source in hostile.FAULTY.items():
        _fails(cell, source, what)


def _check_prying(cell: Cell) -> None:
    """A secret in a file and in the environment: no program gets at it, and no message holds it."""
    canary = "canary-of-check-cell"
    before = os.environ.get(CANARY_VARIABLE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "secret.txt"
        path.write_text(canary)
        os.environ[CANARY_VARIABLE] = canary
        try:
            for line, source in hostile.prying(str(path)).items():
                assert canary not in str(_fails(cell, source, line)), "no message holds a secret"
        finally:
            del os.environ[CANARY_VARIABLE]
            if before is not None:
                os.environ[CANARY_VARIABLE] = before
        assert path.read_text() == canary, "no program changes a file"
        assert [found.name for found in Path(folder).iterdir()] == [path.name], "no program writes a file"


def _check_endless(cell: Cell) -> None:
    if not _is_isolated(cell):
        return
    for what, source in hostile.ENDLESS.items():
        error = _fails(cell, source, what)
        assert isinstance(error, RewardRefused) or error.reason in ("deadline", "memory"), f"{what}: the reason is told"


def _check_greedy(cell: Cell) -> None:
    if not _is_isolated(cell):
        return
    for what, source in hostile.GREEDY.items():
        error = _fails(cell, source, what)
        reasons = ("memory", "deadline")
        assert isinstance(error, RewardRefused) or error.reason in reasons, f"{what}: the reason is told"


def _check_close(cell: Cell) -> None:
    cell.load(PLAIN, SCHEMA, "terms")
    cell.close()
    try:
        cell.score(sample(1, 1), episodes(1, 1), Memory())
    except CellFailed as error:
        assert error.reason == "died", "a closed cell says so"
    else:
        raise AssertionError("a closed cell must not score")
    cell.load(PLAIN, SCHEMA, "terms")
    assert cell.score(sample(1, 1), episodes(1, 1), Memory()).terms, "a closed cell can load again"
