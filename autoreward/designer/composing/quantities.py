"""Quantities that terms are made of: gaps of the success rule, distances between fields, and single field values."""

from __future__ import annotations

import dataclasses
import itertools
import keyword
import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from autoreward.designer.composing import words
from autoreward.designer.composing.atoms import Rule
from autoreward.errors import AutorewardError
from autoreward.language.expressions import Expression
from autoreward.language.tables import BUILTINS, PARAMETERS, RESERVED
from autoreward.schema import EnvSchema, Field

LONGEST_NAME = 30
_DEFAULT_RANGE = {"rad": math.pi, "deg": 180.0, "m": 1.0, "m/s": 2.0, "rad/s": 5.0}
_UNBOUNDED = 1e6
_TAKEN = re.compile(
    "^(least|most|first|highest|lowest|fastest|wider|last|stage|farthest)_|_before$|^(holds|streak|failed|"
    + "|".join(sorted({*PARAMETERS, *RESERVED, *BUILTINS, *keyword.kwlist}))
    + ")$"
)
"""Names that the terms' own local variables have, or that mean something in the reward language."""
_SAMPLES = 512
_MOST_PAIRS = 8
_MOST_COMPONENTS = 8


@dataclass(frozen=True)
class Quantity:
    """A number a simulation, before and after the step, that a term can be about."""

    name: str
    """Identifier; programs use it as the local variable."""
    phrase: str
    """As IDEA says it."""
    code: str
    """Expression of the reward language with `{s}` where `state` or `next_state` stands."""
    scale: float
    """How large it typically gets, so that weights of order one mean something."""
    kind: Literal["gap", "distance", "value"]
    """Gaps and distances are at least 0 and should become small; values can be wanted either way."""
    fields: tuple[str, ...]
    tolerance: float | None = None
    """How small a gap must become."""
    parts: tuple[Quantity, ...] = ()
    """Gaps that it is the sum of, each over its scale; `code` is empty then."""
    others: tuple[Quantity, ...] = ()
    """The other gaps of the same rule, which have to be closed with it."""

    @property
    def after(self) -> tuple[str, ...]:
        """Statements that give it after the step, under its name."""
        return self._statements("next_state", "")

    @property
    def before(self) -> tuple[str, ...]:
        """Statements that give it before the step, under its name and `_before`."""
        return self._statements("state", "_before")

    def _statements(self, mapping: str, suffix: str) -> tuple[str, ...]:
        if not self.parts:
            return (f"{self.name}{suffix} = {self.code.replace('{s}', mapping)}",)
        lines = [line for part in self.parts for line in part._statements(mapping, suffix)]
        shares = " + ".join(divided(f"{part.name}{suffix}", part.scale) for part in self.parts)
        return (*lines, f"{self.name}{suffix} = {shares}")


def extent(field: Field) -> float:
    """The largest absolute value that a field typically has: from its range, else from its unit."""
    ends = [abs(end) for end in (field.low, field.high) if end is not None and abs(end) < _UNBOUNDED]
    return max(ends, default=0.0) or _DEFAULT_RANGE.get(field.unit, 1.0)


def rounded(value: float) -> float:
    """Two significant digits, as a person would write it."""
    return float(f"{value:.2g}")


def divided(value: str, scale: float) -> str:
    """The text of `value / scale`."""
    return value if scale == 1.0 else f"{value} / {number(scale)}"


def number(value: float) -> str:
    """The text of a number with two significant digits."""
    return f"{rounded(value):g}"


def gaps(rule: Rule, schema: EnvSchema) -> list[Quantity]:
    """One gap a comparison of the success rule, and their sum (each over its scale) where there are several."""
    found: list[Quantity] = []
    for atom in rule.atoms:
        name = _unique("_to_".join(atom.fields[:2]) + "_gap", [gap.name for gap in found])
        scale = typical(atom.measure, atom.fields, schema)
        phrase = f"the gap to {' '.join(atom.text.split())}"
        found.append(Quantity(name, phrase[:80], atom.code, scale, "gap", atom.fields, atom.tolerance))
    if len(found) > 1:
        fields = tuple(dict.fromkeys(name for gap in found for name in gap.fields))
        phrase, size = "all gaps to success together", float(len(found))
        whole = Quantity("success_gap", phrase, "", size, "gap", fields, parts=tuple(found))
        with_others = (dataclasses.replace(gap, others=tuple(o for o in found if o is not gap)) for gap in found)
        found = [*with_others, whole]
    return found


def typical(measure: str, fields: Collection[str], schema: EnvSchema) -> float:
    """The 90th percentile of an expression's size over the ranges of its fields; 1 where it cannot be told."""
    if not measure:
        return 1.0
    drawn = np.random.default_rng(0)
    sample = {}
    for name in fields:
        field = schema.field(name)
        low, high = (-extent(field), extent(field)) if field.low is None or field.high is None else _ends(field)
        sample[name] = drawn.uniform(low, high, size=(_SAMPLES, *field.shape)).astype(np.float32)
    try:
        with np.errstate(all="ignore"):
            size = float(np.nanpercentile(np.abs(Expression(measure, schema.names).evaluate(sample)), 90))
    except (AutorewardError, ValueError, TypeError, IndexError):
        return 1.0
    return rounded(size) if math.isfinite(size) and size > 1e-6 else 1.0


def _ends(field: Field) -> tuple[float, float]:
    low, high = float(field.low or 0.0), float(field.high or 0.0)
    return (low, high) if abs(low) < _UNBOUNDED and abs(high) < _UNBOUNDED else (-extent(field), extent(field))


def values(schema: EnvSchema) -> list[Quantity]:
    """Every number among the fields: scalars, components of short vectors, and the size of velocity vectors."""
    found: list[Quantity] = []
    for field in schema.fields:
        if field.dtype != "float32":
            continue
        for value in _of_field(field):
            name = f"{value.name[: LONGEST_NAME - 6]}_value" if _TAKEN.search(value.name) else value.name
            if name not in {known.name for known in found}:
                found.append(dataclasses.replace(value, name=name))
    return found


def _of_field(field: Field) -> Iterator[Quantity]:
    scale, read = rounded(extent(field)), f'{{s}}["{field.name}"]'
    phrase = field.name.replace("_", " ")
    if field.shape == ():
        yield Quantity(_short(field.name, LONGEST_NAME), phrase, read, scale, "value", (field.name,))
    elif len(field.shape) == 1 and field.shape[0] <= _MOST_COMPONENTS:
        parts = "xyz" if field.shape[0] <= 3 and words.trait(field) != "angle" else "01234567"
        for index, part in zip(range(field.shape[0]), parts, strict=False):
            name = f"{_short(field.name)}_{part}"
            code = f"{read}[..., {index}]"
            yield Quantity(name, f"{phrase} {part}", code, scale, "value", (field.name,))
        if words.trait(field) in ("speed", "spin"):
            size = f"np.linalg.norm({read}, axis=-1)"
            yield Quantity(f"{_short(field.name)}_size", f"{phrase} in size", size, scale, "value", (field.name,))


def distances(schema: EnvSchema, text: str, taken: Collection[frozenset[str]]) -> list[Quantity]:
    """Distances between two places of the same shape, those that the text is about first, at most eight.

    Args:
        schema: of the environment.
        text: the task's.
        taken: sets of fields that have a gap of the success rule between them already.
    """
    told = words.tokens(text)
    ranked = []
    for one, other in itertools.combinations(schema.fields, 2):
        if not _comparable(one, other) or frozenset((one.name, other.name)) in taken:
            continue
        goal = bool((words.tokens(one.name) | words.tokens(other.name)) & words.GOALS)
        worth = words.relevance(one, told, frozenset()) + words.relevance(other, told, frozenset()) + goal
        ranked.append((-worth, one, other))
    ranked.sort(key=lambda entry: entry[0])
    found: list[Quantity] = []
    for _, one, other in ranked[:_MOST_PAIRS]:
        name = f"{one.name}_to_{other.name}"
        if len(name) > LONGEST_NAME - 2:
            name = f"{_short(one.name, 10)}_to_{_short(other.name, 10)}"
        name = _unique(name, [known.name for known in found])
        pair = f'{{s}}["{one.name}"] - {{s}}["{other.name}"]'
        code = f"np.linalg.norm({pair}, axis=-1)" if one.shape else f"np.abs({pair})"
        phrase = f"the distance from {one.name} to {other.name}".replace("_", " ")
        scale = rounded(max(extent(one), extent(other)))
        found.append(Quantity(name, phrase, code, scale, "distance", (one.name, other.name)))
    return found


def _comparable(one: Field, other: Field) -> bool:
    kinds = {words.trait(one), words.trait(other)}
    if one.dtype != "float32" or (one.shape, one.unit, one.dtype) != (other.shape, other.unit, other.dtype):
        return False
    if one.shape in ((2,), (3,)):
        return kinds <= {"place", "height", "other"}
    goal = (words.tokens(one.name) | words.tokens(other.name)) & words.GOALS
    return one.shape == () and bool(goal) and len(kinds) == 1


def _short(name: str, longest: int = LONGEST_NAME - 5) -> str:
    """The name, without vowels inside its words where it is too long."""
    if len(name) > longest:
        name = re.sub(r"(?<=[a-zA-Z])[aeiou](?=[a-z])", "", name)
    return name[:longest].strip("_")


def _unique(name: str, taken: Collection[str]) -> str:
    name = _short(name, LONGEST_NAME - 2)
    numbered = (f"{name}_{count}" for count in itertools.count(2))
    return name if name not in taken else next(other for other in numbered if other not in taken)
