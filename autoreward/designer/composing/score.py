"""The task's score as something to get better at, where the success rule itself holds no way.

Programs never see the score's value. Its expression is part of the task like the success rule's, and a reward may be
about the same fields.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from autoreward.designer.composing import atoms, quantities
from autoreward.designer.composing.atoms import Atom, Rule
from autoreward.designer.composing.quantities import Quantity
from autoreward.schema import EnvSchema
from autoreward.task import Task

_COUNTS = re.compile(r"\b(counts?|how many|how often|number of)\b")
_STEPPED = (ast.BoolOp, ast.Compare, ast.IfExp, ast.Not)


@dataclass(frozen=True)
class Way:
    """A quantity that the score has and the success rule has not, and which way is better."""

    quantity: Quantity
    rising: bool
    level: bool
    """Whether each step counts (a mean or a sum), rather than the best or the last."""


def read_score(task: Task, rule: Rule, schema: EnvSchema, values: Sequence[Quantity]) -> Way | None:
    """The way that the score tells of; None without one: no score, one of the rule's own fields alone, or a flag.

    A field, or a component of one, is the quantity that `values` has already.
    """
    if task.score is None:
        return None
    tree = ast.parse(task.score.expression.strip(), mode="eval").body
    names = frozenset(schema.names)
    read = dict.fromkeys(part.id for part in ast.walk(tree) if isinstance(part, ast.Name) and part.id in names)
    if read.keys() <= rule.fields or any(isinstance(part, _STEPPED) for part in ast.walk(tree)):
        return None
    level = task.score.reduce in ("mean", "sum")
    inner = tree.operand if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub) else tree
    code = atoms.code(inner, names)
    if known := next((value for value in values if value.code == code), None):
        return Way(known, inner is tree, level)
    text, fields = ast.unparse(tree), tuple(read)
    scale = quantities.typical(text, fields, schema)
    name = "score" if "score" not in names else "task_score"
    phrase = f"the score, {text}"[:80]
    return Way(Quantity(name, phrase, atoms.code(tree, names), scale, "value", fields), rising=True, level=level)


def sudden(rule: Rule, schema: EnvSchema) -> bool:
    """Whether nothing in the rule comes nearer before it holds: it asks for one flag, one id or the first of a count.

    Several flags are a way: each is a part of it. A rule that was not understood has no way that is known.
    """
    return len(rule.atoms) <= 1 and all(_sudden(atom, schema) for atom in rule.atoms)


def _sudden(atom: Atom, schema: EnvSchema) -> bool:
    fields = [schema.field(name) for name in atom.fields]
    equal = atom.measure.startswith("abs(")
    if not atom.measure:
        return True
    if any(_COUNTS.search(field.meaning) for field in fields):
        return not equal and atom.bound <= 1
    return equal and all(field.dtype != "float32" for field in fields)
