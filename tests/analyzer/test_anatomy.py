"""The anatomy of a reward, on episodes whose numbers can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from autoreward.analyzer.anatomy import FEW, anatomy
from autoreward.analyzer.contract import Anatomy, Source, Term
from autoreward.analyzer.scored import Scored, scored
from autoreward.analyzer.shown import POINTS
from autoreward.errors import CellFailed, RewardRefused
from autoreward.language.program import Grammar
from autoreward.sandbox.inprocess import InProcessCell
from autoreward.sandbox.process import ProcessCell
from autoreward.schema import ActionSpec, EnvSchema, Field
from autoreward.task import EnvSpec, SuccessRule, Task
from autoreward.training.files import TRAJECTORIES

LIMIT = 6
SCHEMA = EnvSchema(
    env_id="X-v0",
    fields=(Field(name="x", unit="m"), Field(name="coin", dtype="bool"), Field(name="far", shape=(3,), unit="m")),
    action=ActionSpec(kind="continuous", shape=(1,), low=-1, high=1),
    step_limit=LIMIT,
)
TERMS = """
IDEA = "Be far; a coin pays."
WEIGHTS = {"near": 2.0, "coin": 1.0, "never": 1.0}

def compute_reward(state, action, next_state, memory):
    taken = 1.0 * next_state["coin"]
    return {"near": next_state["x"], "coin": taken, "never": 0.0 * taken}
"""
SIGNS = """
IDEA = "Arrive; climb, and leave the coin."

def sparse(state, action, next_state, memory):
    return {"arrived": next_state["x"] > 0.9}

def dense(state, action, next_state, memory):
    return {"climb": next_state["x"] - state["x"], "coin": -1.0 * next_state["coin"]}
"""
COUNTS = """
IDEA = "Every step of an episode pays one more."
WEIGHTS = {"steps": 1.0}

def compute_reward(state, action, next_state, memory):
    steps = memory.get("steps", 0.0) + 1.0
    memory["steps"] = steps
    return {"steps": steps + 0.0 * next_state["x"]}
"""


@dataclass(frozen=True)
class Played:
    """An episode: x after each step from 0 on, and the steps with a coin."""

    x: Sequence[float]
    coins: Sequence[int] = ()

    @property
    def success(self) -> bool:
        return max(self.x) > 0.9


def task(grammar: Grammar = "terms", limit: int = LIMIT) -> Task:
    return Task(
        name="t",
        text="Arrive.",
        env=EnvSpec(id="X-v0", step_limit=limit),
        success=SuccessRule(expression="x > 0.9"),
        outcomes={"rich": "coin"},
        grammar=grammar,
    )


def training(folder: Path, played: Sequence[Played], **changes: NDArray[Any]) -> Path:
    """A training's folder with these episodes, padded as evaluations pad them; of others only results are there."""
    folder.mkdir(parents=True)
    longest, count = max(len(each.x) for each in played), len(played)
    x, coin = np.zeros((count, longest + 1), np.float32), np.zeros((count, longest + 1), bool)
    for row, each in enumerate(played):
        x[row, 1 : len(each.x) + 1], x[row, len(each.x) + 1 :] = each.x, each.x[-1]
        coin[row, list(each.coins)] = True
        coin[row, len(each.x) + 1 :] = coin[row, len(each.x)]
    arrays: dict[str, Any] = {
        "length": np.array([0, *(len(each.x) for each in played)]),
        "success": np.array([True, *(each.success for each in played)]),
        "score": np.full(count + 1, np.nan),
        "recorded": np.arange(1, count + 1),
        "outcome.rich": np.array([False, *(len(each.x) in each.coins for each in played)]),
        "action": np.zeros((count, longest, 1), np.float32),
        "field.x": x,
        "field.coin": coin,
        "field.far": np.zeros((count, longest + 1, 3), np.float32),
        "term.of_another_reward": np.ones((count, longest), np.float32),
    }
    np.savez_compressed(folder / TRAJECTORIES, **(arrays | changes))
    return folder


OWN = (Played((0.5, 1.0)), Played((0.25, 0.5, 0.25), (1, 2, 3)))
OTHERS = (Played((1.0,)), Played((0.0,) * LIMIT, (6,)))
Make = Callable[..., tuple[Anatomy | None, list[Scored], list[str]]]


@pytest.fixture
def made(tmp_path: Path) -> Make:
    """Anatomy, scored episodes and notes of a reward on episodes of its own policies and of others."""

    def make(
        source: str = TERMS,
        own: Sequence[Played] = OWN,
        others: Sequence[Played] = OTHERS,
        grammar: Grammar = "terms",
        schema: EnvSchema = SCHEMA,
        changes: Mapping[str, NDArray[Any]] | None = None,
    ) -> tuple[Anatomy | None, list[Scored], list[str]]:
        notes: list[str] = []
        asked = task(grammar, schema.step_limit)
        sources = [Source(training(tmp_path / "aa", own), "candidate 0.1", own=True)] if own else []
        if others:
            sources.append(Source(training(tmp_path / "bb", others, **(changes or {})), "random policy", own=False))
        program, found = scored(source, sources, asked, schema, InProcessCell, notes.append)
        return anatomy(program, asked, schema, found), found, notes

    return make


def terms_of(found: Anatomy | None) -> dict[str, Term]:
    assert found is not None
    return {term.name: term for term in found.terms}


def test_returns_with_and_without_each_term(made: Make) -> None:
    found, _, notes = made()
    terms = terms_of(found)
    assert found is not None
    assert not notes
    # Returns: own success 3, own failure 2 + 3, other success 2, other failure 0 + 1.
    assert (found.whole.own, found.whole.success, found.whole.failure) == (4.0, 2.5, 3.0)
    assert found.whole.order == pytest.approx(0.5)  # both successes beat the poor failure alone
    without = terms["coin"].without
    assert (without.own, without.success, without.failure, without.order) == (2.5, 2.5, 1.0, pytest.approx(0.875))
    assert terms["near"].without.order == pytest.approx(0.0)
    assert terms["near"].without.success == 0.0
    assert terms["never"].without == found.whole
    assert (found.own.successes, found.own.failures, found.others.successes, found.others.failures) == (1, 1, 1, 1)
    assert found.trainings == ("aa", "bb")


def test_share_activity_and_correlation_of_each_term(made: Make) -> None:
    found, _, _ = made()
    terms = terms_of(found)
    # Mean absolute sums of own episodes: near (3 + 2) / 2, coin (0 + 3) / 2.
    assert (terms["near"].share, terms["coin"].share, terms["never"].share) == pytest.approx((0.625, 0.375, 0.0))
    assert [term.name for term in found.terms if found] == ["near", "coin", "never"]
    assert (terms["near"].active, terms["coin"].active, terms["never"].active) == pytest.approx((1.0, 0.6, 0.0))
    assert (terms["near"].weight, terms["coin"].weight) == (2.0, 1.0)
    assert (terms["near"].correlation or 0) > 0.5
    assert (terms["coin"].correlation or 0) < -0.5
    assert terms["never"].correlation is None


def test_a_term_at_the_end_of_its_range_is_told_from_an_event(made: Make) -> None:
    course = Played((0.2, 0.4, 1.0, 1.0, 1.0, 1.0), (2,))
    assert len(set(course.x)) == FEW
    found, _, _ = made(own=(course, Played((0.3, 1.0, 1.0, 1.0, 1.0, 1.0))))
    terms = terms_of(found)
    assert (terms["near"].level, terms["near"].saturated) == (2.0, pytest.approx(9 / 12))
    assert (terms["coin"].level, terms["coin"].saturated) == (None, 0.0)


def test_in_signs_a_term_is_left_out_step_by_step(made: Make) -> None:
    found, _, _ = made(SIGNS, others=(), grammar="signs")
    terms = terms_of(found)
    assert found is not None
    # Success: 0.1, then 1 + 0.1. Failure: climbs 0.25, 0.25, -0.25, and each coin outweighs that: three times -0.1.
    assert (found.whole.success, found.whole.failure) == (pytest.approx(1.2), pytest.approx(-0.3))
    assert terms["dense.coin"].without.failure == pytest.approx(0.1)
    assert terms["dense.climb"].without.success == pytest.approx(1.0)
    assert terms["sparse.arrived"].without.success == pytest.approx(0.2)
    assert terms["sparse.arrived"].weight is None


def test_memory_begins_anew_and_padding_is_no_step(made: Make) -> None:
    _, episodes, _ = made(COUNTS)
    assert [one.value for one in episodes] == [1 + 2, 1 + 2 + 3, 1, sum(range(1, LIMIT + 1))]
    assert all(set(one.episode.terms) == {"steps"} for one in episodes), "terms of another reward are none of this one"


def test_no_own_episodes_no_anatomy_and_one_kind_no_order(made: Make, tmp_path: Path) -> None:
    nothing, _, _ = made(own=())
    assert nothing is None
    program, found = scored(
        TERMS, [Source(training(tmp_path / "cc", OWN[:1]), "own", True)], task(), SCHEMA, InProcessCell, print
    )
    alone = anatomy(program, task(), SCHEMA, found)
    assert alone is not None
    assert (alone.whole.order, alone.whole.failure, alone.whole.success) == (None, None, 3.0)
    assert len(alone.shown) == 1


def test_a_success_and_the_failure_paid_most_are_shown_with_what_happened(made: Make) -> None:
    found, _, _ = made()
    assert found is not None
    success, failure = found.shown
    assert (success.own, success.success, success.value, success.steps, success.episode) == (True, True, 3.0, 2, 1)
    assert [(each.step, each.kind) for each in success.happened] == [(2, "success"), (2, "end")]
    assert success.happened[-1].text == "ends: success"
    assert (failure.value, failure.terms["coin"], failure.sums["coin"]) == (5.0, (1.0, 1.0, 1.0), 3.0)
    assert [(each.step, each.text) for each in failure.happened] == [(1, "coin 1"), (3, "ends: no success, rich")]
    assert failure.total == (1.5, 2.0, 1.5)
    assert (failure.moments[0], failure.moments[-1]) == (0, 3)


def test_other_policies_stand_in_where_none_of_its_own_failed(made: Make) -> None:
    found, _, _ = made(own=OWN[:1])
    assert found is not None
    assert [(shown.success, shown.own, shown.source) for shown in found.shown] == [
        (True, True, "candidate 0.1"),
        (False, False, "random policy"),
    ]
    assert found.shown[1].happened[-1].text == "at the step limit: no success, rich"


def test_a_long_course_is_thinned_and_keeps_its_peaks(made: Make) -> None:
    steps = 3 * POINTS + 7
    long = SCHEMA.model_copy(update={"step_limit": steps})
    found, _, _ = made(own=(Played((0.001,) * steps, (401,)),), others=(), schema=long)
    assert found is not None
    shown = found.shown[0]
    assert len(shown.at) == len(shown.total) == POINTS
    assert shown.at[-1] == steps
    assert sum(shown.terms["coin"]) == 1.0
    place = shown.terms["coin"].index(1.0)
    assert shown.at[place - 1] < 401 <= shown.at[place]


def test_what_a_reward_cannot_pay_for_is_left_out(made: Make) -> None:
    source = TERMS.replace('"near": next_state["x"]', '"near": np.sqrt(next_state["x"] - 0.1)')
    found, episodes, _ = made(source, own=OWN, others=(Played((0.0, 1.0)), Played((0.5,))))
    assert found is not None
    assert [(one.source.own, one.episode.success) for one in episodes] == [(True, True), (True, False), (False, False)]


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("recorded", np.array([1, 7]), "not there"),
        ("length", np.array([0, 2, LIMIT + 1]), "steps of at most"),
        ("field.x", np.zeros((2, 3)), "where (2, 7) is wanted"),
        ("field.coin", np.array([[{}] * 7] * 2, dtype=object), "is object"),
        ("success", np.array(["yes"] * 3), "is <U3"),
        ("action", np.zeros((2, LIMIT)), "is wanted"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_left_out_with_a_note(
    made: Make, name: str, values: NDArray[Any], told: str
) -> None:
    found, episodes, notes = made(changes={name: values})
    assert found is not None
    assert all(one.source.own for one in episodes)
    assert len(notes) == 1
    assert "training bb" in notes[0]
    assert told in notes[0]


def test_programs_run_in_a_cell_alone(tmp_path: Path) -> None:
    """What the language refuses is refused, and what does not end is stopped, as anywhere else."""
    sources = [Source(training(tmp_path / "aa", OWN), "own", own=True)]
    with pytest.raises(RewardRefused):
        scored("import os\n" + TERMS, sources, task(), SCHEMA, lambda: ProcessCell(least="C"), print)
    endless = TERMS.replace(
        "    taken =", "    for a in range(9000):\n        for b in range(9000):\n            a * b\n    taken ="
    )
    with pytest.raises((CellFailed, RewardRefused)):
        scored(endless, sources, task(), SCHEMA, lambda: ProcessCell(deadline=0.3, least="C"), print)
