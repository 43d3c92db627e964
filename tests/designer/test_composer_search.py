"""What the composer makes of words, rules, findings and of programs that it did not write."""

from __future__ import annotations

import pytest

from autoreward.designer.composer import Composer
from autoreward.designer.composing.atoms import read_rule
from autoreward.designer.composing.source import Structure, read, render
from autoreward.designer.composing.terms import catalogue
from autoreward.designer.contract import Brief, Diagnosis, Finding, PastCandidate
from autoreward.language.static import check
from autoreward.schema import ActionSpec, EnvSchema, Field
from autoreward.task import EnvSpec, SuccessRule, Task

SCHEMA = EnvSchema(
    env_id="Jumper-v0",
    fields=(
        Field(name="height", unit="m", low=0, high=2, meaning="of the torso above the floor"),
        Field(name="pitch", unit="rad", meaning="tilt of the torso, positive leans forward"),
        Field(name="forward_velocity", unit="m/s", low=-10, high=10, meaning="positive is forward"),
        Field(name="hand", shape=(3,), unit="m", low=-1, high=1),
        Field(name="ball", shape=(3,), unit="m", low=-1, high=1),
        Field(name="touching", dtype="bool"),
    ),
    action=ActionSpec(kind="continuous", shape=(2,), low=-0.5, high=0.5),
    step_limit=200,
)
FIELDS = frozenset(SCHEMA.names)
FOREIGN = """IDEA = "Stay tall."
WEIGHTS = {"tall": 2.0, "slow": 0.5}


def compute_reward(state, action, next_state, memory):
    # The torso counts, not the head.
    height = next_state["height"]
    return {"tall": height, "slow": -np.abs(next_state["forward_velocity"])}
"""


def _brief(expression: str, text: str = "Do it.", **changes: object) -> Brief:
    task = Task(name="t", text=text, env=EnvSpec(id="Jumper-v0"), success=SuccessRule(expression=expression))
    brief = Brief(task=task, schema_=SCHEMA, grammar="terms", round=0, index=0, candidates=4)
    return brief.model_copy(update=changes)


def _first_round(brief: Brief) -> str:
    proposals = (Composer().propose(brief.model_copy(update={"index": index, "candidates": 6})) for index in range(6))
    return "\n".join(proposal.source for proposal in proposals)


def _past(source: str, diagnosis: Diagnosis, term: str | None = None) -> PastCandidate:
    finding = Finding(diagnosis=diagnosis, text="seen", suggestion="change", term=term)
    return PastCandidate(
        round=0,
        index=0,
        idea="",
        source=source,
        status="trained",
        success_rate=0.5,
        findings=(finding,),
        incumbent=True,
    )


@pytest.mark.parametrize(
    ("expression", "gaps"),
    [
        ("height > 1.2", ['np.maximum(1.2 - {s}["height"], 0.0)']),
        ("norm(hand - ball) < 0.05", ['np.linalg.norm({s}["hand"] - {s}["ball"], axis=-1)']),
        ("abs(pitch - pi) < 0.1 and touching", ['np.abs({s}["pitch"] - np.pi)', 'np.where({s}["touching"], 0.0, 1.0)']),
        ("0.9 < height and height < 1.1", ['np.abs({s}["height"] - 1)']),
        ("not pitch > 0.5", ['np.maximum({s}["pitch"] - 0.5, 0.0)']),
        ("hand[2] >= height - 0.1", ['np.maximum({s}["height"] - 0.1 - {s}["hand"][..., 2], 0.0)']),
        ("height < 0.2 or pitch > 1", ['np.maximum({s}["height"] - 0.2, 0.0)']),
        ("touching == False", ['np.where({s}["touching"], 1.0, 0.0)']),
    ],
)
def test_a_success_rule_becomes_gaps(expression: str, gaps: list[str]) -> None:
    assert [atom.code for atom in read_rule(expression, FIELDS).atoms] == gaps


def test_words_choose_fields_and_directions() -> None:
    assert "high_forward_velocity" in _first_round(_brief("touching", "Run as fast as you can."))
    assert "down_forward_velocity" in _first_round(_brief("touching", "Run backwards, fast."))
    assert "high_height" in _first_round(_brief("touching", "Jump as high as possible."))
    assert "small_forward_velocity" in _first_round(_brief("touching", "Come to rest."))


def test_the_success_rule_leads_the_first_round() -> None:
    made = _first_round(_brief("norm(hand - ball) < 0.05", "Reach the ball."))
    assert "low_hand_to_ball_gap" in made and "best_hand_to_ball_gap" in made and '"success"' in made


def test_a_written_program_is_read_back_to_its_terms() -> None:
    brief = _brief("height > 1.2 and abs(pitch) < 0.1")
    grammar = catalogue(brief.task, SCHEMA)
    structure = Structure((("best_success_gap", 1.0), ("keep_pitch", 0.3), ("success", 2.0)))
    assert read(render(structure, grammar, "terms"), grammar, "terms") == structure


@pytest.mark.parametrize(
    ("diagnosis", "term"),
    [("constant_term", "high_height"), ("wrong_sign", "high_height"), ("flooding", "high_height")],
)
def test_findings_on_a_term_change_that_term(diagnosis: Diagnosis, term: str) -> None:
    brief = _brief("height > 1.2")
    grammar = catalogue(brief.task, SCHEMA)
    source = render(Structure((("high_height", 1.0), ("best_height_gap", 1.0), ("success", 2.0))), grammar, "terms")
    later = brief.model_copy(update={"round": 1, "history": (_past(source, diagnosis, term),)})
    proposal = Composer().propose(later)
    weights = check(proposal.source, SCHEMA.names, "terms").weights
    assert proposal.parent == (0, 0)
    assert weights.get("high_height", 0.0) < 1.0
    assert "high_height" in proposal.note


@pytest.mark.parametrize(
    ("label", "noted"),
    [
        ("survival_farming", "drop alive"),
        ("exploit", "which paid without success"),
        ("reward_flooding", "weigh high_height 0.3 times"),
        ("never_fires", "high_height"),
    ],
)
def test_a_label_is_answered_without_any_finding(label: Diagnosis, noted: str) -> None:
    brief = _brief("height > 1.2")
    weights = (("high_height", 1.0), ("alive", 1.0), ("low_height_gap", 1.0), ("success", 2.0))
    source = render(Structure(weights), catalogue(brief.task, SCHEMA), "terms")
    past = _past(source, label, "high_height" if label in ("reward_flooding", "never_fires") else None)
    past = past.model_copy(update={"findings": (), "label": past.findings[0]})
    for seed in range(5):
        later = brief.model_copy(update={"round": 1, "history": (past,), "seed": seed})
        assert noted in Composer().propose(later).note


def test_a_program_of_another_author_is_carried_over_whole() -> None:
    base = _brief("height > 1.2 and touching", round=1)
    for seed in range(20):
        brief = base.model_copy(update={"seed": seed, "history": (_past(FOREIGN, "never_succeeds"),)})
        proposal = Composer().propose(brief)
        program = check(proposal.source, SCHEMA.names, "terms")
        assert program.source != FOREIGN and "# The torso counts, not the head." in program.source
        assert {"tall", "slow"} <= set(program.weights) and program.idea == "Stay tall."
        assert program.weights["tall"] == 2.0 or len(program.weights) == 2


def test_a_program_that_is_no_python_does_not_stop_the_search() -> None:
    brief = _brief("height > 1.2", round=1, history=(_past("def broken(:", "solved"),))
    check(Composer().propose(brief).source, SCHEMA.names, "terms")


def test_fields_may_have_the_names_of_the_composers_own_variables() -> None:
    names = ("action", "sum", "height_before", "streak", "least_height")
    fields = (*SCHEMA.fields, *(Field(name=name) for name in names))
    schema = SCHEMA.model_copy(update={"fields": fields})
    task = _brief("height > 1.2").task
    grammar = catalogue(task, schema)
    for name in grammar.terms:
        check(render(Structure(((name, 1.0),)), grammar, "terms"), schema.names, "terms")
    assert not {value.name for value in grammar.values} & set(names)


def test_a_repair_is_another_program() -> None:
    brief = _brief("height > 1.2")
    first = Composer().propose(brief)
    again = Composer().repair(brief, first, "not_constant: the total is 0 everywhere", 1)
    assert again.source != first.source
    assert Composer().repair(brief, first, "another reason", 1) == again
