"""The typed grammar: forms that make a term of a quantity, and all terms of a task."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from autoreward.designer.composing import quantities, words
from autoreward.designer.composing.atoms import Rule, read_rule
from autoreward.designer.composing.quantities import Quantity, divided, number, rounded
from autoreward.designer.composing.score import Way, read_score
from autoreward.language.program import Grammar
from autoreward.schema import EnvSchema
from autoreward.task import Task

GAIN = 25.0
"""What progress over a quantity's whole scale is worth: as much as 25 steps of a level term at its best."""


@dataclass(frozen=True)
class Term:
    """One named term of a reward program. The name tells form and quantity, so a program can be read back."""

    name: str
    form: str
    quantity: str
    """Name of the quantity; `success` and `action` for terms about these."""
    setup: tuple[str, ...]
    """Statements before the `return`; equal ones of several terms are written once."""
    value: str
    """Expression, [N]."""
    phrase: str
    """As IDEA says it."""


def _kept(q: Quantity, key: str, default: str, update: str) -> tuple[str, str]:
    """Read something remembered of this episode, then store its update under the same key."""
    return f'{key}_{q.name} = memory.get("{key}_{q.name}", {default})', f'memory["{key}_{q.name}"] = {update}'


def _gained(change: str, scale: float) -> str:
    """What a change is worth when the whole scale is worth `GAIN`."""
    gain = number(GAIN / scale)
    return change if gain == "1" else f"{gain} * {change}"


def _low(q: Quantity) -> Term:
    return _make(q, "low", q.after, divided(f"-{q.name}", q.scale), f"keep {q.phrase} low")


def _near(q: Quantity) -> Term:
    value = f"np.exp(-{q.name} / {number(q.scale / 4)})"
    return _make(q, "near", q.after, value, f"be close in {q.phrase}")


def _tight(q: Quantity) -> Term:
    width = 2 * q.tolerance if q.tolerance else q.scale / 20
    value = f"np.exp(-{q.name} / {number(width)})"
    return _make(q, "tight", q.after, value, f"be exact in {q.phrase}")


def _progress(q: Quantity) -> Term:
    value = _gained(f"({q.name}_before - {q.name})", q.scale)
    return _make(q, "progress", (*q.after, *q.before), value, f"reduce {q.phrase} in each step")


def _best(q: Quantity) -> Term:
    v = q.name
    kept = _kept(q, "least", f"{v}_before", f"np.minimum(least_{v}, {v})")
    value = _gained(f"np.maximum(least_{v} - {v}, 0.0)", q.scale)
    return _make(q, "best", (*q.after, *q.before, *kept), value, f"pay each new least of {q.phrase}")


def _clean(q: Quantity) -> Term:
    """Turning while high, not while falling: what closes one gap and opens another is worth little."""
    best = _best(q)
    others = " + ".join(divided(other.name, other.scale / 8) for other in q.others)
    others = f"({others})" if len(q.others) > 1 else others
    setup = dict.fromkeys((*(line for other in q.others for line in other.after), *best.setup))
    value = f"{best.value} * np.exp(-{others})"
    return _make(q, "clean", tuple(setup), value, f"{best.phrase} as far as the rest of the condition holds")


def _high(q: Quantity) -> Term:
    return _make(q, "high", q.after, divided(q.name, q.scale), f"drive {q.phrase} up")


def _down(q: Quantity) -> Term:
    return _make(q, "down", q.after, divided(f"-{q.name}", q.scale), f"drive {q.phrase} down")


def _small(q: Quantity) -> Term:
    return _make(q, "small", q.after, divided(f"-np.abs({q.name})", q.scale), f"keep {q.phrase} near zero")


def _calm(q: Quantity) -> Term:
    value = f"np.exp(-np.abs({q.name}) / {number(q.scale / 8)})"
    return _make(q, "calm", q.after, value, f"pay {q.phrase} near zero")


def _keep(q: Quantity) -> Term:
    v = q.name
    kept = _kept(q, "first", f"{v}_before", f"first_{v}")
    value = f"np.exp(-np.abs({v} - first_{v}) / {number(q.scale / 8)})"
    return _make(q, "keep", (*q.after, *q.before, *kept), value, f"keep {q.phrase} as the episode began")


def _record(q: Quantity) -> Term:
    v = q.name
    kept = _kept(q, "most", f"{v}_before", f"np.maximum(most_{v}, {v})")
    value = _gained(f"np.maximum({v} - most_{v}, 0.0)", q.scale)
    return _make(q, "record", (*q.after, *q.before, *kept), value, f"pay each new most of {q.phrase}")


def _dip(q: Quantity) -> Term:
    v = q.name
    kept = _kept(q, "least", f"{v}_before", f"np.minimum(least_{v}, {v})")
    value = _gained(f"np.maximum(least_{v} - {v}, 0.0)", q.scale)
    return _make(q, "dip", (*q.after, *q.before, *kept), value, f"pay each new least of {q.phrase}")


def _rise(q: Quantity) -> Term:
    value = _gained(f"({q.name} - {q.name}_before)", q.scale)
    return _make(q, "rise", (*q.after, *q.before), value, f"raise {q.phrase} in each step")


def _stride(q: Quantity, step: int) -> Term:
    v = q.name
    stages = tuple(f"stage_{v}{at} = np.floor({v}{at} / {step})" for at in ("", "_before"))
    kept = (
        f'farthest_{v} = memory.get("farthest_{v}", stage_{v}_before)',
        f'memory["farthest_{v}"] = np.maximum(farthest_{v}, stage_{v})',
    )
    value = f"np.where(stage_{v} > farthest_{v}, 1.0, 0.0)"
    return _make(q, "stride", (*q.after, *q.before, *stages, *kept), value, f"pay each {step} more of {q.phrase}")


def _range(q: Quantity) -> Term:
    v = q.name
    highest = _kept(q, "highest", f"{v}_before", f"np.maximum(highest_{v}, {v})")
    lowest = _kept(q, "lowest", f"{v}_before", f"np.minimum(lowest_{v}, {v})")
    beyond = f"wider_{v} = np.maximum({v} - highest_{v}, 0.0) + np.maximum(lowest_{v} - {v}, 0.0)"
    value = _gained(f"wider_{v}", q.scale)
    phrase = f"pay whatever widens the range of {q.phrase}"
    return _make(q, "range", (*q.after, *q.before, *highest, *lowest, beyond), value, phrase)


def _fast(q: Quantity) -> Term:
    return _make(q, "fast", q.after, divided(f"np.abs({q.name})", q.scale), f"pay {q.phrase} either way")


def _energy(q: Quantity) -> Term:
    return _make(q, "energy", q.after, f"np.square({divided(q.name, q.scale)})", f"build up {q.phrase} squared")


def _burst(q: Quantity) -> Term:
    v = q.name
    kept = _kept(q, "fastest", f"np.abs({v}_before)", f"np.maximum(fastest_{v}, np.abs({v}))")
    value = _gained(f"np.maximum(np.abs({v}) - fastest_{v}, 0.0)", q.scale)
    return _make(q, "burst", (*q.after, *q.before, *kept), value, f"pay each new largest size of {q.phrase}")


def _make(q: Quantity, form: str, setup: tuple[str, ...], value: str, phrase: str) -> Term:
    return Term(f"{form}_{q.name}", form, q.name, setup, value, phrase)


Form = Callable[[Quantity], Term]
COST_FORMS: dict[str, Form] = {"low": _low, "near": _near, "tight": _tight, "progress": _progress, "best": _best}
"""Forms over gaps and distances, which are at least 0 and should become small."""
VALUE_FORMS: dict[str, Form] = {
    "high": _high,
    "down": _down,
    "small": _small,
    "calm": _calm,
    "keep": _keep,
    "record": _record,
    "dip": _dip,
    "range": _range,
    "fast": _fast,
    "energy": _energy,
    "burst": _burst,
}
"""Forms over field values, which can be wanted either way."""
ONE_SIGNED = frozenset(("low", "near", "tight", "small", "calm", "keep", "fast", "energy", "alive", "effort", "smooth"))
"""Forms that never change their sign."""
EVENTS = ("success", "hold")
SPARSE = (*EVENTS, "failure")
"""Forms that the `signs` grammar counts as events."""


@dataclass(frozen=True)
class Catalogue:
    """Every term that the grammar has for a task, by name, and what they were made of."""

    terms: Mapping[str, Term]
    gaps: tuple[Quantity, ...]
    distances: tuple[Quantity, ...]
    values: tuple[Quantity, ...]
    rule: Rule
    way: Way | None = None
    """What the score tells beyond the rule."""

    def quantity(self, name: str) -> Quantity | None:
        """The quantity of that name."""
        scored = (self.way.quantity,) if self.way else ()
        return next((q for q in (*self.gaps, *self.distances, *self.values, *scored) if q.name == name), None)


def catalogue(task: Task, schema: EnvSchema, grammar: Grammar = "terms") -> Catalogue:
    """The grammar, spelt out for a task. `signs` takes a term's sign alone, so it has no forms of one sign."""
    rule = read_rule(task.success.expression, frozenset(schema.names))
    gaps = tuple(quantities.gaps(rule, schema))
    taken = [frozenset(gap.fields) for gap in gaps]
    distances = tuple(quantities.distances(schema, task.text, taken))
    costs = {q.name for q in (*gaps, *distances)}
    values = tuple(q for q in quantities.values(schema) if q.name not in costs)
    way = read_score(task, rule, schema, values)
    terms = _scored(way, values) if way else []
    terms += [form(q) for q in (*gaps, *distances) for form in COST_FORMS.values()]
    terms += [_clean(gap) for gap in gaps if gap.others]
    terms += [form(q) for q in values for form in VALUE_FORMS.values()]
    terms += [*_events(task, rule), *_about_action(schema), _alive(schema)]
    if grammar == "signs":
        terms = [term for term in terms if term.form not in ONE_SIGNED and not _steady(term, values, schema)]
        terms += [*_strides(task, values), *_failure(task, schema)]
    return Catalogue({term.name: term for term in terms}, gaps, distances, values, rule, way)


def _scored(way: Way, values: Collection[Quantity]) -> list[Term]:
    """What the score's quantity has beyond the forms of all values: each change for the better, as a difference."""
    q = way.quantity
    return [_rise(q) if way.rising else _progress(q), *([] if q in values else [_record(q), _high(q)])]


def _steady(term: Term, values: Collection[Quantity], schema: EnvSchema) -> bool:
    """Whether a level has the same sign wherever its field is: a bonus or a price for each step, and nothing else."""
    known = [schema.field(q.fields[0]) for q in values if q.name == term.quantity and term.form in ("high", "down")]
    return any((field.low or 0.0) > 0.0 or (field.high is not None and field.high < 0.0) for field in known)


def _strides(task: Task, values: Collection[Quantity]) -> list[Term]:
    """New places, paid by the dozen: searching for ever must be worth less than success, which may end the episode.

    A sign of the dense terms is worth 0.1 and success 1, so at one place a step 0.1 / step / (1 - gamma) < 1 is asked.
    """
    step = max(2, math.ceil(0.1 / max(1.0 - task.trainer.gamma, 1e-3)))
    return [_stride(q, step) for q in values if words.tokens(q.name) & words.VISITED]


def _failure(task: Task, schema: EnvSchema) -> list[Term]:
    """The outcomes whose names tell of a death."""
    named = [expression for name, expression in task.outcomes.items() if words.tokens(name) & words.DEATHS]
    rules = [read_rule(expression, frozenset(schema.names)).condition for expression in named]
    failed = " | ".join(f"({rule})" for rule in rules).replace("{s}", "next_state")
    term = Term("failure", "failure", "failure", (f"failed = {failed}",), "-np.where(failed, 1.0, 0.0)", "fine a death")
    return [term] if rules else []


def _events(task: Task, rule: Rule) -> list[Term]:
    holds = f"holds = {rule.condition.replace('{s}', 'next_state')}"
    phrase = "pay each step in which the task's condition holds"
    terms = [Term("success", "success", "success", (holds,), "np.where(holds, 1.0, 0.0)", phrase)]
    if task.success.rule == "held" and task.success.steps > 1:
        setup = (
            holds,
            'streak = np.where(holds, memory.get("streak", np.zeros(holds.shape)) + 1.0, 0.0)',
            'memory["streak"] = streak',
        )
        value = f"np.minimum(streak / {task.success.steps:g}, 1.0)"
        phrase = "pay the more, the longer the task's condition has held"
        terms.append(Term("hold", "hold", "success", setup, value, phrase))
    return terms


def _alive(schema: EnvSchema) -> Term:
    """The same in each step: it counts where episodes can end early."""
    field = schema.fields[0]
    ones = "np.ones_like" if field.shape == () and field.dtype == "float32" else "np.ones"
    value = f'{ones}(next_state["{field.name}"]{"" if ones.endswith("like") else ".shape[0]"})'
    return Term("alive", "alive", "episode", (), value, "pay each step that the episode lasts")


def _about_action(schema: EnvSchema) -> list[Term]:
    action = schema.action
    if action.kind == "discrete":
        setup = ('last_action = memory.get("last_action", action)', 'memory["last_action"] = action')
        value = "-np.where(action != last_action, 1.0, 0.0)"
        return [Term("smooth_action", "smooth", "action", setup, value, "change the action seldom")]
    bound = max(abs(action.low or 1.0), abs(action.high or 1.0))
    scale = rounded(bound) if bound < 1e6 else 1.0
    axes = ", axis=-1" if action.shape else ""
    mean = "-np.mean(np.square({0}){1})" if axes else "-np.square({0})"
    effort = mean.format(divided("action", scale), axes)
    smooth = divided(mean.format("action - last_action", axes), rounded(scale * scale))
    setup = ('last_action = memory.get("last_action", action)', 'memory["last_action"] = action')
    return [
        Term("effort", "effort", "action", (), effort, "spend little effort"),
        Term("smooth_action", "smooth", "action", setup, smooth, "change the action gently"),
    ]
