"""Judges episodes by the task's own rules: success, score, outcomes. No reward program comes near it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.errors import UserError
from autoreward.language.expressions import Expression
from autoreward.schema import EnvSchema
from autoreward.task import Measure, Score, Task

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


_CARRIED = ("now", "streak", "held")
"""What a judge carries from step to step."""


@dataclass(frozen=True)
class StepVerdict:
    """What a step brought, [N] each."""

    success_now: Bools
    """The success expression is true after the step."""
    first: Bools
    """The episode rule holds for the first time in this episode (never for `final`: see `finish`)."""
    ends: Bools
    """The task ends the episode now."""


@dataclass(frozen=True)
class FinishedEpisodes:
    """The K episodes that ended, in the order of their rows."""

    success: Bools
    """[K]."""
    score: Floats | None
    """[K], over the steps whose score is finite, 0 without any; None where the task has no score."""
    outcomes: dict[str, Bools]
    """Name -> [K], evaluated after the last step."""
    measures: dict[str, Floats]
    """Name -> [K], NaN where an episode does not count; empty where they are not followed."""


class EpisodeJudge:
    """Follows N episodes at once.

    Args:
        task: its success rule, score and outcomes.
        schema: of the environment.
        num_envs: N.
        measures: whether the task's measures are followed too; some read fields that cost much.

    Raises:
        UserError: an expression does not parse, reads an unknown field, or gives a vector.
    """

    def __init__(self, task: Task, schema: EnvSchema, num_envs: int, measures: bool = False) -> None:
        self._rule, self._needed = task.success.rule, task.success.steps if task.success.rule == "held" else 1
        self._ends = task.success.ends_episode and self._rule != "final"
        shapes = {field.name: field.shape for field in schema.fields}
        self._success = named_expression("success", task.success.expression, shapes)
        self._score = Course("score", task.score, shapes, num_envs) if task.score is not None else None
        self._outcomes = {
            name: named_expression(f"outcome {name}", text, shapes) for name, text in task.outcomes.items()
        }
        followed = task.measures if measures else {}
        self._measures = {
            name: Course(f"measure {name}", measure, shapes, num_envs) for name, measure in followed.items()
        }
        expressions = (self._success, *self._outcomes.values())
        read = [*(part.fields for part in expressions), *(course.fields for course in self._courses())]
        self.fields: tuple[str, ...] = tuple(dict.fromkeys(name for names in read for name in names))
        """The fields that `step` must be given."""
        self._n = num_envs
        self._now = np.zeros(num_envs, dtype=np.bool_)
        self._streak = np.zeros(num_envs, dtype=np.int64)
        self._held = np.zeros(num_envs, dtype=np.bool_)
        self._last: dict[str, Array] = {}

    def step(self, values: Mapping[str, Array]) -> StepVerdict:
        """Judge a step.

        Args:
            values: `fields` after the step, each [N, ...]. They are kept until the next step, not copied.
        """
        self._now = _holds(self._success, values, self._n)
        self._streak = np.where(self._now, self._streak + 1, 0)
        first = (self._streak >= self._needed) & ~self._held if self._rule != "final" else np.zeros_like(self._now)
        self._held |= first
        for course in self._courses():
            course.add(values)
        self._last = {name: values[name] for name in self.fields}
        return StepVerdict(self._now.copy(), first, first.copy() if self._ends else np.zeros_like(first))

    def _courses(self) -> list[Course]:
        return [*([self._score] if self._score else []), *self._measures.values()]

    def arrays(self) -> dict[str, Array]:
        """For a checkpoint."""
        own = {name: getattr(self, f"_{name}") for name in _CARRIED}
        if self._score is not None:
            own |= {"value": self._score.value, "scored": self._score.counted}
        return {**own, **{f"last.{name}": values for name, values in self._last.items()}}

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Go back to what `arrays` gave."""
        for name in _CARRIED:
            getattr(self, f"_{name}")[:] = arrays[name]
        if self._score is not None:
            self._score.value[:], self._score.counted[:] = arrays["value"], arrays["scored"]
        self._last = {name: arrays[f"last.{name}"] for name in self.fields if f"last.{name}" in arrays}

    def finish(self, mask: Bools) -> FinishedEpisodes:
        """The verdicts of the masked rows [N], whose episodes end here; these rows begin anew."""
        success = (self._now if self._rule == "final" else self._held)[mask]
        score = self._score.of(mask) if self._score is not None else None
        measures = {name: course.among(mask) for name, course in self._measures.items()}
        count = int(mask.sum())
        rows = {name: value[mask] for name, value in self._last.items()}
        outcomes = {
            name: _holds(part, rows, count) if self._last or not part.fields else np.zeros(count, dtype=np.bool_)
            for name, part in self._outcomes.items()
        }
        for array in (self._now, self._held, self._streak):
            array[mask] = 0
        for course in self._courses():
            course.forget(mask)
        return FinishedEpisodes(success, score, outcomes, measures)


class Course:
    """A number over the steps of N episodes: a score, or a measure."""

    def __init__(self, what: str, rule: Score | Measure, shapes: Mapping[str, tuple[int, ...]], num_envs: int) -> None:
        self._expression, self._reduce = named_expression(what, rule.expression, shapes), rule.reduce
        among = rule.among if isinstance(rule, Measure) else None
        self._among = named_expression(f"{what}, among", among, shapes) if among is not None else None
        self.fields = (*self._expression.fields, *(self._among.fields if self._among else ()))
        self.value = np.zeros(num_envs, dtype=np.float64)
        self.counted = np.zeros(num_envs, dtype=np.int64)
        """Steps so far whose number is finite."""
        self._belongs = np.full(num_envs, self._among is None)

    def add(self, values: Mapping[str, Array]) -> None:
        """Take in a step; one without a finite number (a division by zero) is left out.

        Counted as 0 it would be the best step of a score that is never positive.
        """
        count = len(self.value)
        now = np.asarray(self._expression.evaluate(values), dtype=np.float64)
        if now.shape != self.value.shape:  # of no field
            now = np.broadcast_to(now, (count,))
        counts = np.isfinite(now)
        if self._reduce in ("mean", "sum"):
            new = self.value + now
        elif self._reduce == "last":
            new = now
        else:
            pick = np.maximum if self._reduce == "max" else np.minimum
            new = np.where(self.counted == 0, now, pick(self.value, now))
        self.value = np.where(counts, new, self.value)
        self.counted += counts
        if self._among is not None:
            self._belongs |= _holds(self._among, values, count)

    def of(self, mask: Bools) -> Floats:
        """[K], of the masked rows; 0 without any step that counts."""
        value = self.value[mask]
        return value / np.maximum(self.counted[mask], 1) if self._reduce == "mean" else value

    def among(self, mask: Bools) -> Floats:
        """The same, NaN in episodes that do not belong to those that the measure is about."""
        return np.where(self._belongs[mask], self.of(mask), np.nan)

    def forget(self, mask: Bools) -> None:
        """The masked rows begin anew."""
        self.value[mask], self.counted[mask], self._belongs[mask] = 0.0, 0, self._among is None


def _holds(expression: Expression, values: Mapping[str, Array], count: int) -> Bools:
    """Where an expression holds, [N]; never where it is NaN, or where a field that it reads is no finite number.

    A simulation that blew up fulfils `not (height < 0.7)`, and has done nothing.
    """
    value = expression.evaluate(values)
    true = value if value.dtype == np.bool_ else (value != 0) & ~np.isnan(value)
    holds = true.copy() if true.shape == (count,) else np.broadcast_to(true, (count,)).copy()
    for name in expression.fields:
        finite = np.isfinite(values[name])
        holds &= finite if finite.ndim == 1 else finite.reshape(count, -1).all(axis=1)
    return holds


def named_expression(what: str, text: str, shapes: Mapping[str, tuple[int, ...]]) -> Expression:
    """An expression over fields of these shapes, whose errors begin with its name.

    Raises:
        UserError: it does not parse, reads an unknown field, or gives a vector.
    """
    try:
        expression = Expression(text, list(shapes))
        expression.check_shape(shapes)
    except UserError as error:
        error.args = (f"{what}: {error}",)
        raise
    return expression
