"""Every prompt of a run, rendered before anything is paid for, so that a broken template is found first."""

from __future__ import annotations

from collections.abc import Sequence

from autoreward.analyzer.llm import advise
from autoreward.analyzer.plain import plain
from autoreward.config import Effort
from autoreward.critic.review import review
from autoreward.designer.contract import Brief, Course, Finding, Measured, PastCandidate, Proposal
from autoreward.designer.llm import LLMDesigner
from autoreward.language.program import Grammar
from autoreward.language.static import check
from autoreward.llm.contract import CallName, Message
from autoreward.llm.scripted import ScriptedChat
from autoreward.prompts.render import Templates
from autoreward.schema import EnvSchema
from autoreward.task import Task
from autoreward.training.contract import Evaluation, TermStatistics

REASON = "contract: line 1: a reason"
"""Of a refusal, as the prompt that asks for a repair is given it."""
WARNINGS = ("terms_fire: a warning",)
"""Of checks that a sample is told with."""
SAMPLES: dict[Grammar, str] = {
    "terms": """IDEA = "A sample."
WEIGHTS = {"sample": 1.0}

def compute_reward(state, action, next_state, memory):
    return {"sample": np.ones(len(action))}
""",
    "signs": """IDEA = "A sample."

def sparse(state, action, next_state, memory):
    return {"sample": np.ones(len(action))}

def dense(state, action, next_state, memory):
    return {"other": np.ones(len(action))}
""",
}
MANY = 7
"""Candidates of the sample: more than are told at length."""


def rehearse(templates: Templates, task: Task, schema: EnvSchema, effort: Effort) -> None:
    """Render every template that a run may use, with this task and a made-up history that fills each of their parts.

    Args:
        templates: the prompts.
        task: what a reward is designed for.
        schema: its fields.
        effort: of the language model.

    Raises:
        UserError: a template is broken; the message names file and line.
    """
    source, past = SAMPLES[task.grammar], _past(task)
    for index in range(2):  # the first candidate of a round improves, the second explores
        opening = Brief(task=task, schema_=schema, grammar=task.grammar, round=0, index=index, candidates=2)
        conversations(templates, opening, source, past, effort, WARNINGS)
        conversations(templates, opening, source, tuple(map(plain, past)), effort)


def conversations(
    templates: Templates,
    brief: Brief,
    source: str,
    history: Sequence[PastCandidate],
    effort: Effort = "full",
    warnings: Sequence[str] = (),
) -> dict[str, tuple[Message, ...]]:
    """The messages of each call that a run makes, by the template that is last in them.

    Args:
        templates: the prompts.
        brief: of a first proposal.
        source: a program, which is reviewed, repaired and shown as a sibling.
        history: what a revision is told of; the first of them is analysed.
        effort: of the language model.
        warnings: what the checks suspect of the program under review.
    """
    chat = ScriptedChat(_reply)
    designer, told = LLMDesigner(chat, templates, effort), {"history": tuple(history), "siblings": (source,)}
    designer.repair(brief, Proposal(source=""), REASON, 1)
    designer.repair(brief, Proposal(source=source), REASON, 1)
    review(chat, templates, brief, check(source, brief.schema_.names, brief.grammar), 0, warnings)
    advise(chat, templates, brief.model_copy(update={"history": tuple(history[1:])}), history[0], 0)
    asked = [messages for _, messages in chat.asked]
    return {
        "designer/first": designer.prompt(brief),
        "designer/revision": designer.prompt(brief.model_copy(update=told)),
        "designer/repair": asked[1],
        "critic/review": asked[2],
        "analyzer/analyze": asked[3],
    }


def _reply(name: CallName, messages: tuple[Message, ...]) -> str:
    return '{"verdict": "approve", "findings": []}'


def _past(task: Task) -> tuple[PastCandidate, ...]:
    """Candidates of all kinds, with all that a record can hold."""
    shares = dict.fromkeys(task.outcomes, 0.5)
    measures = dict.fromkeys(task.measures, 0.5)
    evaluation = Evaluation(
        step=1, episodes=1, success_rate=0.5, score=1.0, length=1.0, outcomes=shares, measures=measures
    )
    term = TermStatistics(
        curve=(1.0,), mean=1.0, std=1.0, share=1.0, success_correlation=0.5, score_correlation=None, constant=True
    )
    first = PastCandidate(
        round=0,
        index=0,
        idea="A sample.",
        source=SAMPLES[task.grammar],
        status="trained",
        success_rate=0.5,
        seed_success=(0.0, 1.0),
        score=1.0 if task.score else None,
        evaluations=(evaluation,),
        shipped_step=1,
        terms={"sample": term},
        warnings=WARNINGS,
        findings=(Finding(diagnosis="advice", text="Seen.", suggestion="Change it.", term="sample"),),
        label=Finding(diagnosis="exploit", text="Seen.", suggestion="Change it.", term="sample"),
        measured=Measured(
            seed=0,
            others={1: (1.0,)},
            course=Course(
                points=(1,),
                success=(0.5,),
                length=(1.0,),
                own_return=(1.0,),
                score=(1.0,),
                outcomes=dict.fromkeys(shares, (0.5,)),
            ),
            saturation={"sample": 0.9},
        ),
        episodes="Best: 1 step, success.",
        incumbent=True,
    )
    others = [first.model_copy(update={"index": index, "incumbent": False}) for index in range(1, MANY)]
    first = first.model_copy(update={"parent": (0, 1)})
    others[0] = others[0].model_copy(update={"stopped": "stopped after 1 of 2 steps: it was behind 1 other there"})
    refused = {"status": "refused", "reason": REASON, "incumbent": False, "index": MANY}
    failed = refused | {"status": "failed", "index": MANY + 1}
    return (first, *others, first.model_copy(update=refused), first.model_copy(update=failed))
