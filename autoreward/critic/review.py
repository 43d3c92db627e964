"""The Critic's review by a language model: what executable checks cannot answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from autoreward.critic.contract import Check, Result
from autoreward.designer.contract import Brief
from autoreward.language.program import Program
from autoreward.llm.asking import ask_object
from autoreward.llm.contract import CallName, Chat
from autoreward.llm.failures import one_line
from autoreward.llm.reading import what_runs, whole_sentences
from autoreward.prompts.render import Templates


def _word(text: object) -> object:
    """`approve` or `reject`, also where it is written `Approved.` or `REJECTED`."""
    if not isinstance(text, str):
        return text
    word = text.strip(" \t\r\n.!*`'\"").lower()
    return {"approved": "approve", "rejected": "reject"}.get(word, word)


def _sentence(value: object) -> object:
    """Nothing as no words, and the words of an object, whatever its keys."""
    if isinstance(value, dict):
        return " ".join(words for words in value.values() if isinstance(words, str))
    return "" if value is None else value


def _sentences(value: object) -> object:
    """One sentence or object as the only one."""
    if value is None:
        return ()
    return tuple(map(_sentence, value if isinstance(value, list | tuple) else (value,)))


Sentence = Annotated[str, BeforeValidator(_sentence)]


class Opinion(BaseModel):
    """The reply. A model that adds a key has still answered, so keys beyond these are ignored.

    The keys stand in the order in which they are to be thought of: a verdict that comes first is a guess.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    reading: Sentence = ""
    """How the program reads the task."""
    lazy_agent: Sentence = ""
    """The best-paid behaviour that never succeeds, counted out against an ordinary way of doing the task. Nothing reads
    it; it makes the model count before it judges, and people find it in the recorded call."""
    reasons: Annotated[tuple[str, ...], BeforeValidator(_sentences)] = ()
    """Each fault, where it rejects."""
    verdict: Annotated[Literal["approve", "reject"], BeforeValidator(_word)]

    @model_validator(mode="after")
    def _grounded(self) -> Opinion:
        if self.verdict == "reject" and not any(reason.strip() for reason in self.reasons):
            raise ValueError("a rejection names each fault in reasons")
        return self


def review(
    chat: Chat, templates: Templates, brief: Brief, program: Program, attempt: int, found: Sequence[str] = ()
) -> Check:
    """Ask whether the program asks for the task, and what a lazy agent would do with it.

    A reply that cannot be read, or rejects without a reason, is asked for once more. After a second one there is no
    review: its verdict is `no evidence`, and the candidate goes on, since an opinion that is not given cannot stop it.

    Args:
        chat: the language model.
        templates: the prompts.
        brief: what the Designer was told.
        program: the candidate, which has passed the executable checks.
        attempt: 0 for the proposal, k after its k-th repair.
        found: what the executable checks suspect, and what they measured, as `Verdict.found` tells it.

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
        found=found,
    )
    name = CallName(role="critic", round=brief.round, candidate=brief.index, attempt=attempt)
    opinion = ask_object(chat, name, messages, Opinion)
    verdict, message = _outcome(opinion)
    return Check(name="review", verdict=verdict, message=message, seconds=time.monotonic() - started)


def _outcome(opinion: Opinion | None) -> tuple[Result, str]:
    if opinion is None:
        return "no evidence", "neither reply could be read"
    if opinion.verdict == "approve":
        return "pass", one_line(opinion.reading, 300)
    reasons = [reason for reason in opinion.reasons if reason.strip()]
    return "fail", " ".join(whole_sentences(reason, 1000) for reason in reasons[:5])
