"""Changes to a structure, and which of them a finding of the Analyzer calls for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from autoreward.designer.composing.archetypes import usual_weight
from autoreward.designer.composing.forms import COST_FORMS, EVENTS, Term
from autoreward.designer.composing.guide import Guide
from autoreward.designer.composing.source import Structure, extendable
from autoreward.designer.composing.terms import Catalogue
from autoreward.designer.contract import Finding, PastCandidate
from autoreward.task import Task

MOST_TERMS = 7
_STEPWISE = {"low": "progress", "near": "progress", "tight": "near", "high": "record", "down": "dip", "fast": "burst"}
"""A form that pays for staying -> one of the same quantity that pays for getting there."""
_NEXT = {
    **_STEPWISE,
    "progress": "best",
    "best": "low",
    "record": "high",
    "rise": "record",
    "dip": "down",
    "burst": "energy",
}
"""What to put in the place of a form that did not work."""


@dataclass(frozen=True)
class Workshop:
    """What every move needs to know."""

    task: Task
    catalogue: Catalogue
    guide: Guide
    random: Random
    worth: Callable[[Term], float]
    weightless: bool
    """The `signs` grammar has no weights to change."""


Move = tuple[Structure, str]
"""A changed structure and what was changed, in words."""


def answer(finding: Finding, structure: Structure, shop: Workshop) -> Move | None:
    """The change that a finding or label calls for; None where it calls for none that can be made."""
    known = finding.term in structure.names and finding.term not in EVENTS
    term = finding.term if known else None
    match finding.diagnosis:
        case "constant_term" | "wrong_sign" | "never_fires" if term:
            return replace(structure, term, shop) or drop(structure, term)
        case "flooding" | "reward_flooding":
            return (term and scale(structure, term, 0.3, shop)) or None
        case "survival_farming":
            return drop(structure, "alive") or to_progress(structure, shop)
        case "exploit" if term and f"without.{term}" in finding.evidence:  # found by experiment, while it trained
            return drop(structure, term) or replace(structure, term, shop) or to_progress(structure, shop)
        case "misaligned" | "exploit" | "wrong_frame":
            return to_progress(structure, shop)
        case "never_succeeds" | "exploration_failure" | "never_fires":
            return explore(structure, shop)
        case "early_death" | "premature_death":
            return add_from(structure, [*shop.guide.failures, *shop.guide.alive, *shop.guide.care, "alive"], shop)
        case "unstable" | "unstable_learning":
            return steady(structure, shop)
        case "solved":
            return simplify(structure, shop)
        case _:
            return None


def any_change(structure: Structure, shop: Workshop) -> Move | None:
    """An undirected change."""
    random = shop.random
    name = random.choice(structure.names) if structure.names else ""
    moves: list[Callable[[], Move | None]] = [
        lambda: add(structure, shop),
        lambda: replace(structure, name, shop),
        lambda: drop(structure, name),
        lambda: scale(structure, name, random.choice((0.3, 0.5, 2.0, 3.0)), shop),
        lambda: scale(structure, name, random.choice((0.3, 0.5, 2.0, 3.0)), shop),
    ]
    random.shuffle(moves)
    return next((move for change in moves if (move := change())), None)


def add(structure: Structure, shop: Workshop, names: Sequence[str] = ()) -> Move | None:
    """One more term: of `names`, or of the whole grammar, drawn by worth."""
    if len(structure.weights) >= MOST_TERMS or not _can_grow(structure, shop):
        return None
    pool = [shop.catalogue.terms[name] for name in names or shop.catalogue.terms if name not in structure.names]
    if not pool:
        return None
    chosen = shop.random.choices(pool, [max(shop.worth(term), 1e-6) for term in pool])[0]
    weight = 1.0 if shop.weightless else usual_weight(chosen, shop.task)
    return dataclasses.replace(structure, weights=(*structure.weights, (chosen.name, weight))), f"add {chosen.name}"


def add_from(structure: Structure, names: Sequence[str], shop: Workshop) -> Move | None:
    """The first of `names` that is not there yet."""
    fresh = [name for name in names if name not in structure.names and name in shop.catalogue.terms]
    return add(structure, shop, fresh[:1]) if fresh else None


def drop(structure: Structure, name: str) -> Move | None:
    """Leave one term out; never the last, and never one of a program that the composer did not write."""
    left = tuple((term, weight) for term, weight in structure.weights if term != name)
    if structure.base or not left or len(left) == len(structure.weights):
        return None
    return Structure(left), f"drop {name}"


def scale(structure: Structure, name: str, factor: float, shop: Workshop) -> Move | None:
    """Another weight for one term."""
    if shop.weightless or name not in structure.names:
        return None
    weights = tuple(
        (term, float(f"{weight * factor:.2g}") if term == name else weight) for term, weight in structure.weights
    )
    return dataclasses.replace(structure, weights=weights), f"weigh {name} {factor:g} times"


def replace(structure: Structure, name: str, shop: Workshop) -> Move | None:
    """The same quantity in another form."""
    old = shop.catalogue.terms.get(name)
    if structure.base or old is None or old.form in EVENTS:
        return None
    forms = [_NEXT[old.form]] if old.form in _NEXT else []
    if shop.random.random() < 0.5:
        forms = [form for form in COST_FORMS if form != old.form] if old.form in COST_FORMS else forms
    options = [f"{form}_{old.quantity}" for form in forms]
    options = [option for option in options if option in shop.catalogue.terms and option not in structure.names]
    if not options:
        return None
    new = shop.random.choice(options)
    weights = tuple((new, weight) if term == name else (term, weight) for term, weight in structure.weights)
    return Structure(weights), f"{new} in the place of {name}"


def to_progress(structure: Structure, shop: Workshop) -> Move | None:
    """Own return rises while success does not: pay for getting there, no longer for staying."""
    for name in structure.names:
        term = shop.catalogue.terms.get(name)
        stepwise = f"{_STEPWISE[term.form]}_{term.quantity}" if term and term.form in _STEPWISE else ""
        if stepwise in shop.catalogue.terms and stepwise not in structure.names and not structure.base:
            weights = tuple((stepwise, weight) if old == name else (old, weight) for old, weight in structure.weights)
            return Structure(weights), f"{stepwise} in the place of {name}, which paid without success"
    whole = [f"best_{shop.guide.whole}", f"progress_{shop.guide.whole}"] if shop.guide.whole else []
    return add_from(structure, [name for name in whole if name in shop.catalogue.terms], shop)


def explore(structure: Structure, shop: Workshop) -> Move | None:
    """Success was never seen: something that makes the agent move, or new bests of the gaps."""
    guide = shop.guide
    ways = () if guide.sudden else (*guide.aims, guide.whole)
    bests = [f"best_{aim}" for aim in ways if f"best_{aim}" in shop.catalogue.terms]
    told = (*guide.scores, *guide.searches, *guide.drives[:3], *bests)
    names = [name for name in told if name not in structure.names]
    move = add(structure, shop, names) if names else None
    return move or any_change(structure, shop)


def steady(structure: Structure, shop: Workshop) -> Move | None:
    """Success was reached and lost: let success weigh more, and the action change less."""
    events = [name for name in structure.names if name in EVENTS]
    if events and shop.random.random() < 0.5:
        return scale(structure, events[0], 3.0, shop)
    missing = [name for name in shop.guide.events if name not in structure.names]
    return add_from(structure, [*missing, *reversed(shop.guide.costs)], shop)


def simplify(structure: Structure, shop: Workshop) -> Move | None:
    """It works: try it without one of its dense terms, or with one weighing more or less."""
    dense = [name for name in structure.names if name not in EVENTS]
    if not dense:
        return None
    name = shop.random.choice(dense)
    if len(dense) > 2 and shop.random.random() < 0.3 and (move := drop(structure, name)):
        return move
    return scale(structure, name, shop.random.choice((0.5, 2.0)), shop)


def cross(one: Structure, other: Structure, other_past: PastCandidate, shop: Workshop) -> Move | None:
    """The better parent with up to two terms of the other: those that went with score or success."""
    if not _can_grow(one, shop):
        return None
    known = {name: weight for name, weight in other.weights if name in shop.catalogue.terms and name not in one.names}

    def promise(name: str) -> float:
        statistics = other_past.terms.get(name)
        told = (statistics.success_correlation or statistics.score_correlation or 0.0) if statistics else 0.0
        return told + 0.5 * shop.random.random()

    chosen = sorted(known, key=promise, reverse=True)[: min(2, MOST_TERMS - len(one.weights))]
    if not chosen:
        return None
    weights = (*one.weights, *((name, known[name]) for name in chosen))
    return dataclasses.replace(one, weights=weights), f"take over {' and '.join(chosen)}"


def _can_grow(structure: Structure, shop: Workshop) -> bool:
    return not structure.base or extendable(structure.base, "signs" if shop.weightless else "terms")
