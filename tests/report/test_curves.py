"""What is said of a term: its numbers in words, and the line that computes it."""

import pytest

from autoreward.report.curves import TermRow, term_line, term_lines, term_rows
from autoreward.training.contract import TermStatistics, TrainingResult

PROGRAM = """\
WEIGHTS = {"near": 1.0, "rest": 0.1}
def compute_reward(state, action, next_state, memory):
    near = -state["d"]
    near = np.exp(near)
    return {"near": near, "rest": -np.abs(action[:, 0]),
        "still": 1.0 * near}
"""
SIGNS = """\
def sparse(state, action, next_state, memory):
    return {"a": state["x"] > 1}
def dense(state, action, next_state, memory):
    return {"a": state["y"], "b(": 1}
"""


def statistics(share: float, correlation: float | None = None, constant: bool = False) -> TermStatistics:
    numbers = {"curve": (0.0, 1.0), "mean": 1.0, "std": 1.0, "share": share, "score_correlation": None}
    return TermStatistics(**numbers, success_correlation=correlation, constant=constant)


@pytest.mark.parametrize(
    ("source", "term", "line"),
    [
        (PROGRAM, "near", (4, "near = np.exp(near)")),
        (PROGRAM, "rest", (5, '"rest": -np.abs(action[:, 0])')),
        (PROGRAM, "still", (6, '"still": 1.0 * near')),
        (PROGRAM, "missing", None),
        (SIGNS, "sparse.a", (2, '"a": state["x"] > 1')),
        (SIGNS, "dense.a", (4, '"a": state["y"]')),
        (SIGNS, "dense.b(", (4, '"b(": 1')),
        (SIGNS, "nothing.a", None),
        ("", "a", None),
    ],
)
def test_the_line_that_computes_a_term(source: str, term: str, line: tuple[int, str] | None) -> None:
    assert term_line(source, term) == line


@pytest.mark.parametrize(
    ("share", "correlation", "constant", "word"),
    [
        (0.5, 0.6, False, "pays more where the task is done"),
        (0.5, -0.6, False, "pays against success"),
        (0.5, 0.0, False, "pays alike"),
        (0.001, 0.9, False, "hardly counts; pays more"),
        (0.5, None, False, "all episodes ended alike"),
        (0.5, None, True, "never changed"),
    ],
)
def test_what_the_numbers_say(share: float, correlation: float | None, constant: bool, word: str) -> None:
    row = TermRow("a", 1.0, share, 1.0, correlation, constant, None)
    assert word in row.reading


def test_terms_come_by_share_and_over_the_trainings_that_have_them() -> None:
    one = {"small": statistics(0.1), "large": statistics(0.9, 0.4)}
    found = [
        TrainingResult(hash="a", steps=10, status="ok", terms=one, points=(5, 10), own_return=(0.0, 2.0)),
        TrainingResult(hash="b", steps=10, status="ok", terms={"large": statistics(0.7, 0.2)}, points=(5, 10)),
    ]
    rows = term_rows(found, {"large": 2.0}, PROGRAM)
    assert [(row.name, row.weight) for row in rows] == [("large", 2.0), ("small", None)]
    assert (rows[0].share, rows[0].success_correlation) == (pytest.approx(0.8), pytest.approx(0.3))
    assert [line.label for line in term_lines(found)] == ["own return", "large", "small"]
