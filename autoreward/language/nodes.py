"""Small questions about syntax trees, and how a refusal speaks of them."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import NoReturn

from autoreward.errors import RewardRefused, closest
from autoreward.language import advice, tables


def refuse(node: ast.AST, rule: str, message: str) -> NoReturn:
    """Raise `RewardRefused` at a node."""
    line, column = getattr(node, "lineno", None), getattr(node, "col_offset", None)
    raise RewardRefused(message, rule, line, None if column is None else column + 1)


def shown(name: str) -> str:
    """A name as messages may show it: text that a program chose is never passed on."""
    return f"`{name}`" if name.isidentifier() and name.isascii() and len(name) <= tables.MAX_NAME else "this name"


def hint(name: str, known: Iterable[str]) -> str:
    """` Closest: a, b.`, or nothing."""
    near = [other for other in closest(name, known) if SequenceMatcher(None, name.lower(), other.lower()).ratio() > 0.6]
    return f" Closest: {', '.join(near)}." if near else ""


def check_construct(node: ast.AST) -> None:
    """Refuse what is not on the allow-list of constructs."""
    if type(node) not in tables.NODES:
        kind = type(node).__name__
        construct, instead = advice.NODES.get(kind, (f"`{kind}`", "write it with simpler statements"))
        refuse(node, "construct", f"{construct} is not part of the reward language; {instead}")


def is_name(text: object) -> bool:
    """Whether a value can name a field, a term or a memory entry."""
    return isinstance(text, str) and text.isidentifier() and text.isascii() and len(text) <= tables.MAX_NAME


def bound_names(top: ast.FunctionDef | ast.expr) -> set[str]:
    """Every name that a function, or the lambdas of an expression, give a meaning, nested ones included."""
    names = set()
    for node in ast.walk(top):
        if isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef) and node is not top:
            names.add(node.name)
    return names


def is_docstring(statement: ast.stmt) -> bool:
    """Whether a statement is a string by itself."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
