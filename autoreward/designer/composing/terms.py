"""All terms that the grammar has for a task."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from autoreward.designer.composing import quantities, words
from autoreward.designer.composing.atoms import Rule, read_rule
from autoreward.designer.composing.forms import COST_FORMS, ONE_SIGNED, VALUE_FORMS, Term, clean, rise, stride
from autoreward.designer.composing.quantities import Quantity, divided, rounded
from autoreward.designer.composing.score import Way, read_score
from autoreward.language.program import Grammar
from autoreward.schema import EnvSchema
from autoreward.task import Task


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
    terms += [clean(gap) for gap in gaps if gap.others]
    terms += [form(q) for q in values for form in VALUE_FORMS.values()]
    terms += [*_events(task, rule), *_about_action(schema), _alive(schema)]
    if grammar == "signs":
        terms = [term for term in terms if term.form not in ONE_SIGNED and not _steady(term, values, schema)]
        terms += [*_strides(task, values), *_failure(task, schema)]
    return Catalogue({term.name: term for term in terms}, gaps, distances, values, rule, way)


def _scored(way: Way, values: Collection[Quantity]) -> list[Term]:
    """What the score's quantity has beyond the forms of all values: each change for the better, as a difference."""
    q = way.quantity
    return [
        rise(q) if way.rising else COST_FORMS["progress"](q),
        *([] if q in values else [VALUE_FORMS[form](q) for form in ("record", "high")]),
    ]


def _steady(term: Term, values: Collection[Quantity], schema: EnvSchema) -> bool:
    """Whether a level has the same sign wherever its field is: a bonus or a price for each step, and nothing else."""
    known = [schema.field(q.fields[0]) for q in values if q.name == term.quantity and term.form in ("high", "down")]
    return any((field.low or 0.0) > 0.0 or (field.high is not None and field.high < 0.0) for field in known)


def _strides(task: Task, values: Collection[Quantity]) -> list[Term]:
    """New places, paid by the dozen: searching for ever must be worth less than success, which may end the episode.

    A sign of the dense terms is worth 0.1 and success 1, so at one place a step 0.1 / step / (1 - gamma) < 1 is asked.
    """
    step = max(2, math.ceil(0.1 / max(1.0 - task.trainer.gamma, 1e-3)))
    return [stride(q, step) for q in values if words.tokens(q.name) & words.VISITED]


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
