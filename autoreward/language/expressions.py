"""Expressions over fields: success, score and outcomes. Interpreted over an allow-list, never compiled or executed.

Covered: comparisons (chained), `and or not`, arithmetic, `x[0]`, `x[0:2]`, the functions below, `pi`, `True`, `False`.
Not covered: attributes, strings, assignments, comprehensions, calls of anything else.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.errors import UnknownName, UserError, closest

Array = NDArray[Any]
Value = Any
"""A number, or an array [N] or [N, d]."""
Values = Mapping[str, Array]
_Node = Callable[[Values], Value]

_LONGEST = 4000
"""Characters: far above any real expression, far below what could exhaust the parser."""


def _numeric(value: Value) -> Value:
    """Booleans count as 0 and 1 in arithmetic (NumPy refuses to subtract them)."""
    return value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype == np.bool_ else value


def _aligned(*values: Value) -> list[Value]:
    """Vectors [N, d] and numbers [N] side by side: the numbers become [N, 1]."""
    width = max(np.ndim(value) for value in values)
    return [
        value.reshape(value.shape + (1,) * (width - value.ndim)) if 0 < np.ndim(value) < width else value
        for value in values
    ]


def _over_last(function: Callable[..., Any], name: str) -> Callable[[Any], Any]:
    def reduce(value: Value) -> Value:
        if np.ndim(value) < 2:
            raise UserError(f"{name}(...) takes a vector field; this is a single number")
        return function(_numeric(value), axis=-1)

    return reduce


def _extreme(elementwise: Callable[[Any, Any], Any], over_axis: Callable[..., Any], name: str) -> Callable[..., Any]:
    def extreme(*values: Value) -> Value:
        if len(values) == 1:
            return _over_last(over_axis, name)(values[0])
        return functools.reduce(elementwise, _aligned(*map(_numeric, values)))

    return extreme


def _elementwise(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: function(*_aligned(*map(_numeric, values)))


_FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int | None]] = {
    "abs": (_elementwise(np.abs), 1, 1),
    "min": (_extreme(np.minimum, np.min, "min"), 1, None),
    "max": (_extreme(np.maximum, np.max, "max"), 1, None),
    "sqrt": (_elementwise(np.sqrt), 1, 1),
    "exp": (_elementwise(np.exp), 1, 1),
    "log": (_elementwise(np.log), 1, 1),
    "sin": (_elementwise(np.sin), 1, 1),
    "cos": (_elementwise(np.cos), 1, 1),
    "tan": (_elementwise(np.tan), 1, 1),
    "arctan2": (_elementwise(np.arctan2), 2, 2),
    "floor": (_elementwise(np.floor), 1, 1),
    "clip": (_elementwise(np.clip), 3, 3),
    "norm": (_over_last(np.linalg.norm, "norm"), 1, 1),
    "sum": (_over_last(np.sum, "sum"), 1, 1),
    "mean": (_over_last(np.mean, "mean"), 1, 1),
}
"""Function, fewest and most arguments."""

_CONSTANTS = {"pi": math.pi}

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: np.true_divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}

FUNCTION_NAMES = tuple(_FUNCTIONS)
"""The functions that an expression may call."""

RESERVED = frozenset(_FUNCTIONS) | frozenset(_CONSTANTS)
"""Names that mean something in expressions, so that no field may have them."""


class Expression:
    """One expression over fields, checked when it is made and evaluated on batches.

    Args:
        text: such as `abs(pole_angle) < 0.05 and norm(to_target) < 0.02`.
        field_names: the fields it may read.

    Raises:
        UserError: it does not parse, or uses what is not allowed.
        UnknownName: it reads an unknown field.
    """

    def __init__(self, text: str, field_names: Collection[str]) -> None:
        self.text = text
        self._names = field_names
        self._read: dict[str, None] = {}
        if len(text) > _LONGEST:
            raise UserError(f"the expression has {len(text)} characters; at most {_LONGEST} are allowed")
        try:
            tree = ast.parse(text.strip(), mode="eval")
            self._root = self._node(tree.body)
        except SyntaxError as error:
            pointed = "" if error.offset is None else f" at column {error.offset}"
            raise UserError(f"expression {text!r} does not parse{pointed}: {error.msg}") from None
        except (RecursionError, MemoryError, ValueError, OverflowError):
            raise UserError(
                f"expression {text[:60]!r} ... does not parse: it is nested too deeply, or a number is too large"
            ) from None

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields it reads, in the order of their first use."""
        return tuple(self._read)

    def evaluate(self, values: Values) -> Array:
        """Its value in every environment.

        Args:
            values: field -> [N, ...]; more than `fields` may be there.

        Returns:
            [N], or [] where it reads no field; booleans for comparisons.

        Raises:
            UserError: an index or a function does not fit the field's shape.
        """
        with np.errstate(all="ignore"):
            return np.asarray(self._root(values))

    def check_shape(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Try it on zeros of these shapes (without the batch dimension).

        Raises:
            UserError: it gives a vector, or an index does not fit.
        """
        value = self.evaluate({name: np.zeros((2, *shapes[name]), dtype=np.float32) for name in self.fields})
        if value.ndim > 1:
            raise UserError(
                f"expression {self.text!r} gives a vector of {value.shape[1:]} numbers; "
                "it must give one: use an index such as x[0], or norm(x), max(x), mean(x)"
            )

    def _node(self, node: ast.expr) -> _Node:
        match node:
            case ast.Constant(value=bool() | int() | float() as value):
                constant = value if isinstance(value, bool) else float(value)
                return lambda values: constant
            case ast.Constant(value=str() as quoted):
                raise self._refuse(f"text in quotes ({quoted!r}) is not allowed; write field names without quotes")
            case ast.Name(id=name):
                return self._name(name)
            case ast.Subscript(value=inner, slice=index):
                return self._index(self._node(inner), index, ast.unparse(inner))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inside = self._node(operand)
                return lambda values: np.logical_not(inside(values))
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
                inside, factor = self._node(operand), -1.0 if isinstance(sign, ast.USub) else 1.0
                return lambda values: factor * _numeric(inside(values))
            case ast.BoolOp(op=op, values=parts):
                return self._boolean(np.logical_and if isinstance(op, ast.And) else np.logical_or, parts)
            case ast.BinOp(left=left, op=ast.BitAnd() | ast.BitOr() as op, right=right):
                raise self._refuse(f"write `{'and' if isinstance(op, ast.BitAnd) else 'or'}` instead of & and |")
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                apply, first, second = _BINARY[type(op)], self._node(left), self._node(right)
                return lambda values: apply(*_aligned(_numeric(first(values)), _numeric(second(values))))
            case ast.Compare(left=left, ops=ops, comparators=others):
                return self._comparison(left, ops, others)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self._call(name, args)
            case ast.Call(func=ast.Attribute(attr=name)) | ast.Attribute(attr=name):
                raise self._refuse(f"dots are not allowed; write {name}(...) or a field's name, without a prefix")
        raise self._refuse(f"`{ast.unparse(node)}` is not allowed; {_allowed()}")

    def _refuse(self, why: str) -> UserError:
        return UserError(f"expression {self.text!r}: {why}")

    def _name(self, name: str) -> _Node:
        if name in self._names:
            self._read[name] = None
            return lambda values: np.asarray(values[name])
        if name in _CONSTANTS:
            constant = _CONSTANTS[name]
            return lambda values: constant
        if name in _FUNCTIONS:
            raise self._refuse(f"{name} is a function; write {name}(...)")
        advice = "" if closest(name, self._names) else f"Fields: {', '.join(self._names)}."
        raise UnknownName(f"field in expression {self.text!r}:", name, self._names, advice)

    def _index(self, inner: _Node, index: ast.expr, what: str) -> _Node:
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        key = (slice(None), *(self._index_part(part) for part in parts))

        def take(values: Values) -> Value:
            value = inner(values)
            if np.ndim(value) < len(key):
                raise self._refuse(f"{what} is a single number and has no [{ast.unparse(index)}]")
            try:
                return value[key]
            except IndexError:
                raise self._refuse(
                    f"{what} has {value.shape[1]} elements; [{ast.unparse(index)}] is beyond them"
                ) from None

        return take

    def _index_part(self, part: ast.expr) -> int | slice:
        match part:
            case ast.Constant(value=int() as number) if not isinstance(number, bool):
                return number
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as number)):
                return -number
            case ast.Slice(lower=lower, upper=upper, step=None):
                ends = [None if end is None else self._index_part(end) for end in (lower, upper)]
                if not any(isinstance(end, slice) for end in ends):
                    return slice(*ends)
        raise self._refuse(f"[{ast.unparse(part)}] is not an index; write a whole number such as x[0], or x[0:2]")

    def _boolean(self, combine: Callable[[Any, Any], Any], parts: list[ast.expr]) -> _Node:
        nodes = [self._node(part) for part in parts]

        return lambda values: functools.reduce(combine, _aligned(*(node(values) for node in nodes)))

    def _comparison(self, left: ast.expr, ops: list[ast.cmpop], others: list[ast.expr]) -> _Node:
        for op in ops:
            if type(op) not in _COMPARE:
                raise self._refuse("only < <= > >= == and != compare")
        nodes = [self._node(part) for part in (left, *others)]
        compare = [_COMPARE[type(op)] for op in ops]

        def evaluate(values: Values) -> Value:
            sides = _aligned(*(node(values) for node in nodes))
            result = compare[0](sides[0], sides[1])
            for position in range(1, len(compare)):
                result = np.logical_and(result, compare[position](sides[position], sides[position + 1]))
            return result

        return evaluate

    def _call(self, name: str, args: list[ast.expr]) -> _Node:
        if name not in _FUNCTIONS:
            near = closest(name, _FUNCTIONS)
            hint = f"did you mean {near[0]}? " if near else ""
            raise self._refuse(f"function {name} is not allowed; {hint}allowed: {', '.join(_FUNCTIONS)}")
        function, fewest, most = _FUNCTIONS[name]
        if len(args) < fewest or (most is not None and len(args) > most):
            wanted = f"{fewest}" if fewest == most else f"{fewest} or more"
            raise self._refuse(f"{name} takes {wanted} argument{'s' if fewest != 1 else ''}, not {len(args)}")
        nodes = [self._node(arg) for arg in args]

        def evaluate(values: Values) -> Value:
            try:
                return function(*(node(values) for node in nodes))
            except UserError as error:
                raise self._refuse(str(error)) from None

        return evaluate


def _allowed() -> str:
    return (
        "allowed are fields, numbers, + - * / // % **, comparisons, and or not, x[0], "
        f"and the functions {', '.join(_FUNCTIONS)}"
    )
