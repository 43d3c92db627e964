"""A program's twin: the same computation, whose terms say which way each of its branches went in each row.

The twin is a reward program itself. It passes the same static rules and runs in the same cell, so that counting
branches gives no program a new power, and needs nothing of the cell that it has not.

A branch is what decides: the test of an `if`, of `a if c else b`, of np.where and np.select, a filter of a
comprehension, and every comparison or boolean mask by itself (the outermost one, where one holds another).

Not covered: branches in constants of the file, in defaults, and in helpers that are passed on as values.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.language.clean import clean
from autoreward.language.lexical import parse
from autoreward.language.program import FUNCTIONS, Program
from autoreward.language.tables import MAX_TERMS

IN_A_TERM = 9
"""Branches that one term tells of, two bits each: terms are at most 1e6, and whole numbers of float32 exact so far."""
MOST = IN_A_TERM * MAX_TERMS
NOT_TRUE, NOT_FALSE, BOTH = 1, 2, 3
"""What was seen of a branch, in bits: it was false, it was true, or both; 0 is a branch that was never reached."""

_MARK = """
def {mark}(seen, number, value):
    truth = np.asarray(value, dtype=np.bool_)
    rows = seen["rows"]
    flat = truth.reshape(1, -1)
    if truth.ndim > 0 and truth.shape[0] == rows:
        flat = truth.reshape(rows, -1)
    code = 2 * np.any(flat, axis=-1).astype(np.int64) + (1 - np.all(flat, axis=-1).astype(np.int64))
    before = seen.get(number, 0)
    both = 2 * ((before >= 2) | (code >= 2)) + 1 * ((before % 2 == 1) | (code % 2 == 1))
    seen[number] = np.zeros(rows, dtype=np.int64) + both
    return value

def {told}(seen, terms):
    found = {{}}
    for term in range({terms}):
        total = np.zeros(seen["rows"])
        for place in range({width}):
            total = total + 4.0**place * seen.get(term * {width} + place, 0)
        found[f"branches_{{term}}"] = total
    return found
"""


@dataclass(frozen=True)
class Branch:
    """One decision of a program."""

    line: int
    text: str
    """Its kind, in words of ours: the program's text is never passed on."""


@dataclass(frozen=True)
class Twin:
    """A program that tells of another's branches."""

    source: str
    branches: tuple[Branch, ...]

    def ways(self, terms: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
        """What its terms [T, N] say: [branches, T, N], each of `NOT_TRUE`, `NOT_FALSE`, `BOTH` or 0."""
        shape = next(iter(terms.values())).shape
        found = np.zeros((len(self.branches), *shape), np.int64)
        for name, values in terms.items():
            first = int(name.rpartition("_")[2]) * IN_A_TERM
            for place in range(min(IN_A_TERM, len(self.branches) - first)):
                found[first + place] |= (values.astype(np.int64) >> (2 * place)) & 3
        return found


def twin(program: Program) -> Twin | None:
    """The twin of a program that passed the static rules; None where it has no branch, or reads nothing."""
    if not program.inputs:
        return None
    tree = clean(parse(program.source))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    rewards = FUNCTIONS[program.grammar]
    helpers = {node.name for node in functions} - set(rewards)
    marker = _Marker(_names(tree), helpers if not _passed_on(functions, helpers) else set())
    for function in functions:
        if function.name in rewards:
            marker.reward(function, program.inputs[0])
        elif function.name in marker.helpers:
            marker.helper(function)
    if not marker.branches:
        return None
    terms = -(-min(len(marker.branches), MOST) // IN_A_TERM)
    weights = f"WEIGHTS = {dict.fromkeys((f'branches_{term}' for term in range(terms)), 1.0)!r}\n"
    added = _MARK.format(mark=marker.mark, told=marker.told, terms=terms, width=IN_A_TERM)
    kept = [node for node in tree.body if isinstance(node, ast.FunctionDef) or _is_constant(node)]
    body = ast.unparse(ast.fix_missing_locations(ast.Module(kept, [])))
    head = weights if program.grammar == "terms" else ""
    return Twin(f"{head}{added}\n{body}\n", tuple(marker.branches[:MOST]))


class _Marker:
    """Rewrites functions so that they note each branch in a dict that is handed through all of them."""

    def __init__(self, taken: set[str], helpers: set[str]) -> None:
        self.mark, self.told, self.seen = (_free(name, taken) for name in ("mark", "told", "seen"))
        self.helpers = helpers
        self.branches: list[Branch] = []

    def reward(self, function: ast.FunctionDef, reads: str) -> None:
        """A function of the grammar: makes the dict, and returns what it holds."""
        self._body(function)
        for node in _own_returns(function):
            assert node.value is not None
            node.value = _call(self.told, ast.Name(self.seen, ast.Load()), node.value)
        mapping, _, field = reads.partition(".")
        array = f"{mapping}[{field!r}]" if field else mapping
        function.body.insert(0, ast.parse(f"{self.seen} = {{'rows': len({array})}}").body[0])

    def helper(self, function: ast.FunctionDef) -> None:
        """A function that a function of the grammar calls: is handed the dict."""
        self._body(function)
        function.args.args.insert(0, ast.arg(self.seen))

    def _body(self, function: ast.FunctionDef) -> None:
        function.body = [_Branches(self).visit(statement) for statement in function.body]

    def marked(self, node: ast.expr, text: str) -> ast.expr:
        """The expression, noted; a constant decides nothing."""
        if isinstance(node, ast.Constant):
            return node
        self.branches.append(Branch(node.lineno, text))
        number = len(self.branches) - 1
        if number >= MOST:
            return node
        return _call(self.mark, ast.Name(self.seen, ast.Load()), ast.Constant(number), node)


class _Branches(ast.NodeTransformer):
    """Wraps what decides, from the outside inwards; inside of it, only calls of helpers change."""

    def __init__(self, marker: _Marker) -> None:
        self._marker = marker
        self._inside = False

    def visit(self, node: ast.AST) -> Any:  # noqa: ANN401 - as the base class
        if not isinstance(node, ast.expr) or self._inside:
            return super().visit(node)
        if _is_truth(node):
            return self._wrapped(node, "the mask")
        return super().visit(node)

    def visit_If(self, node: ast.If) -> ast.AST:
        node.test = self._wrapped(node.test, "the test of `if`")
        node.body = [self.visit(statement) for statement in node.body]
        node.orelse = [self.visit(statement) for statement in node.orelse]
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        node.test = self._wrapped(node.test, "the test of `if`")
        node.body, node.orelse = self.visit(node.body), self.visit(node.orelse)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        node.iter = self.visit(node.iter)
        node.ifs = [self._wrapped(test, "the filter") for test in node.ifs]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """A nested function sees the dict as it is; its defaults stay constants."""
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        node.body = self.visit(node.body)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = ast.unparse(node.func)
        if name == "np.where" and len(node.args) == 3:
            node.args[0] = self._wrapped(node.args[0], "the mask of np.where")
            node.args[1:] = [self.visit(argument) for argument in node.args[1:]]
        elif name == "np.select" and node.args and isinstance(node.args[0], ast.List | ast.Tuple):
            masks = node.args[0]
            masks.elts = [self._wrapped(mask, "a mask of np.select") for mask in masks.elts]
            node.args[1:] = [self.visit(argument) for argument in node.args[1:]]
        else:
            node.args = [self.visit(argument) for argument in node.args]
        node.keywords = [self.visit(argument) for argument in node.keywords]
        if isinstance(node.func, ast.Name) and node.func.id in self._marker.helpers:
            node.args.insert(0, ast.Name(self._marker.seen, ast.Load()))
        elif isinstance(node.func, ast.Attribute):
            node.func.value = self.visit(node.func.value)
        return node

    def _wrapped(self, node: ast.expr, text: str) -> ast.expr:
        if self._inside:
            found: ast.expr = self.visit(node)
            return found
        self._inside = True
        inner: ast.expr = self.visit(node)
        self._inside = False
        return self._marker.marked(inner, text)


def _is_truth(node: ast.expr) -> bool:
    """Whether an expression is true or false in each row; what combines bits combines masks here."""
    if isinstance(node, ast.Compare | ast.BoolOp):
        return True
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not | ast.Invert)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.BitAnd | ast.BitOr | ast.BitXor)
    return isinstance(node, ast.Call) and ast.unparse(node.func).startswith("np.logical_")


def _own_returns(function: ast.FunctionDef) -> Iterable[ast.Return]:
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Return):
            yield node
        elif not isinstance(node, ast.FunctionDef | ast.Lambda):
            stack.extend(ast.iter_child_nodes(node))


def _passed_on(functions: Iterable[ast.FunctionDef], helpers: set[str]) -> bool:
    """Whether a helper is named other than to call it."""
    called, named = 0, 0
    for function in functions:
        for node in ast.walk(function):
            called += isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in helpers
            named += isinstance(node, ast.Name) and node.id in helpers
    return called != named


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _is_constant(node: ast.stmt) -> bool:
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    return isinstance(target, ast.Name) and target.id not in ("WEIGHTS", "IDEA")


def _names(tree: ast.Module) -> set[str]:
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    found |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return found | {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def _free(name: str, taken: set[str]) -> str:
    """A name that the program does not use."""
    while name in taken:
        name += "_x"
    return name
