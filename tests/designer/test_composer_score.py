"""What the composer makes of a score where the success rule holds no way, and of deaths in the `signs` grammar."""

from __future__ import annotations

import numpy as np
import pytest

from autoreward.critic.verify import verify
from autoreward.designer.composer import Composer
from autoreward.designer.composing.archetypes import archetypes
from autoreward.designer.composing.guide import guide
from autoreward.designer.composing.source import Structure, read, render, signed
from autoreward.designer.composing.terms import catalogue
from autoreward.designer.contract import Brief, PastCandidate
from autoreward.envs.contract import Transitions
from autoreward.language.program import Grammar
from autoreward.language.static import check
from autoreward.sandbox.contract import Array
from autoreward.sandbox.process import ProcessCell
from autoreward.schema import ActionSpec, EnvSchema, Field
from autoreward.task import EnvSpec, Score, SuccessRule, Task

MINE = EnvSchema(
    env_id="Mine-v0",
    fields=(
        Field(name="carried", shape=(3,), low=0, meaning="counts of what is carried"),
        Field(name="ore_dist", unit="blocks", low=1, high=17, meaning="distance to the nearest ore in view"),
        Field(name="depth", unit="blocks", low=0, high=40),
        Field(name="cells_visited", low=1, meaning="columns of the world visited in this episode"),
        Field(name="slope", unit="rad", low=-1, high=1),
        Field(name="died", dtype="bool"),
        Field(name="species", dtype="int64", low=0, high=4, meaning="species that the last step met"),
    ),
    action=ActionSpec(kind="discrete", choices=5),
    step_limit=400,
)


def _task(expression: str, score: str | None = None, reduce: str = "max", text: str = "Find the ore.") -> Task:
    return Task(
        name="mine",
        text=text,
        env=EnvSpec(id=MINE.env_id),
        success=SuccessRule(expression=expression, ends_episode=True),
        score=Score.model_validate({"expression": score, "reduce": reduce}) if score else None,
        outcomes={"rock_death": "died and depth > 3", "timeout": "depth > 39"},
    )


def _first(task: Task, grammar: Grammar = "signs") -> list[Structure]:
    known = catalogue(task, MINE, grammar)
    return [structure for _, structure in archetypes(task, known, guide(task, MINE, known))]


def _dense(structure: Structure) -> list[str]:
    return [name for name in structure.names if name not in ("success", "hold", "failure")]


@pytest.mark.parametrize("expression", ["carried[1] >= 1", "species == 2", "died"])
def test_a_rule_without_a_way_leaves_the_lead_to_the_score(expression: str) -> None:
    first = _first(_task(expression, "-ore_dist"))
    assert [_dense(structure) for structure in first[:3]] == [
        ["dip_ore_dist", "stride_cells_visited"],
        ["dip_ore_dist"],
        ["progress_ore_dist"],
    ]
    assert not any("_gap" in name for structure in first for name in structure.names)


@pytest.mark.parametrize("expression", ["carried[1] >= 5", "depth > 20", "died and species == 2"])
def test_a_rule_with_a_way_keeps_the_lead(expression: str) -> None:
    first = _first(_task(expression, "-ore_dist", text="Dig."), "terms")
    alone = _first(_task(expression, text="Dig."), "terms")
    assert first[:3] == alone[:3]
    assert "dip_ore_dist" in first[3].names
    assert set(alone) <= set(first)


@pytest.mark.parametrize("score", ["depth", "-abs(depth - 3)", "-1", "ore_dist > 3", "ore_dist if died else 0"])
def test_a_score_that_tells_nothing_new_changes_nothing(score: str) -> None:
    assert _first(_task("depth > 20", score), "terms") == _first(_task("depth > 20"), "terms")


def test_a_score_that_counts_each_step_is_paid_in_each_step() -> None:
    assert _dense(_first(_task("died", "slope", "mean", text="Dig."), "terms")[0]) == ["high_slope"]
    assert _dense(_first(_task("died", "slope", "last", text="Dig."), "terms")[0]) == ["record_slope"]


@pytest.mark.parametrize("grammar", ["terms", "signs"])
def test_a_composed_score_is_a_quantity_of_its_own_and_is_read_back(grammar: Grammar) -> None:
    task = _task("died", "min(depth, 20) - 2 * ore_dist")
    known = catalogue(task, MINE, grammar)
    structure = Structure((("success", 50.0), ("record_score", 1.0), ("rise_score", 1.0)))
    structure = signed(structure, known) if grammar == "signs" else structure
    source = render(structure, known, grammar)
    assert 'np.minimum(next_state["depth"], 20) - 2 * next_state["ore_dist"]' in source
    assert read(source, known, grammar) == structure
    check(source, MINE.names, grammar)


def test_signs_have_no_term_of_one_sign() -> None:
    names = catalogue(_task("depth > 20"), MINE, "signs").terms
    assert not {"high_ore_dist", "down_ore_dist", "high_cells_visited"} & set(names)
    assert {"high_slope", "high_depth"} <= set(names)


def test_a_search_that_never_ends_is_worth_less_than_success() -> None:
    task = _task("died")
    patient = task.model_copy(update={"trainer": task.trainer.model_copy(update={"gamma": 0.995})})
    for one, step in ((task, 10), (patient, 20)):
        value = " ".join(catalogue(one, MINE, "signs").terms["stride_cells_visited"].setup)
        assert f"cells_visited / {step})" in value


def _transitions() -> Transitions:
    generator, shape = np.random.default_rng(0), (16, 4)
    inputs: dict[str, Array] = {"action": generator.integers(0, 5, shape)}
    for field in MINE.fields:
        for mapping in ("state", "next_state"):
            drawn = generator.uniform(field.low or 0, field.high or 30, (*shape, *field.shape))
            values = drawn > 0.5 if field.dtype == "bool" else drawn.astype(field.dtype)
            inputs[f"{mapping}.{field.name}"] = values
    return Transitions(
        inputs=inputs, begun=np.arange(16)[:, None] + np.zeros(4) == 0, success=np.zeros(shape, np.bool_)
    )


def test_the_first_round_runs_and_fines_a_death() -> None:
    """In one cell run of each proposal: what the reward language and the dry run say of all its new terms."""
    brief = Brief(
        task=_task("carried[1] >= 1", "-ore_dist"), schema_=MINE, grammar="signs", round=0, index=0, candidates=4
    )
    sources = [Composer().propose(brief.model_copy(update={"index": index})).source for index in range(4)]
    assert len(set(sources)) == 4
    for source in sources:
        assert '"failure": -np.where(failed, 1.0, 0.0)' in source
        check(source, MINE.names, "signs")
    verdict = verify(sources[0], MINE, "signs", _transitions(), ProcessCell)
    assert verdict.status == "accepted", verdict.reason


def test_a_later_round_can_take_a_signs_program_apart() -> None:
    """Its terms are read back, so that one can be dropped or changed; a program of others can only be added to."""
    task = _task("carried[1] >= 1", "-ore_dist")
    known = catalogue(task, MINE, "signs")
    for structure in _first(task):
        assert read(render(signed(structure, known), known, "signs"), known, "signs").base == ""


def test_what_never_succeeded_has_no_children_once_something_does() -> None:
    task = _task("carried[1] >= 1", "-ore_dist")
    brief = Brief(task=task, schema_=MINE, grammar="signs", round=0, index=0, candidates=4)
    sources = [Composer().propose(brief.model_copy(update={"index": index})).source for index in range(3)]
    past = tuple(
        PastCandidate(round=0, index=index, idea="", source=source, status="trained", success_rate=rate, steps=1000)
        for index, (source, rate) in enumerate(zip(sources, (0.5, 0.0, 0.0), strict=True))
    )
    for seed in range(12):
        later = brief.model_copy(update={"round": 1, "history": past, "seed": seed})
        assert Composer().propose(later).parent == (0, 0)
