"""The Designer that asks a language model: first proposals, revisions, and repairs of what the Critic refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

from autoreward.config import Effort
from autoreward.designer.contract import Brief, PastCandidate, Proposal
from autoreward.language.expressions import Expression
from autoreward.language.page import rules
from autoreward.language.program import Grammar
from autoreward.llm.asking import ask
from autoreward.llm.contract import CallName, Chat, Message, Reply
from autoreward.llm.failures import one_line
from autoreward.llm.reading import idea_in, program_in, same_lines, what_runs
from autoreward.prompts.render import Templates, fenced

SHORTER = "Reply with one line `Idea: ...` and the whole program in one block that begins with ```python, nothing else."
"""What a Designer is asked for whose reply was cut off."""
SHOWN = 4
"""Past candidates that a revision is told of with their records, the incumbent included."""
OLDER = 12
"""Further ones, told in a line each."""


class LLMDesigner:
    """Writes prompts from briefs, and reads programs out of replies.

    A reply without a usable program is no fault: what could be found, even nothing, becomes the proposal's source, the
    Critic refuses it with the reason, and the next repair says so. One that was cut off is asked for again, shorter.
    """

    def __init__(self, chat: Chat, templates: Templates, effort: Effort = "full") -> None:
        """Set up.

        Args:
            chat: the language model.
            templates: the prompts.
            effort: `small` gives a weak model fewer rules, fewer past candidates and a program to fill in.
        """
        self._chat, self._templates, self._effort = chat, templates, effort

    def propose(self, brief: Brief) -> Proposal:
        """A first proposal, or a revision where an earlier candidate was trained. One call, attempt 0.

        Raises:
            EndpointError: the endpoint failed for good.
            BudgetReached: a cap on calls or tokens is reached.
        """
        parent = _parent(brief)
        return self._ask(brief, self.prompt(brief), attempt=0, parent=parent)

    def repair(self, brief: Brief, refused: Proposal, reason: str, attempt: int) -> Proposal:
        """The refused program mended: the opening again, the program as the model's turn, then the reason. One call.

        Raises:
            EndpointError: the endpoint failed for good.
            BudgetReached: a cap on calls or tokens is reached.
        """
        code = same_lines(refused.source)
        messages = (
            *self.prompt(brief),
            Message(role="assistant", content=fenced(code, "python") if code else "(no program)"),
            Message(
                role="user",
                content=self._templates.text("designer/repair", code=code, reason=reason, line=_line(code, reason)),
            ),
        )
        return self._ask(brief, messages, attempt, refused.parent)

    def prompt(self, brief: Brief) -> tuple[Message, ...]:
        """The opening of the conversation, as `--dry-run` shows it."""
        context, name = _context(brief, self._effort), "designer/first"
        if context["best"]:
            name = "designer/revision"
        return self._templates.messages(name, "small" if self._effort == "small" else "system", **context)

    def _ask(
        self, brief: Brief, messages: tuple[Message, ...], attempt: int, parent: tuple[int, int] | None
    ) -> Proposal:
        name = CallName(role="designer", round=brief.round, candidate=brief.index, attempt=attempt)
        found, reply = ask(self._chat, name, messages, lambda said: _whole(said, brief.grammar), SHORTER)
        source = program_in(reply.text, brief.grammar) if found is None else found
        return Proposal(source=source, origin="llm", note=_idea_line(reply.text), parent=parent)


def _whole(reply: Reply, grammar: Grammar) -> str | None:
    """The program of a reply, as far as there is one; None where the limit on its length has cut it off."""
    source = program_in(reply.text, grammar)
    return None if reply.cut and not what_runs(source) else source


def _context(brief: Brief, effort: Effort) -> dict[str, Any]:
    """What the Designer's templates may use."""
    ranked, most = _ranked(brief.history), SHOWN if effort == "full" else SHOWN // 2
    shown = [{"past": past, "code": what_runs(past.source)} for past in ranked[:most]]
    return {
        "task": brief.task,
        "schema": brief.schema_,
        "grammar": brief.grammar,
        "direction": _direction(brief),
        "best": shown[0] if shown else None,
        "others": shown[1:],
        "older": ranked[most : most + OLDER],
        "refused": [past for past in brief.history if past.status == "refused"][-SHOWN:],
        "siblings": [
            {"code": code, "idea": idea_in(source)} for source in brief.siblings if (code := what_runs(source))
        ],
        "language": rules(brief.grammar),
        "skeleton": [] if effort == "full" else Expression(brief.task.success.expression, brief.schema_.names).fields,
    }


def _ranked(history: Sequence[PastCandidate]) -> list[PastCandidate]:
    """The incumbent, then the other trained candidates: the latest round first, inside a round the best first."""
    trained = [past for past in history if past.status == "trained"]
    failed = [past for past in history if past.status == "failed"] if trained else []

    def worth(past: PastCandidate) -> tuple[int, float, float]:
        return past.steps, past.success_rate or 0.0, float("-inf") if past.score is None else past.score

    best = next((past for past in trained if past.incumbent), max(trained, key=worth, default=None))
    others = [past for past in [*trained, *failed] if past is not best]
    others.sort(key=lambda past: (past.round, past.status == "trained", *worth(past)), reverse=True)
    return [best, *others] if best else []


def _direction(brief: Brief) -> Literal["improve", "explore"]:
    """Even candidates of a round build on the best one, odd ones look elsewhere."""
    return "improve" if brief.index % 2 == 0 else "explore"


def _parent(brief: Brief) -> tuple[int, int] | None:
    ranked = _ranked(brief.history)
    return (ranked[0].round, ranked[0].index) if ranked and _direction(brief) == "improve" else None


def _idea_line(reply: str) -> str:
    """The line `Idea: ...` of a reply, or nothing."""
    found = re.search(r"^[\s>*_#\d.]*idea[\s*_]*:[\s*_]*(\S.*)$", reply, re.MULTILINE | re.IGNORECASE)
    return one_line(found[1], 300) if found else ""


def _line(code: str, reason: str) -> str:
    """The line of the program that a reason names, or nothing."""
    found = re.search(r"\bline (\d+)", reason)
    lines = code.splitlines()
    return lines[int(found[1]) - 1].strip() if found and 0 < int(found[1]) <= len(lines) else ""
