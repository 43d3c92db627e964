"""What the task's words and success rule say about which terms are worth trying."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from autoreward.designer.composing import words
from autoreward.designer.composing.quantities import Quantity
from autoreward.designer.composing.score import sudden
from autoreward.designer.composing.terms import Catalogue
from autoreward.schema import EnvSchema, Field
from autoreward.task import Task

_MOST = 4
_SIDEWAYS = frozenset(("z", "y", "vertical", "lateral", "sideways"))


@dataclass(frozen=True)
class Guide:
    """Names of catalogue terms by the part they can play, the most promising first."""

    aims: tuple[str, ...]
    """Quantities that should become small: gaps of the success rule, else the distances that the text is about."""
    whole: str | None
    """The aim that stands for all: the sum of gaps, or the only one."""
    wishes: tuple[str, ...]
    """Open-ended terms that the words or an open comparison ask for, such as `high_x_velocity`."""
    open_ended: bool
    """Whether the words ask for speed that has no end, so that the first wish is the task itself."""
    drives: tuple[str, ...]
    """Terms that make the agent move and explore."""
    records: tuple[str, ...]
    """New extremes of what the words want high."""
    care: tuple[str, ...]
    """Terms that keep a posture, for episodes that can end early and for bodies that can fall."""
    alive: tuple[str, ...]
    """A bonus for each step, where episodes can end early in failure: else ending at once is the cheapest way out."""
    events: tuple[str, ...]
    """`hold` where the rule asks for it, and `success`."""
    costs: tuple[str, ...]
    """Terms about the action."""
    scores: tuple[str, ...]
    """What the score says of the way to success beyond the rule: its level where that counts, new bests, changes."""
    searches: tuple[str, ...]
    """New places, where the words ask to find something (`signs` alone)."""
    failures: tuple[str, ...]
    """What a death costs (`signs` alone)."""
    sudden: bool
    """Whether the rule's gap falls in the step in which success comes, so that its terms are the sparse reward."""


def guide(task: Task, schema: EnvSchema, catalogue: Catalogue) -> Guide:
    """Match a task with the grammar."""
    told, asked = words.tokens(task.text), words.intents(task.text)
    worth = {field.name: words.relevance(field, told, catalogue.rule.fields) for field in schema.fields}
    ranked = sorted((f for f in schema.fields if f.dtype == "float32"), key=lambda field: -worth[field.name])
    single = [gap.name for gap in catalogue.gaps if gap.name != "success_gap"]
    near = [q.name for q in catalogue.distances if "near" in asked or sum(worth[f] for f in q.fields) >= 2]
    aims = tuple(single or near[:2])
    summed = "success_gap" if len(single) > 1 else aims[0] if aims else None
    named = catalogue.terms
    return Guide(
        aims=aims,
        whole=summed,
        wishes=_known(_wishes(task, ranked, catalogue, asked), named)[:_MOST],
        open_ended="fast" in asked and any(words.trait(field) == "speed" for field in ranked),
        drives=_known(_drives(schema, ranked, catalogue), named)[: 2 * _MOST],
        records=_known(_records(ranked, catalogue, asked), named)[:_MOST],
        care=_known(_care(ranked, catalogue), named)[:_MOST],
        alive=_known(("alive",) if words.ends_early(schema) and not task.success.ends_episode else (), named),
        events=_known(("hold", "success"), named),
        costs=_known(("effort", "smooth_action"), named),
        scores=_known(_scores(catalogue), named),
        searches=tuple(name for name in named if name.startswith("stride_") and "find" in asked),
        failures=_known(("failure",), named),
        sudden=sudden(catalogue.rule, schema),
    )


def _scores(catalogue: Catalogue) -> list[str]:
    if catalogue.way is None:
        return []
    level, best, change = ("high", "record", "rise") if catalogue.way.rising else ("down", "dip", "progress")
    forms = (level, best, change) if catalogue.way.level else (best, change)
    return [f"{form}_{catalogue.way.quantity.name}" for form in forms]


def _known(names: Iterable[str], terms: Iterable[str]) -> tuple[str, ...]:
    """Those that the grammar has, each once."""
    there = frozenset(terms)
    return tuple(dict.fromkeys(name for name in names if name in there))


def _of(field: Field, catalogue: Catalogue) -> list[Quantity]:
    return [value for value in catalogue.values if value.fields == (field.name,)]


def _main(field: Field, catalogue: Catalogue) -> list[Quantity]:
    """The number of a field that words mean: itself, or of a vector z of heights, the size of spins, x of ways."""
    found = _of(field, catalogue)
    if len(found) <= 1:
        return found
    wanted = {"height": "_z", "spin": "_size"}.get(words.trait(field), "_x")
    return [value for value in found if value.name.endswith(wanted)]


def _size(field: Field, catalogue: Catalogue) -> list[Quantity]:
    found = _of(field, catalogue)
    return found if len(found) <= 1 else [value for value in found if value.name.endswith("_size")]


def _wishes(task: Task, ranked: list[Field], catalogue: Catalogue, asked: frozenset[words.Intent]) -> list[str]:
    """What the words ask of the fields that they are about, then what open comparisons bound from one side."""
    names: list[str] = []
    way = "down" if words.backward(task.text) else "high"
    for field in sorted(ranked, key=lambda field: bool(words.tokens(field.name) & _SIDEWAYS)):
        kind, body = words.trait(field), bool(words.tokens(field.name) & words.BODY)
        if kind == "speed" and "fast" in asked:
            names += [f"{way}_{value.name}" for value in _main(field, catalogue)]
        elif kind == "height" and "high" in asked:
            names += [f"high_{value.name}" for value in _main(field, catalogue)]
        elif kind == "spin" and "turn" in asked and body:
            names += [f"{way}_{value.name}" for value in _main(field, catalogue)]
        elif kind in ("speed", "spin") and "still" in asked:
            names += [f"small_{value.name}" for value in _size(field, catalogue)]
        elif "upright" in asked and "upright" in words.tokens(field.name):
            names += [f"high_{value.name}" for value in _main(field, catalogue)]
        elif kind == "angle" and "upright" in asked and body and field.name not in catalogue.rule.fields:
            names += [f"calm_{value.name}" for value in _main(field, catalogue)]
    by_field = {value.fields[0]: value.name for value in reversed(catalogue.values)}
    names += [f"high_{by_field[atom.rising]}" for atom in catalogue.rule.atoms if atom.rising in by_field]
    names += [f"down_{by_field[atom.falling]}" for atom in catalogue.rule.atoms if atom.falling in by_field]
    return names


def _drives(schema: EnvSchema, ranked: list[Field], catalogue: Catalogue) -> list[str]:
    """Motion of what the success rule reads: its own range, and the velocities that go with it."""
    names: list[str] = []
    read = dict.fromkeys(name for atom in catalogue.rule.atoms for name in atom.fields)
    for field in (schema.field(name) for name in read):
        if len(read) > 1 and words.tokens(field.name) & words.GOALS:
            continue
        kinds = ("spin", "speed") if words.trait(field) == "angle" else ("speed", "spin")
        shared = words.tokens(field.name)
        moving = next((found for kind in kinds if (found := [f for f in ranked if words.trait(f) == kind])), [])
        moving.sort(key=lambda other: -len(shared & words.tokens(other.name)))
        for value in [value for other in moving[:2] for value in _main(other, catalogue)]:
            names += [f"burst_{value.name}", f"energy_{value.name}", f"fast_{value.name}"]
        names += [f"{form}_{value.name}" for value in _main(field, catalogue) for form in ("range", "record")]
    heights = [field for field in ranked if words.trait(field) == "height"]
    names += [f"record_{value.name}" for field in heights[:1] for value in _main(field, catalogue)]
    return names


def _records(ranked: list[Field], catalogue: Catalogue, asked: frozenset[words.Intent]) -> list[str]:
    """New bests of height for tasks that ask to jump or to climb."""
    heights = [field for field in ranked if words.trait(field) == "height"] if "high" in asked else []
    return [f"record_{value.name}" for field in heights for value in _main(field, catalogue)]


def _care(ranked: list[Field], catalogue: Catalogue) -> list[str]:
    """Heights kept as they began, and angles of the whole body kept near zero where success does not want them."""
    names: list[str] = []
    for field in ranked:
        kind = words.trait(field)
        whole = bool(words.tokens(field.name) & words.BODY) or kind == "height"
        wanted = field.name in catalogue.rule.fields
        for value in _main(field, catalogue) if whole else []:
            if kind == "height":
                names.append(f"high_{value.name}" if wanted else f"keep_{value.name}")
            elif kind == "angle" and not wanted:
                names.append(f"calm_{value.name}")
        if "upright" in words.tokens(field.name) and not wanted:
            names += [f"high_{value.name}" for value in _main(field, catalogue)]
    return names
