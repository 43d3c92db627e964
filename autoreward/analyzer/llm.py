"""The Analyzer's reading of a training by a language model, beside the computed diagnosis."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from autoreward.analyzer.packet import change, tried
from autoreward.designer.contract import Brief, Finding, PastCandidate
from autoreward.llm.asking import ask_object
from autoreward.llm.contract import CallName, Chat
from autoreward.llm.reading import what_runs, whole_sentences
from autoreward.prompts.render import Templates

MAX_FINDINGS = 5
LONGEST = 1000
"""Characters of a finding's text, and of its suggestion; the prompt asks for 120 words."""


class _Advice(BaseModel):
    """One finding of the reply; keys beyond these are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str
    suggestion: Annotated[str, BeforeValidator(lambda value: value or "")] = ""
    term: str | None = None


class _Analysis(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    findings: Annotated[tuple[_Advice, ...], BeforeValidator(lambda value: value or ())]


def advise(
    chat: Chat, templates: Templates, brief: Brief, candidate: PastCandidate, attempt: int
) -> tuple[Finding, ...]:
    """Ask why the candidate's policy does what it does, and what to change in the reward.

    Returns:
        at most 5 findings with the diagnosis `advice`; none where the reply cannot be read, nor a second one.

    Raises:
        EndpointError: the endpoint failed for good.
        BudgetReached: a cap on calls or tokens is reached.
    """
    parent = next((past for past in brief.history if (past.round, past.index) == candidate.parent), None)
    messages = templates.messages(
        "analyzer/analyze",
        task=brief.task,
        schema=brief.schema_,
        grammar=brief.grammar,
        past=candidate,
        code=what_runs(candidate.source),
        change=change(candidate, parent) if parent else "",
        tried=tried(brief.history, candidate),
    )
    name = CallName(role="analyzer", round=candidate.round, candidate=candidate.index, attempt=attempt)
    analysis = ask_object(chat, name, messages, _Analysis)
    found = analysis.findings[:MAX_FINDINGS] if analysis else ()
    return tuple(_finding(advice, candidate) for advice in found if advice.text.strip())


def _finding(advice: _Advice, candidate: PastCandidate) -> Finding:
    return Finding(
        diagnosis="advice",
        text=whole_sentences(advice.text, LONGEST),
        suggestion=whole_sentences(advice.suggestion, LONGEST),
        term=advice.term if advice.term in candidate.terms else None,
        source="llm",
    )
