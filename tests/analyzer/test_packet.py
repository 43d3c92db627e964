"""What a model is told of a candidate beside its program."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from line_cases import CASES, recorded

from autoreward.analyzer.causes.table import cause
from autoreward.analyzer.diagnosis import diagnose
from autoreward.analyzer.llm import advise
from autoreward.analyzer.narration import LONGEST, narrate
from autoreward.analyzer.packet import change, measured
from autoreward.designer.contract import Brief, Course, Finding, Measured, PastCandidate
from autoreward.envs.registry import describe
from autoreward.llm.scripted import ScriptedChat
from autoreward.prompts.render import Templates
from autoreward.schema import EnvSchema
from autoreward.task import Task, load_task
from autoreward.training.contract import Evaluation, TermStatistics

MOST_TOKENS = 1500
"""Of the packet, at four characters a token."""


def past(name: str, index: int = 0) -> PastCandidate:
    """A recorded training as a search tells of it."""
    task, schema, training = recorded(name)
    result = training.result
    assert result.final
    return PastCandidate(
        round=0,
        index=index,
        idea=f"It is named {name}.",
        source=CASES[name].source,
        status="trained",
        success_rate=result.final.success_rate,
        seed_success=(result.final.success_rate,),
        score=result.final.score,
        evaluations=result.evaluations,
        shipped_step=result.shipped_step,
        terms=result.terms,
        label=cause(task, schema, [training]),
        measured=measured(training, [training]),
        findings=diagnose(task, [result]),
        episodes=narrate(task, schema, training),
    )


def packet(task: Task, schema: EnvSchema, candidate: PastCandidate, history: Sequence[PastCandidate] = ()) -> str:
    """What the Analyzer's prompt says of a candidate, without its program."""
    chat = ScriptedChat(['{"findings": []}'])
    brief = Brief(
        task=task, schema_=schema, grammar=task.grammar, round=1, index=0, candidates=4, history=tuple(history)
    )
    advise(chat, Templates(), brief, candidate, 0)
    text = chat.asked[0][1][1].content
    text = text[text.index("## The candidate") :]
    before, _, rest = text.partition("```python")
    return before + rest.partition("```")[2]


@pytest.mark.parametrize("name", CASES)
def test_recorded_trainings_fit(name: str) -> None:
    task, schema, _ = recorded(name)
    child = past(name, 9).model_copy(update={"parent": (0, 0)})
    history = [past(other, index) for index, other in enumerate(CASES)]
    text = packet(task, schema, child, history)
    assert len(text) / 4 <= MOST_TOKENS
    assert (
        "are those of seed 7" in text and f"Label, computed by rules with thresholds: {child.label.diagnosis}" in text
    )
    assert "What was changed from candidate 0.0" in text and "Tried before" in text


def test_the_largest_schema_fits() -> None:
    task = load_task("voxel/obtain_diamond")
    shares, ten = dict.fromkeys(task.outcomes, 0.123), tuple(float(f"-123.4{digit}") for digit in range(10))
    evaluations = tuple(
        Evaluation(
            step=step * 1_000_000,
            episodes=64,
            success_rate=0.123,
            score=-12.34,
            length=2345.6,
            outcomes=shares,
            measures=dict.fromkeys(task.measures, 0.1234),
        )
        for step in range(1, 5)
    )
    term = TermStatistics(
        curve=ten, mean=-12.34, std=123.4, share=0.1, success_correlation=-0.12, score_correlation=0.12, constant=False
    )
    terms = {
        f"dense.approach_{name}": term for name in ("log", "stone", "coal", "iron", "table", "lava", "idle", "cow")
    }
    text = "the sum of a term correlates with success by -0.42: episodes that do better are paid less by it"
    finding = Finding(diagnosis="wrong_sign", text=text, suggestion="Turn it.", term="dense.approach_lava")
    course = Course(
        points=tuple(range(10)),
        success=(0.0,) * 10,
        length=ten,
        own_return=ten,
        score=ten,
        outcomes=dict.fromkeys(task.outcomes, ten),
    )
    candidate = past("swing").model_copy(
        update={
            "idea": "idea " * 60,
            "seed_success": (0.0, 0.1),
            "evaluations": evaluations,
            "terms": terms,
            "label": finding.model_copy(update={"text": text + text}),
            "measured": Measured(
                seed=21000, others={21001: (0.1,) * 4}, course=course, saturation=dict.fromkeys(terms, 0.97)
            ),
            "findings": (finding,) * 8,
            "episodes": "x" * LONGEST,
            "parent": (0, 0),
        }
    )
    earlier = [past("climb").model_copy(update={"index": index, "source": "x = 1\n" * 40}) for index in range(5)]
    assert len(packet(task, describe(task.env), candidate, earlier)) / 4 <= MOST_TOKENS


def test_the_change_and_what_came_of_it_are_told() -> None:
    told = change(past("swing", 1), past("climb"))
    assert told.startswith("success 1 -> 0, score ")
    assert '-WEIGHTS = {"climb": 2.0}' in told.replace("'", '"') and '+WEIGHTS = {"up": 2.0}' in told.replace("'", '"')
    assert "the program is the same" in change(past("climb", 1), past("climb"))


def test_a_term_that_stays_at_its_limit_is_saturated() -> None:
    _, _, training = recorded("alive")
    assert measured(training, [training]).saturation == {"alive": 1.0}
    _, _, training = recorded("sink")
    assert measured(training, [training]).course is not None
    far = recorded("far_bonus")[2]
    assert measured(far, [far]).saturation == {"far": 1.0}
