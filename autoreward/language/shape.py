"""The shape of a syntax tree, looked at before any rule and in one walk: size, depth, names, and what cannot compile.

Covered: how many nodes there are and how deep they lie; the length of every name (of variables, functions, parameters,
attributes and arguments of calls, in f-strings too), since names are what another model is shown of a program; what
Python's parser lets through and its compiler does not. Not covered: which names there may be; that is `rules`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autoreward.errors import RewardRefused
from autoreward.language.nodes import refuse, shown
from autoreward.language.tables import MAX_NAME

MAX_DEPTH = 100
MAX_NODES = 20_000
MAX_STATEMENTS = 500
"""Statements of the module level: each is a name that everything after it is looked up among."""

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_Entry = tuple[ast.AST, int, ast.AST, bool]
"""A node, its depth, the last node above it that has a line, and whether a loop is around it."""


def check_shape(tree: ast.Module) -> None:
    """Walk without recursion, so that no tree overflows the visitors that come later; each node is looked at once.

    Raises:
        RewardRefused: the tree is too large or too deep, a name is too long, or Python would not compile it.
    """
    if len(tree.body) > MAX_STATEMENTS:
        advice = f"a file has at most {MAX_STATEMENTS} constants and functions; put numbers that belong together in one"
        refuse(tree.body[MAX_STATEMENTS], "syntax", advice)
    stack: list[_Entry] = [(tree, 0, tree, False)]
    count = 0
    while stack:
        node, depth, place, in_loop = stack.pop()
        place = node if hasattr(node, "lineno") else place
        count += 1
        if depth > MAX_DEPTH or count > MAX_NODES:
            line, column = getattr(place, "lineno", None), getattr(place, "col_offset", -1) + 1
            advice = "too deeply nested or too long; split it into several statements"
            raise RewardRefused(advice, "syntax", line, column or None)
        _check_node(node, place, in_loop)
        stack.extend(reversed([(child, depth + 1, place, inside) for child, inside in _children(node, in_loop)]))


def _children(node: ast.AST, in_loop: bool) -> Iterator[tuple[ast.AST, bool]]:
    """The nodes below, and whether `break` would have a loop to end there: not in its `else`, nor in a new function."""
    for field, value in ast.iter_fields(node):
        inside = (in_loop or field == "body") if isinstance(node, _LOOPS) else in_loop and not isinstance(node, _SCOPES)
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child, inside


def _check_node(node: ast.AST, place: ast.AST, in_loop: bool) -> None:
    if isinstance(node, ast.Break | ast.Continue):
        if not in_loop:
            word = "break" if isinstance(node, ast.Break) else "continue"
            refuse(node, "construct", f"`{word}` stands outside a loop; put it inside one, or use `if` and np.where")
    elif isinstance(node, ast.comprehension):
        if node.is_async:
            refuse(place, "construct", "`async` is not part of the reward language; write a plain `for`")
    elif isinstance(node, ast.arguments):
        _check_parameters(node)
    elif isinstance(node, ast.Call):
        _check_arguments(node)
    elif not isinstance(node, ast.Constant | ast.alias | ast.ImportFrom):  # imports are dropped, or refused unseen
        for name in _names(node):
            if len(name) > MAX_NAME:
                refuse(place, "name", f"names have at most {MAX_NAME} ASCII letters; choose a shorter one")


def _names(node: ast.AST) -> Iterator[str]:
    """The names that a node holds itself."""
    for _, value in ast.iter_fields(node):
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, str):
                yield part


def _check_parameters(node: ast.arguments) -> None:
    seen: set[str] = set()
    extra = [one for one in (node.vararg, node.kwarg) if one is not None]
    for parameter in [*node.posonlyargs, *node.args, *node.kwonlyargs, *extra]:
        if parameter.arg in seen:
            refuse(parameter, "name", f"the parameter {shown(parameter.arg)} is there twice; choose another name")
        seen.add(parameter.arg)


def _check_arguments(node: ast.Call) -> None:
    seen: set[str] = set()
    for argument in node.keywords:
        if argument.arg in seen:
            refuse(argument, "call", f"the argument {shown(argument.arg)} is given twice; leave one of them out")
        seen |= {argument.arg} if argument.arg else set()
