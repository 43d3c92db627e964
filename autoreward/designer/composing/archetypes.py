"""First structures: different ways to make a reward of what the guide names, the most general first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from autoreward.designer.composing.forms import Term
from autoreward.designer.composing.guide import Guide
from autoreward.designer.composing.source import Structure
from autoreward.designer.composing.terms import Catalogue
from autoreward.task import Task

Make = Callable[[Guide], list[str]]
ENDING_BONUS = 50.0
"""What success is worth where it ends the episode: more than the dense terms that the agent then forgoes."""
_USUAL = {
    "effort": 0.05,
    "smooth": 0.05,
    "hold": 2.0,
    "keep": 0.3,
    "calm": 0.5,
    "small": 0.3,
    "fast": 0.5,
    "energy": 0.5,
}
_SIDE = 0.3
"""What a term for the posture weighs beside the aim."""


def usual_weight(term: Term, task: Task) -> float:
    """The weight that a term begins with."""
    if term.name == "success":
        return ENDING_BONUS if task.success.ends_episode else 2.0
    return _USUAL.get(term.form, 1.0)


def _forms(form: str, quantities: Iterable[str | None]) -> list[str]:
    return [f"{form}_{quantity}" for quantity in quantities if quantity]


def _levels(guide: Guide) -> list[str]:
    """Dense: each gap low, open-ended wishes, a posture."""
    return [*_forms("low", guide.aims[:3]), *guide.wishes[:1], *guide.alive, *guide.events[:1], *guide.costs[:1]]


def _new_bests(guide: Guide) -> list[str]:
    """Each new least gap pays once, so nothing is gained by going back and forth."""
    return [*_forms("best", guide.aims[:3]), *guide.care[:2], *guide.alive, *guide.events]


def _together(guide: Guide) -> list[str]:
    """New bests that count while the rest of the rule holds, and closeness of all gaps at once."""
    if len(guide.aims) < 2:
        return []
    return [*_forms("clean", guide.aims[:3]), *_forms("near", [guide.whole]), *guide.records[:1], *guide.events]


def _drive(guide: Guide) -> list[str]:
    """Motion first: new extremes of speed and place, then the whole gap's new bests."""
    return [*guide.drives[:1], *_forms("best", [guide.whole]), *guide.events[-1:]]


def _closeness(guide: Guide) -> list[str]:
    """Closeness that saturates, with progress to lead there."""
    return [*_forms("near", guide.aims[:3]), *_forms("progress", [guide.whole]), *guide.care[:1], *guide.events[:1]]


def _wish(guide: Guide) -> list[str]:
    """What the words ask for, with care for the posture."""
    return [*guide.wishes[:2], *guide.care[:2], *guide.alive, *guide.events[-1:], *guide.costs[:1]]


def _progress(guide: Guide) -> list[str]:
    """Difference rewards alone: their sum depends on where the episode ends, not on how long it takes."""
    return [*_forms("progress", guide.aims[:3]), *guide.events, *guide.costs[:1]]


def _energy(guide: Guide) -> list[str]:
    """Build up energy in the motion that success needs."""
    return [*guide.drives[1:2], *guide.drives[3:4], *_forms("best", [guide.whole]), *guide.events[-1:]]


def _exact(guide: Guide) -> list[str]:
    """Far and near together: a level that leads, and a sharp closeness."""
    return [*_forms("low", [guide.whole]), *_forms("tight", guide.aims[:2]), *guide.wishes[:1], *guide.events[:1]]


def _score_and_search(guide: Guide) -> list[str]:
    """What the score wants, or else the rule, and places to look for it."""
    wanted = guide.scores[:1] or _forms("best", [guide.whole])
    return [*wanted, *guide.searches, *guide.events] if guide.searches else []


def _score(guide: Guide) -> list[str]:
    """What the score wants, most often each new best of it."""
    return [*guide.scores[:1], *guide.events]


def _score_changes(guide: Guide) -> list[str]:
    """Each change of the score, for the better and for the worse."""
    return [*guide.scores[-1:], *guide.events]


def _search(guide: Guide) -> list[str]:
    """New places alone."""
    return [*guide.searches, *guide.events]


SCORED = (_score_and_search, _score, _score_changes, _search)
"""First where the rule holds no way; else the first of them after `_LEADING` of the rule's own, the others last."""
_LEADING = 3
ARCHETYPES = (_levels, _new_bests, _together, _drive, _closeness, _wish, _progress, _energy, _exact)
_PRECISE = (_levels, _new_bests, _together, _exact, _closeness, _progress, _wish, _drive, _energy)
"""Their order where the rule asks for a value within a tolerance: precision before motion."""
_OPEN = (_wish, _new_bests, _progress, _levels, _drive, _together, _closeness, _energy, _exact)
"""Their order where the words ask for a motion without an end, such as speed: that motion alone before any gap.

A far gap that the policy cannot see is noise to it, step after step.
"""


def _order(catalogue: Catalogue, guide: Guide) -> tuple[Make, ...]:
    if any(gap.tolerance for gap in catalogue.gaps):
        return _PRECISE
    return _OPEN if guide.open_ended else ARCHETYPES


def archetypes(task: Task, catalogue: Catalogue, guide: Guide) -> list[tuple[str, Structure]]:
    """Name and structure of every archetype that has something dense to offer for this task, each once."""
    own = _made(_order(catalogue, guide), task, catalogue, guide)
    scored = _made(SCORED, task, catalogue, guide)
    lead = [*scored, *own] if guide.sudden else [*own[:_LEADING], *scored[:1], *own[_LEADING:], *scored[1:]]
    found: dict[Structure, str] = {}
    for name, structure in lead:
        found.setdefault(structure, name)
    if not found:
        found[weighted(fallback(catalogue, guide), task, catalogue)] = "exploration"
    return [(name, structure) for structure, name in found.items()]


def _made(makers: Iterable[Make], task: Task, catalogue: Catalogue, guide: Guide) -> list[tuple[str, Structure]]:
    """Those that pay for more than the rule: a sudden rule's own gap is the sparse reward in another form."""
    found: dict[Structure, str] = {}
    plain = {*guide.events, *guide.costs, *guide.alive, *guide.failures}
    gaps = {gap.name for gap in catalogue.gaps} if guide.sudden else set()
    aside = frozenset(guide.care if guide.aims else ()) - frozenset(guide.alive)
    for make in makers:
        names = [name for name in dict.fromkeys((*make(guide), *guide.failures)) if name in catalogue.terms]
        names = [name for name in names if catalogue.terms[name].quantity not in gaps]
        if any(name not in plain for name in names):
            found.setdefault(weighted(names, task, catalogue, aside), make.__name__.strip("_").replace("_", " "))
    return [(name, structure) for structure, name in found.items()]


def weighted(names: Iterable[str], task: Task, catalogue: Catalogue, aside: frozenset[str] = frozenset()) -> Structure:
    """A structure of terms with the weights that they begin with; those of `aside` weigh at most a third."""
    usual = ((name, usual_weight(catalogue.terms[name], task)) for name in names)
    return Structure(tuple((name, min(weight, _SIDE) if name in aside else weight) for name, weight in usual))


def fallback(catalogue: Catalogue, guide: Guide) -> list[str]:
    """Something to begin with where neither words nor rule match any field."""
    gaps = {gap.name for gap in catalogue.gaps} if guide.sudden else set()
    dense = [
        term.name for term in catalogue.terms.values() if term.form in ("range", "best") and term.quantity not in gaps
    ]
    return ["success", *dense[:2], *guide.failures]


def drawn(random: Random, task: Task, catalogue: Catalogue, worth: Callable[[Term], float]) -> Structure:
    """A fresh structure of two to five terms, each drawn in proportion to `worth`, with weights about the usual."""
    names: list[str] = []
    pool = list(catalogue.terms.values())
    for _ in range(random.randint(2, 5)):
        chances = [0.0 if term.name in names else worth(term) for term in pool]
        if sum(chances) > 0:
            names.append(random.choices(pool, chances)[0].name)
    structure = weighted(names, task, catalogue)
    return Structure(tuple((name, weight * random.choice((0.5, 1.0, 1.0, 2.0))) for name, weight in structure.weights))
