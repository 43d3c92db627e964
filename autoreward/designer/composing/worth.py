"""How promising a term is: from the task's words and rule, and from how candidates with it have done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autoreward.designer.composing.forms import Term
from autoreward.designer.composing.guide import Guide
from autoreward.designer.composing.source import Structure
from autoreward.designer.composing.terms import Catalogue
from autoreward.designer.contract import PastCandidate

_GUIDED = 1.0
_UNGUIDED = 0.02
_CREDIT = 2.0


@dataclass(frozen=True)
class Tried:
    """An earlier candidate with the structure that its source was read back to."""

    past: PastCandidate
    structure: Structure
    rank: float
    """0 for the worst trained candidate, 1 for the best."""


def merit(past: PastCandidate) -> tuple[int, float, float]:
    """Candidates are compared by true success, then by score; those that were stopped early come after the others."""
    score = past.score if past.score is not None else float("-inf")
    return (past.steps, past.success_rate if past.success_rate is not None else -1.0, score)


def ranked(candidates: Sequence[tuple[PastCandidate, Structure]]) -> list[Tried]:
    """Trained candidates, best first; of equal ones the earlier."""
    order = sorted(candidates, key=lambda pair: merit(pair[0]), reverse=True)
    last = max(len(order) - 1, 1)
    return [Tried(past, structure, 1.0 - place / last) for place, (past, structure) in enumerate(order)]


def worth(guide: Guide, catalogue: Catalogue, tried: Sequence[Tried]) -> Callable[[Term], float]:
    """The chance of each term, relative to the others.

    A term is worth trying where the guide names it or its quantity; candidates that held the term, its form or its
    quantity raise or lower that by their ranks (a mean with one average candidate added, so that one seldom-tried
    term is not given up after one bad training).
    """
    told = {*guide.wishes, *guide.drives, *guide.care, *guide.events, *guide.scores, *guide.searches, *guide.failures}
    quantities = set() if guide.sudden else {*guide.aims, *([guide.whole] if guide.whole else [])}
    about = {term: catalogue.terms[term] for one in tried for term in one.structure.names if term in catalogue.terms}

    def credit(same: Callable[[Term], bool]) -> float:
        ranks = [one.rank for one in tried if any(same(about[name]) for name in one.structure.names if name in about)]
        return (sum(ranks) + 0.5) / (len(ranks) + 1)

    def chance(term: Term) -> float:
        base = _GUIDED if term.name in told else 0.5 if term.quantity in quantities else _UNGUIDED
        if term.name in guide.costs:
            base = 0.2
        if not tried:
            return base
        seen = 0.5 * credit(lambda other: other.name == term.name) + 0.25 * (
            credit(lambda other: other.form == term.form) + credit(lambda other: other.quantity == term.quantity)
        )
        return base * float(2.0 ** (_CREDIT * 2 * (seen - 0.5)))

    return chance
