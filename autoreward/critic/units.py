"""Units through a program, as far as they are known: what adds metres to radians is found without running it.

A unit begins at a field and goes through what keeps, multiplies or divides it. It ends in `unknown` at a number that is
multiplied (weights have units of their own), at functions such as exp and tanh, and wherever two ways meet that differ.
Unknown agrees with everything. An angle may be left out of a product, since radians are a ratio: m rad agrees with m.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from autoreward.language.clean import clean
from autoreward.language.lexical import parse
from autoreward.language.program import FUNCTIONS, Program
from autoreward.schema import EnvSchema

Unit = tuple[tuple[str, float], ...]
"""Base unit -> power, sorted; () is a ratio."""

_KEEP = frozenset(
    """
    abs absolute amax amin asarray array average broadcast_to copy cumsum diff fabs flip full_like linalg.norm max mean
    median min negative ravel repeat reshape round sort squeeze std sum take tile transpose expand_dims astype flatten
    swapaxes fmod mod remainder quantile clip
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
"""Functions and methods whose result has the unit of their first argument."""
_AGREE = frozenset({"maximum", "minimum", "add", "subtract", "hypot"})
"""Functions whose first two arguments must have one unit, which is the result's."""
DEPTH = 4
"""Of helpers that call each other."""
CALLS = 200
"""Of helpers that are followed in all: programs whose helpers call each other many times cost no more."""


@dataclass(frozen=True)
class Mixed:
    """Two units that meet where there should be one."""

    line: int
    first: str
    second: str


def parse_unit(text: str) -> Unit | None:
    """A schema's unit, such as `m/s`, `N m` or `1/step`; None where there is none."""
    if not text.strip():
        return None
    powers: dict[str, float] = {}
    for sign, part in zip((1, *[-1] * text.count("/")), text.split("/"), strict=True):
        for name, power in re.findall(r"([A-Za-z%°]+)\^?(-?\d*)", part):
            powers[name] = powers.get(name, 0.0) + sign * float(power or 1)
    return _unit(powers)


def shown(unit: Unit) -> str:
    """A unit in words."""
    return " ".join(name if power == 1 else f"{name}^{power:g}" for name, power in unit) or "a ratio"


def mixed_units(program: Program, schema: EnvSchema) -> list[Mixed]:
    """Where a program adds, subtracts or compares what has different units, in the order of its lines."""
    tree = clean(parse(program.source))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    fields = {field.name: parse_unit(field.unit) for field in schema.fields}
    found: set[Mixed] = set()
    calls: list[str] = []
    for name in FUNCTIONS[program.grammar]:
        _Units(fields, functions, found, calls, 0).function(functions[name], {})
    return sorted(found, key=lambda mixed: mixed.line)


class _Units:
    """One function under inference: the units of its variables as they are at each statement."""

    def __init__(
        self,
        fields: Mapping[str, Unit | None],
        functions: Mapping[str, ast.FunctionDef],
        found: set[Mixed],
        calls: list[str],
        depth: int,
    ) -> None:
        self._fields, self._functions, self._found = fields, functions, found
        self._calls, self._depth = calls, depth
        self._known: dict[str, Unit | None] = {}
        self._returned: list[Unit | None] = []

    def function(self, node: ast.FunctionDef, given: Mapping[str, Unit | None]) -> Unit | None:
        """Follow the statements; the unit of what is returned, where every way returns the same."""
        self._known = dict(given)
        self._body(node.body)
        return self._returned[0] if len(set(self._returned)) == 1 else None

    def _body(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Assign):
            unit = self.of(node.value)
            for target in node.targets:
                self._assign(target, unit)
        elif isinstance(node, ast.AugAssign):
            self._assign(
                node.target, self.of(ast.copy_location(ast.BinOp(_read(node.target), node.op, node.value), node))
            )
        elif isinstance(node, ast.Return) and node.value is not None:
            self._returned.append(self.of(node.value))
        elif isinstance(node, ast.If):
            self.of(node.test)
            self._ways(node.body, node.orelse)
        elif isinstance(node, ast.For):
            self._assign(node.target, self.of(node.iter))
            self._ways(node.body, [])
        elif isinstance(node, ast.Expr):
            self.of(node.value)

    def _ways(self, first: list[ast.stmt], second: list[ast.stmt]) -> None:
        """Two ways to go on; what differs after them is unknown."""
        before = dict(self._known)
        self._body(first)
        one, self._known = self._known, before
        self._body(second)
        self._known = {name: unit for name, unit in self._known.items() if one.get(name) == unit}

    def _assign(self, target: ast.expr, unit: Unit | None) -> None:
        if isinstance(target, ast.Name):
            self._known[target.id] = unit
        elif isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                self._assign(part, None)

    def of(self, node: ast.expr) -> Unit | None:
        """The unit of an expression, None where it is not known; notes what it finds on the way."""
        if isinstance(node, ast.Name):
            return self._known.get(node.id)
        if isinstance(node, ast.Subscript):
            return self._subscript(node)
        if isinstance(node, ast.UnaryOp):
            return self.of(node.operand)
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        if isinstance(node, ast.IfExp):
            self.of(node.test)
            return self._same(node, node.body, node.orelse)
        if isinstance(node, ast.Compare):
            sides = [(side, self.of(side)) for side in (node.left, *node.comparators)]
            for first, second in itertools.pairwise(sides):
                self._agreed(node, first, second)
            return None
        if isinstance(node, ast.Call):
            return self._call(node)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.of(child)
        return None

    def _subscript(self, node: ast.Subscript) -> Unit | None:
        if isinstance(node.value, ast.Name) and node.value.id in ("state", "next_state"):
            key = node.slice.value if isinstance(node.slice, ast.Constant) else None
            return self._fields.get(key) if isinstance(key, str) else None
        return self.of(node.value)

    def _operation(self, node: ast.BinOp) -> Unit | None:
        if isinstance(node.op, ast.Add | ast.Sub):
            return self._same(node, node.left, node.right)
        first, second = self.of(node.left), self.of(node.right)
        if isinstance(node.op, ast.Pow):
            power = node.right.value if isinstance(node.right, ast.Constant) else None
            return _times(first, power) if isinstance(power, int | float) else None
        if first is None or second is None:
            return None
        if isinstance(node.op, ast.Mult | ast.Div):
            return _product(first, second, 1 if isinstance(node.op, ast.Mult) else -1)
        return None

    def _same(self, node: ast.expr, first: ast.expr, second: ast.expr) -> Unit | None:
        return self._agreed(node, (first, self.of(first)), (second, self.of(second)))

    def _agreed(
        self, node: ast.expr, first: tuple[ast.expr, Unit | None], second: tuple[ast.expr, Unit | None]
    ) -> Unit | None:
        """The unit of two expressions that should share one; a plain number takes the other's."""
        one, two = first[1], second[1]
        if one is not None and two is not None:
            if _without_angle(one) != _without_angle(two):
                self._found.add(Mixed(node.lineno, shown(one), shown(two)))
                return None
            return one
        return one if _is_number(second[0]) else two if _is_number(first[0]) else None

    def _call(self, node: ast.Call) -> Unit | None:
        name = ast.unparse(node.func).removeprefix("np.")
        method = isinstance(node.func, ast.Attribute) and not ast.unparse(node.func).startswith(("np.", "math."))
        arguments = [node.func.value, *node.args] if method and isinstance(node.func, ast.Attribute) else node.args
        name = name.rpartition(".")[2] if method else name
        if name == "where" and len(arguments) == 3:
            self.of(arguments[0])
            return self._same(node, arguments[1], arguments[2])
        if name in _AGREE and len(arguments) >= 2:
            return self._same(node, arguments[0], arguments[1])
        units = [self.of(argument) for argument in arguments]
        if name in self._functions and self._depth < DEPTH and len(self._calls) < CALLS:
            self._calls.append(name)
            function = self._functions[name]
            given = dict(zip((argument.arg for argument in function.args.args), units, strict=False))
            below = _Units(self._fields, self._functions, self._found, self._calls, self._depth + 1)
            return below.function(function, given)
        if name == "get" and len(units) > 2:  # memory.get("name", default)
            return units[2]
        powers = {"square": 2.0, "sqrt": 0.5}
        return _times(units[0], powers.get(name, 1.0)) if units and (name in _KEEP or name in powers) else None


def _unit(powers: Mapping[str, float]) -> Unit:
    return tuple(sorted((name, power) for name, power in powers.items() if power))


def _times(unit: Unit | None, power: float) -> Unit | None:
    return None if unit is None else _unit({name: each * power for name, each in unit})


def _product(first: Unit, second: Unit, sign: int) -> Unit:
    powers = dict(first)
    for name, power in second:
        powers[name] = powers.get(name, 0.0) + sign * power
    return _unit(powers)


def _without_angle(unit: Unit) -> Unit:
    return tuple(part for part in unit if part[0] != "rad")


def _is_number(node: ast.expr) -> bool:
    return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)


def _read(target: ast.expr) -> ast.expr:
    return ast.copy_location(ast.Name(target.id, ast.Load()), target) if isinstance(target, ast.Name) else target
