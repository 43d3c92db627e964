from __future__ import annotations

import itertools

import numpy as np
import pytest

from autoreward.critic.verify import verify
from autoreward.designer.composer import Composer, RandomComposer
from autoreward.designer.contract import Brief, Diagnosis, Finding, PastCandidate
from autoreward.envs.contract import Transitions
from autoreward.language.program import Grammar
from autoreward.language.static import check
from autoreward.sandbox.contract import Array
from autoreward.sandbox.process import ProcessCell
from autoreward.schema import ActionSpec, EnvSchema, Field
from autoreward.task import EnvSpec, SuccessRule, Task
from autoreward.testing.designer import check_designer

ARM = ActionSpec(kind="continuous", shape=(2,), low=-1.0, high=1.0)
REACHER = EnvSchema(
    env_id="Reacher-v5",
    fields=(
        Field(name="fingertip", shape=(2,), unit="m", low=-0.21, high=0.21, meaning="position of the arm's end"),
        Field(name="target", shape=(2,), unit="m", low=-0.2, high=0.2, meaning="position of the target"),
        Field(name="joint_velocity", shape=(2,), unit="rad/s", meaning="turning rates of the two joints"),
    ),
    action=ARM,
    step_limit=50,
)
CAR = EnvSchema(
    env_id="MountainCarContinuous-v0",
    fields=(
        Field(name="position", unit="m", low=-1.2, high=0.6, meaning="along the track, to the right"),
        Field(name="velocity", unit="m/s", low=-0.07, high=0.07, meaning="to the right"),
    ),
    action=ActionSpec(kind="continuous", shape=(1,), low=-1.0, high=1.0),
    step_limit=999,
)
HOPPER = EnvSchema(
    env_id="Hopper-v5",
    fields=(
        Field(name="height", unit="m", low=0.0, high=2.0, meaning="of the torso above the floor"),
        Field(name="pitch_forward", unit="rad", meaning="how far the torso has turned forward, not wrapped"),
        Field(name="pitch_rate", unit="rad/s", low=-10, high=10, meaning="turning rate of the torso, forward"),
        Field(name="x_velocity", unit="m/s", low=-10, high=10, meaning="forward velocity"),
        Field(name="joint_angles", shape=(3,), unit="rad", meaning="thigh, leg and foot"),
        Field(name="contact", dtype="bool", meaning="whether the foot is on the floor"),
    ),
    action=ActionSpec(kind="continuous", shape=(3,), low=-1.0, high=1.0),
    step_limit=250,
)
POLE = EnvSchema(
    env_id="CartPole-v1",
    fields=(
        Field(name="cart_position", low=-4.8, high=4.8),
        Field(name="cart_velocity", low=-3.4e38, high=3.4e38),
        Field(name="pole_angle", unit="rad", low=-0.418, high=0.418),
        Field(name="pole_angular_velocity", low=-3.4e38, high=3.4e38),
    ),
    action=ActionSpec(kind="discrete", choices=2),
    step_limit=500,
)


def _task(name: str, text: str, schema: EnvSchema, **success: object) -> tuple[Task, EnvSchema]:
    rule = SuccessRule.model_validate(success)
    return Task(name=name, text=text, env=EnvSpec(id=schema.env_id), success=rule), schema


TASKS = {
    "reacher": _task(
        "reacher", "Reach the target with the fingertip.", REACHER, expression="norm(fingertip - target) < 0.02"
    ),
    "car": _task(
        "car", "Drive up the hill on the right.", CAR, expression="position >= 0.45", rule="ever", ends_episode=True
    ),
    "flip": _task(
        "flip",
        "Do a front flip: turn forward once and land upright.",
        HOPPER,
        expression="abs(pitch_forward - 2 * pi) < 0.3 and height > 0.9",
        rule="held",
        steps=10,
    ),
    "run": _task("run", "Run forward as fast as you can.", HOPPER, expression="x_velocity > 2 and not contact"),
    "pole": _task("pole", "Balance the pole.", POLE, expression="-0.05 < pole_angle < 0.05", rule="held", steps=100),
    "odd": _task("odd", "Wiggle.", HOPPER, expression="max(joint_angles) > 1 or contact == True"),
}
CASES = list(itertools.product(TASKS, ("terms", "signs")))
DIAGNOSES: tuple[Diagnosis, ...] = (
    "solved",
    "never_succeeds",
    "misaligned",
    "flooding",
    "constant_term",
    "wrong_sign",
    "early_death",
    "unstable",
)


def _brief(name: str, grammar: Grammar = "terms", **changes: object) -> Brief:
    task, schema = TASKS[name]
    base = Brief(task=task, schema_=schema, grammar=grammar, round=0, index=0, candidates=4)
    return base.model_copy(update=changes)


def _rounds(name: str, grammar: Grammar, seed: int, rounds: int = 4) -> list[list[str]]:
    """Sources of a search in which some candidates succeed and each gets some finding."""
    history: list[PastCandidate] = []
    sources: list[list[str]] = []
    for number in range(rounds):
        made: list[str] = []
        for index in range(4):
            brief = _brief(
                name, grammar, round=number, index=index, seed=seed, history=tuple(history), siblings=tuple(made)
            )
            made.append(Composer().propose(brief).source)
        for index, source in enumerate(made):
            names = [*check(source, brief.schema_.names, grammar).weights, None]
            label = DIAGNOSES[(seed + number + index) % len(DIAGNOSES)]
            finding = Finding(diagnosis=label, text="seen", suggestion="change", term=names[index % len(names)])
            history.append(
                PastCandidate(
                    round=number,
                    index=index,
                    idea="",
                    source=source,
                    status="trained",
                    success_rate=max(0.0, (seed + index) % 3 - 1) / 2,
                    score=float(index),
                    findings=(finding,),
                )
            )
        sources.append(made)
    return sources


@pytest.mark.parametrize(("name", "grammar"), CASES)
def test_every_proposal_is_a_reward_program_and_new(name: str, grammar: Grammar) -> None:
    for seed in range(2):
        made = [source for sources in _rounds(name, grammar, seed) for source in sources]
        assert len(set(made)) == len(made)
        for source in made:
            check(source, TASKS[name][1].names, grammar)


@pytest.mark.parametrize(("name", "grammar"), CASES)
def test_random_draws_are_reward_programs(name: str, grammar: Grammar) -> None:
    for seed in range(25):
        check(RandomComposer().propose(_brief(name, grammar, seed=seed)).source, TASKS[name][1].names, grammar)


@pytest.mark.parametrize("name", TASKS)
def test_the_composer_keeps_the_designers_contract(name: str) -> None:
    check_designer(Composer(), _brief(name))
    check_designer(RandomComposer(), _brief(name))


def _transitions(schema: EnvSchema) -> Transitions:
    """Random values within the fields' ranges."""
    generator, shape = np.random.default_rng(0), (16, 4)
    inputs: dict[str, Array] = {}
    for field in schema.fields:
        low, high = max(field.low or -2.0, -20.0), min(field.high or 7.0, 20.0)
        for mapping in ("state", "next_state"):
            values = generator.uniform(low, high, (*shape, *field.shape))
            inputs[f"{mapping}.{field.name}"] = values > 0 if field.dtype == "bool" else values.astype(np.float32)
    action = schema.action
    discrete = action.kind == "discrete"
    drawn = generator.integers(0, 2, shape) if discrete else generator.uniform(-1, 1, (*shape, *action.shape))
    inputs["action"] = drawn if discrete else drawn.astype(np.float32)
    begun = np.zeros(shape, np.bool_)
    begun[0] = begun[9, 2] = True
    return Transitions(inputs=inputs, begun=begun, success=np.zeros(shape, np.bool_))


@pytest.mark.parametrize(
    ("name", "grammar"), [("flip", "terms"), ("pole", "terms"), ("odd", "terms"), ("run", "signs")]
)
def test_proposals_run_in_the_cell_and_are_accepted(name: str, grammar: Grammar) -> None:
    schema = TASKS[name][1]
    for index in range(2):
        proposal = Composer().propose(_brief(name, grammar, index=index, seed=index))
        verdict = verify(proposal.source, schema, grammar, _transitions(schema), ProcessCell)
        assert verdict.status == "accepted", f"{verdict.reason}\n{proposal.source}"


def test_a_search_is_repeated_exactly_from_its_brief() -> None:
    assert _rounds("flip", "terms", 3) == _rounds("flip", "terms", 3)
    assert _rounds("flip", "terms", 3) != _rounds("flip", "terms", 4)
