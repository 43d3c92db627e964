"""The judge against cases worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autoreward.envs.episodes import EpisodeJudge
from autoreward.errors import UserError
from autoreward.schema import ActionSpec, EnvSchema, Field
from autoreward.task import EnvSpec, Score, SuccessRule, Task

SCHEMA = EnvSchema(
    env_id="x",
    fields=(Field(name="x"), Field(name="v", shape=(2,))),
    action=ActionSpec(kind="continuous", shape=(1,)),
    step_limit=9,
)


def judge(
    num_envs: int = 2, score: Score | None = None, outcomes: dict[str, str] | None = None, **rule: Any
) -> EpisodeJudge:
    success = SuccessRule(expression=rule.pop("expression", "x > 0"), **rule)
    task = Task(name="t", text="t", env=EnvSpec(id="x"), success=success, score=score, outcomes=outcomes or {})
    return EpisodeJudge(task, SCHEMA, num_envs)


def feed(judge: EpisodeJudge, *columns: list[float]) -> list[Any]:
    return [
        judge.step({"x": np.array(column, dtype=np.float32), "v": np.zeros((len(column), 2), np.float32)})
        for column in columns
    ]


BOTH = np.array([True, True])


def test_ever() -> None:
    one = judge(rule="ever")
    verdicts = feed(one, [-1, -1], [1, -1], [-1, -1], [1, -1])
    assert [verdict.first.tolist() for verdict in verdicts] == [[False] * 2, [True, False], [False] * 2, [False] * 2]
    assert [verdict.success_now.tolist() for verdict in verdicts][3] == [True, False]
    assert not any(verdict.ends.any() for verdict in verdicts)
    assert one.finish(BOTH).success.tolist() == [True, False]


def test_final() -> None:
    one = judge(rule="final")
    verdicts = feed(one, [1, -1], [-1, 1])
    assert not any(verdict.first.any() for verdict in verdicts)
    assert one.finish(BOTH).success.tolist() == [False, True]


def test_held_counts_steps_in_a_row() -> None:
    one = judge(rule="held", steps=3)
    verdicts = feed(one, [1, 1], [1, 1], [1, -1], [1, 1], [-1, 1])
    assert [verdict.first.tolist() for verdict in verdicts] == [
        [False, False],
        [False, False],
        [True, False],
        [False, False],
        [False, False],
    ]
    assert one.finish(BOTH).success.tolist() == [True, False]


def test_the_task_may_end_the_episode() -> None:
    one = judge(rule="held", steps=2, ends_episode=True)
    verdicts = feed(one, [1, 1], [1, -1])
    assert verdicts[0].ends.tolist() == [False, False]
    assert verdicts[1].ends.tolist() == [True, False]


def test_finished_rows_begin_anew_and_the_others_go_on() -> None:
    one = judge(rule="held", steps=2, score=Score(expression="x", reduce="sum"))
    feed(one, [1, 1])
    first = one.finish(np.array([True, False]))
    assert first.success.tolist() == [False]
    assert first.score is not None
    assert first.score.tolist() == [1]
    verdict = feed(one, [1, 2])[0]
    assert verdict.first.tolist() == [False, True]
    rest = one.finish(BOTH)
    assert rest.success.tolist() == [False, True]
    assert rest.score is not None
    assert rest.score.tolist() == [1, 3]


@pytest.mark.parametrize(
    ("reduce", "expected"), [("mean", [2, -2]), ("sum", [6, -6]), ("last", [2, -3]), ("max", [3, -1]), ("min", [1, -3])]
)
def test_scores(reduce: Any, expected: list[float]) -> None:
    one = judge(score=Score(expression="x", reduce=reduce))
    feed(one, [1, -1], [3, -2], [2, -3])
    score = one.finish(BOTH).score
    assert score is not None
    assert score.tolist() == expected


def test_a_step_without_a_number_scores_nothing() -> None:
    one = judge(score=Score(expression="1 / x", reduce="sum"))
    feed(one, [0, 1], [2, 1])
    score = one.finish(BOTH).score
    assert score is not None
    assert score.tolist() == [0.5, 2]


@pytest.mark.parametrize(
    ("reduce", "expected"), [("mean", [-3, 0]), ("sum", [-6, 0]), ("last", [-2, 0]), ("max", [-2, 0]), ("min", [-4, 0])]
)
def test_a_simulation_that_blew_up_scores_as_it_stood_before(reduce: Any, expected: list[float]) -> None:
    """Counted as 0, a step without a number would be the best one of a score that is never positive."""
    one = judge(score=Score(expression="x", reduce=reduce))
    feed(one, [np.nan, np.nan], [-4, np.nan], [-2, -np.inf], [np.nan, np.nan])
    score = one.finish(BOTH).score
    assert score is not None
    assert score.tolist() == expected


def test_an_expression_without_a_value_does_not_hold() -> None:
    one = judge(expression="sqrt(x)", outcomes={"high": "log(x)"})
    feed(one, [-1, 4])
    finished = one.finish(BOTH)
    assert finished.success.tolist() == [False, True]
    assert finished.outcomes["high"].tolist() == [False, True]


def test_outcomes_are_judged_on_the_last_step() -> None:
    one = judge(outcomes={"low": "x < 0", "still": "norm(v) == 0", "always": "True"})
    feed(one, [-1, 1], [1, -1])
    finished = one.finish(np.array([False, True]))
    assert {name: values.tolist() for name, values in finished.outcomes.items()} == {
        "low": [True],
        "still": [True],
        "always": [True],
    }


def test_before_the_first_step_nothing_has_happened() -> None:
    finished = judge(outcomes={"low": "x < 1"}, score=Score(expression="x", reduce="mean")).finish(BOTH)
    assert not finished.success.any()
    assert not finished.outcomes["low"].any()


def test_it_says_which_fields_it_needs() -> None:
    one = judge(expression="v[0] > 0", score=Score(expression="x"), outcomes={"a": "v[1] > x"})
    assert one.fields == ("v", "x")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"expression": "y > 0"}, "success: unknown field"),
        ({"expression": "v > 0"}, "success: .*gives a vector"),
        ({"score": Score(expression="norm(x)")}, "score: .*takes a vector"),
        ({"outcomes": {"fell": "x <"}}, "outcome fell: .*does not parse"),
    ],
)
def test_wrong_expressions_are_said_where_they_stand(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        judge(**given)


def test_a_simulation_that_blew_up_has_done_nothing() -> None:
    """What is no number fulfils `not (x < 0)`, and is neither a success nor an outcome."""
    judged = judge(expression="not (x < 0)", outcomes={"high": "x != 0"})
    feed(judged, [np.nan, 1.0])
    finished = judged.finish(BOTH)
    assert finished.success.tolist() == [False, True]
    assert finished.outcomes["high"].tolist() == [False, True]
