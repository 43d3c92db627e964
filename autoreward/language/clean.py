"""What a program may write but does not need: imports of np and math, annotations. Checked, then dropped."""

from __future__ import annotations

import ast

from autoreward.language import advice, tables
from autoreward.language.nodes import is_name, refuse

_IMPORTS = {("numpy", "np"), ("math", None), ("math", "math")}
_ANNOTATION = (
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.Constant,
    ast.Tuple,
    ast.List,
    ast.BinOp,
    ast.BitOr,
    ast.Load,
)
_THERE = "np and math are there already, and nothing else is"


def clean(tree: ast.Module) -> ast.Module:
    """The tree (changed in place) without allowed imports and without annotations.

    Raises:
        RewardRefused: an import of something else, or an annotation that computes something.
    """
    _Cleaner().visit(tree)
    return ast.fix_missing_locations(tree)


def _check_annotation(annotation: ast.expr | None) -> None:
    """An annotation is dropped here, but would be evaluated where somebody runs the file as plain Python."""
    for node in ast.walk(annotation) if annotation is not None else ():
        if not isinstance(node, _ANNOTATION):
            refuse(node, "construct", "an annotation names a type, such as `float`; or leave it out")


def import_fault(node: ast.Import | ast.ImportFrom) -> str | None:
    """What is wrong with an import, or None where it is one of the allowed ones."""
    if isinstance(node, ast.ImportFrom):
        if node.level == 0 and (
            node.module == "typing"
            or (node.module == "__future__" and [alias.name for alias in node.names] == ["annotations"])
        ):
            return None
        return f"`from {_shown(node.module or '.')} import` is not allowed; {_advice(node.module or '')}"
    for alias in node.names:
        if (alias.name, alias.asname) in _IMPORTS:
            continue
        if alias.name == "numpy":
            return "NumPy is known as np: write `import numpy as np`, or nothing, since it is there already"
        if alias.name == "typing":
            return "write `from typing import ...`, or leave types out"
        return f"`import {_shown(alias.name)}` is not allowed; {_advice(alias.name)}"
    return None


def _shown(module: str) -> str:
    """The module's name as a message may show it."""
    plain = len(module) <= tables.MAX_NAME and all(is_name(part) for part in module.split("."))
    return module if plain else "..."


def _advice(module: str) -> str:
    """What to write instead."""
    top = module.split(".")[0]
    if top == "numpy":
        return "write the function's whole name, such as np.linalg.norm(x); np is there already"
    if top == "math":
        return "write the function's whole name, such as math.sqrt(x); math is there already"
    return advice.IMPORTS.get(top, _THERE)


class _Cleaner(ast.NodeTransformer):
    def visit_Import(self, node: ast.Import) -> ast.stmt:
        return self._drop(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt:
        return self._drop(node)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        _check_annotation(node.annotation)
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        _check_annotation(node.returns)
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """`x: float = 1.0` becomes `x = 1.0`, which the second compiler accepts."""
        _check_annotation(node.annotation)
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        plain = ast.Assign(targets=[node.target], value=node.value)
        return self.generic_visit(ast.copy_location(plain, node))

    @staticmethod
    def _drop(node: ast.Import | ast.ImportFrom) -> ast.stmt:
        if fault := import_fault(node):
            refuse(node, "import", fault)
        return ast.copy_location(ast.Pass(), node)
