"""What a program may write but does not need: imports of np and math, annotations. Checked, then dropped."""

from __future__ import annotations

import ast

from autoreward.errors import RewardRefused

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
_ADVICE = "np and math are there already; nothing else can be imported"


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
            line = getattr(node, "lineno", None)
            raise RewardRefused("an annotation names a type, such as `float`; or leave it out", "construct", line)


def import_fault(node: ast.Import | ast.ImportFrom) -> str | None:
    """What is wrong with an import, or None where it is one of the allowed ones."""
    if isinstance(node, ast.ImportFrom):
        allowed = node.level == 0 and (
            node.module == "typing"
            or (node.module == "__future__" and [alias.name for alias in node.names] == ["annotations"])
        )
        return None if allowed else f"`from ... import` is not allowed: {_ADVICE}"
    if all((alias.name, alias.asname) in _IMPORTS for alias in node.names):
        return None
    if any(alias.name == "numpy" for alias in node.names):
        return "NumPy is known as np: write `import numpy as np`, or nothing, since it is there already"
    return f"this import is not allowed: {_ADVICE}"


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
            raise RewardRefused(fault, "import", node.lineno, node.col_offset + 1)
        return ast.copy_location(ast.Pass(), node)
