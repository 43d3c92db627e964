"""Compilation by RestrictedPython, as a second opinion after the static rules, with guards of our own at run time.

Covered: attributes, writes and names are checked again when the program runs; np and math are namespaces of allowed
functions, never the modules. Not covered: memory and time (limits of the process), and whatever a hole in CPython or
NumPy allows.
"""

from __future__ import annotations

import ast
import builtins
import copy
import math
import operator
import re
from collections.abc import Callable, Collection
from types import BuiltinFunctionType, CodeType, EllipsisType, FunctionType, NoneType
from typing import Any

import numpy as np
from RestrictedPython.compile import compile_restricted_exec
from RestrictedPython.Guards import guarded_iter_unpack_sequence, guarded_unpack_sequence

from autoreward.errors import RewardRefused
from autoreward.language import tables
from autoreward.language.lexical import syntax_error
from autoreward.language.nodes import shown

FILENAME = "<reward>"

_INPLACE: dict[str, Callable[[Any, Any], Any]] = {
    "+=": operator.add,
    "-=": operator.sub,
    "*=": operator.mul,
    "/=": operator.truediv,
    "%=": operator.mod,
    "**=": operator.pow,
    "<<=": operator.lshift,
    ">>=": operator.rshift,
    "|=": operator.or_,
    "^=": operator.xor,
    "&=": operator.and_,
    "//=": operator.floordiv,
    "@=": operator.matmul,
}


_IMMUTABLE = (NoneType, EllipsisType, str, int, float, range, slice, type, BuiltinFunctionType, np.generic, np.dtype)


class Unchangeable(TypeError):
    """A change of what every call shares."""


class Library:
    """A namespace of allowed functions and constants."""

    def __init__(self, members: dict[str, Any]) -> None:
        self.members = members


class FrozenList(list[Any]):
    """A list of the module level: shared by all calls, so nothing may change it."""

    def _refuse(self, *_: object) -> None:
        raise Unchangeable

    append = extend = insert = remove = sort = reverse = clear = __setitem__ = __delitem__ = _refuse  # type: ignore[assignment]


class FrozenDict(dict[Any, Any]):
    """A dict of the module level."""

    def _refuse(self, *_: object) -> None:
        raise Unchangeable

    update = clear = __setitem__ = __delitem__ = _refuse  # type: ignore[assignment]


def freeze_constants(scope: dict[str, Any], before: Collection[str]) -> None:
    """Replace what a program's module level has defined by what no call can change for the next one.

    Raises:
        RewardRefused: something changes by being read, such as `enumerate(...)`; rule `module`.
    """
    for name in [name for name in scope if name not in before]:
        try:
            scope[name] = freeze(scope[name])
        except (Unchangeable, RecursionError):
            raise RewardRefused(
                f"constant {shown(name)} is neither a number, text, list, tuple or dict of such, nor an array of "
                "numbers; write its elements out",
                "module",
            ) from None


def freeze(value: Any) -> Any:  # noqa: ANN401 - any constant
    """A constant that no call can change for the next one.

    Raises:
        Unchangeable: there is no such form of it.
    """
    if isinstance(value, _IMMUTABLE):
        return value
    if isinstance(value, list):
        return FrozenList(freeze(item) for item in value)
    if isinstance(value, tuple):
        return tuple(freeze(item) for item in value)
    if isinstance(value, dict):
        return FrozenDict({key: freeze(item) for key, item in value.items()})
    if isinstance(value, FunctionType):
        # Defaults were taken from the constants before these were frozen.
        value.__defaults__ = freeze(value.__defaults__)
        value.__kwdefaults__ = dict(freeze(value.__kwdefaults__ or {}))
        return value
    if type(value) is np.ndarray and value.dtype.kind in "biufU":
        value = value.copy()
        value.setflags(write=False)
        return value
    raise Unchangeable


def compile_program(tree: ast.Module) -> CodeType:
    """Compile a tree that passed the static rules.

    Raises:
        RewardRefused: RestrictedPython refuses it.
    """
    tree = ast.fix_missing_locations(_Rewriter().visit(tree))
    try:
        result = compile_restricted_exec(tree, filename=FILENAME)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise syntax_error(error) from None
    if result.errors or result.code is None:
        said = result.errors[0] if result.errors else ""
        line = re.match(r"Line (\d+): ", said)
        said = said[line.end() if line else 0 :][:200]
        raise RewardRefused(f"RestrictedPython refuses it: {said}", "restricted", int(line[1]) if line else None)
    return result.code


class _Rewriter(ast.NodeTransformer):
    """`a[m] += v` becomes `a[m] = a[m] + v`: ordinary code that RestrictedPython would refuse."""

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.target, ast.Subscript):
            return node
        read = copy.deepcopy(node.target)
        read.ctx = ast.Load()
        value = ast.BinOp(left=read, op=node.op, right=node.value)
        return ast.copy_location(ast.Assign(targets=[node.target], value=ast.copy_location(value, node)), node)


def namespace(extra_types: tuple[type, ...]) -> dict[str, Any]:
    """Globals in which a program is executed; objects of `extra_types` may be read and written by their methods."""
    readable = {np.ndarray, dict, list, tuple, str, float, int, bool, FrozenList, FrozenDict, *extra_types}
    writable = {np.ndarray, dict, list, *extra_types}
    names = tables.METHODS | tables.PROPERTIES

    def get_attribute(value: Any, name: str) -> Any:  # noqa: ANN401 - the program's own values
        if type(value) is Library:
            return value.members[name]
        if name in names and (type(value) in readable or isinstance(value, np.generic)):
            return getattr(value, name)
        raise AttributeError("not an attribute of the reward language")

    def get_write(value: Any) -> Any:  # noqa: ANN401
        if type(value) in writable:
            return value
        raise Unchangeable

    return {
        "__builtins__": {
            **{name: getattr(builtins, name) for name in tables.BUILTINS},
            "__import__": _import_for_numpy,
        },
        "__name__": "reward",
        "np": _library(np, tables.NUMPY_FUNCTIONS | tables.NUMPY_CONSTANTS | tables.NUMPY_TYPES),
        "math": _library(math, tables.MATH_FUNCTIONS | tables.MATH_CONSTANTS),
        "_getattr_": get_attribute,
        "_getitem_": operator.getitem,
        "_getiter_": _same,
        "_write_": get_write,
        "_inplacevar_": _in_place,
        "_unpack_sequence_": guarded_unpack_sequence,
        "_iter_unpack_sequence_": guarded_iter_unpack_sequence,
    }


def _same(value: Any) -> Any:  # noqa: ANN401
    return value


def _in_place(sign: str, left: Any, right: Any) -> Any:  # noqa: ANN401
    """`r += v` makes a new array, so that an input or another variable's array never changes."""
    return _INPLACE[sign](left, right)


def _import_for_numpy(name: str, *arguments: Any) -> Any:  # noqa: ANN401
    """NumPy's C code imports helpers of its own through the builtins of whoever calls it; no program can name this."""
    if name.split(".")[0] != "numpy":
        raise ImportError("imports are not part of the reward language")
    return __import__(name, *arguments)


def _library(module: Any, names: frozenset[str]) -> Library:  # noqa: ANN401 - a module
    """Dotted names become nested namespaces. A name that this NumPy does not have is left out."""
    members: dict[str, Any] = {}
    for name in names:
        head, _, tail = name.partition(".")
        found = getattr(module, head, None)
        if tail:
            found = getattr(found, tail, None)
            members.setdefault(head, Library({})).members[tail] = found
        elif found is not None or head == "newaxis":
            members[head] = found
    return Library(members)
