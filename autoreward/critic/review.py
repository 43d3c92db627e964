"""The Critic's review by a language model: what executable checks cannot answer."""

from __future__ import annotations

import time
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from autoreward.critic.contract import Check
from autoreward.designer.contract import Brief
from autoreward.language.program import Program
from autoreward.llm.asking import ask_object
from autoreward.llm.contract import CallName, Chat
from autoreward.llm.failures import one_line
from autoreward.llm.reading import what_runs, whole_sentences
from autoreward.prompts.render import Templates


def _word(text: object) -> object:
    return text.strip().lower() if isinstance(text, str) else text


class Opinion(BaseModel):
    """The reply. A model that adds a key has still answered, so keys beyond these are ignored.

    The keys stand in the order in which they are to be thought of: a verdict that comes first is a guess.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    reading: str = ""
    """How the program reads the task."""
    lazy_agent: str = ""
    """The best-paid behaviour that never succeeds, counted out against an ordinary way of doing the task. Nothing reads
    it; it makes the model count before it judges, and people find it in the recorded call."""
    reasons: tuple[str, ...] = ()
    """Each fault, where it rejects."""
    verdict: Annotated[Literal["approve", "reject"], BeforeValidator(_word)]


def review(chat: Chat, templates: Templates, brief: Brief, program: Program, attempt: int) -> Check:
    """Ask whether the program asks for the task, and what a lazy agent would do with it.

    A reply that cannot be read is asked for once more. A second one, or a rejection without a reason, counts as passed,
    with a note: an opinion that is not given cannot stop a candidate.

    Args:
        chat: the language model.
        templates: the prompts.
        brief: what the Designer was told.
        program: the candidate, which has passed the executable checks.
        attempt: 0 for the proposal, k after its k-th repair.

    Raises:
        EndpointError: the endpoint failed for good.
        BudgetReached: a cap on calls or tokens is reached.
    """
    started = time.monotonic()
    messages = templates.messages(
        "critic/review",
        task=brief.task,
        schema=brief.schema_,
        grammar=brief.grammar,
        code=what_runs(program.source),
    )
    name = CallName(role="critic", round=brief.round, candidate=brief.index, attempt=attempt)
    opinion = ask_object(chat, name, messages, Opinion)
    passed, message = _outcome(opinion)
    return Check(name="review", passed=passed, message=message, seconds=time.monotonic() - started)


def _outcome(opinion: Opinion | None) -> tuple[bool, str]:
    if opinion is None:
        return True, "the review could not be read, and counts as passed"
    reasons = " ".join(whole_sentences(reason, 1000) for reason in opinion.reasons[:5] if reason.strip())
    if opinion.verdict == "reject":
        return (False, reasons) if reasons else (True, "the review rejected without a reason, and counts as passed")
    return True, one_line(opinion.reading, 300)
