"""The success rule taken apart: each comparison becomes a gap that a reward can close, the whole an event."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from autoreward.language.tables import NUMPY_FUNCTIONS

_UNSIGNED = frozenset(("abs", "fabs", "absolute", "norm", "square", "sqrt", "hypot"))
_REDUCTIONS = {"norm": "linalg.norm", "min": "min", "max": "max", "sum": "sum", "mean": "mean"}
"""Functions of one vector."""
_CONSTANTS = {"pi": "np.pi"}
_FLIPPED = {ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}


@dataclass(frozen=True)
class Atom:
    """One comparison of the success rule, as a gap of at least 0 that is small where the comparison holds."""

    text: str
    """The comparison as the rule states it."""
    code: str
    """The gap in the reward language, with `{s}` for `state` or `next_state`."""
    measure: str
    """The gap as an expression over fields, for finding its range."""
    fields: tuple[str, ...]
    tolerance: float | None = None
    """How small an unsigned error must become; None where the gap must vanish."""
    rising: str | None = None
    """The field that the comparison bounds from below alone (`x > 3`)."""
    falling: str | None = None
    """The field that it bounds from above alone."""
    bound: float = 0.0
    """The number that `rising` or `falling` is compared with."""


@dataclass(frozen=True)
class Rule:
    """A success expression that the composer understood."""

    atoms: tuple[Atom, ...]
    condition: str
    """The whole rule in the reward language, with `{s}`; gives [N] booleans."""
    fields: frozenset[str]


def read_rule(expression: str, fields: frozenset[str]) -> Rule:
    """Take a success expression apart; parts of a shape that is not known give no atom, only the event."""
    tree = ast.parse(expression.strip(), mode="eval").body
    atoms: list[Atom] = []
    _collect(tree, fields, atoms)
    return Rule(tuple(_merged(atoms)), _condition(tree, fields), frozenset(_fields(tree, fields)))


def _collect(node: ast.expr, fields: frozenset[str], atoms: list[Atom]) -> None:
    """Atoms of a conjunction. Of alternatives the first is followed: reaching one is enough."""
    if isinstance(node, ast.BoolOp):
        for value in node.values if isinstance(node.op, ast.And) else node.values[:1]:
            _collect(value, fields, atoms)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        if isinstance(node.operand, ast.Compare) and len(node.operand.ops) == 1:
            compare = node.operand
            flipped = ast.Compare(compare.left, [_FLIPPED[type(compare.ops[0])]()], compare.comparators)
            _collect(flipped, fields, atoms)
        elif isinstance(node.operand, ast.Name) and node.operand.id in fields:
            atoms.append(_flag(node.operand.id, wanted=False))
    elif isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
            if atom := _atom(left, operator, right, fields):
                atoms.append(atom)
    elif isinstance(node, ast.Name) and node.id in fields:
        atoms.append(_flag(node.id, wanted=True))


def _merged(atoms: list[Atom]) -> list[Atom]:
    """Two bounds of one field are one interval: the distance from its middle, which must get below half its width."""
    kept: list[Atom] = []
    for atom in atoms:
        partner = next((other for other in kept if _interval(atom, other)), None)
        if partner is None:
            kept.append(atom)
            continue
        lower, upper = (atom, partner) if atom.rising else (partner, atom)
        middle, half = (lower.bound + upper.bound) / 2, (upper.bound - lower.bound) / 2
        field = f'{{s}}["{lower.rising}"]'
        code = f"np.abs({field} - {middle:g})" if middle else f"np.abs({field})"
        text = f"{lower.bound:g} < {lower.rising} < {upper.bound:g}"
        measure = f"abs({lower.rising} - ({middle:g}))"
        kept[kept.index(partner)] = Atom(text, code, measure, lower.fields, half)
    return kept


def _interval(one: Atom, other: Atom) -> bool:
    lower, upper = (one, other) if one.rising else (other, one)
    return lower.rising is not None and lower.rising == upper.falling and lower.bound < upper.bound


def _flag(field: str, wanted: bool) -> Atom:
    after = f'{{s}}["{field}"]'
    code = f"np.where({after}, 0.0, 1.0)" if wanted else f"np.where({after}, 1.0, 0.0)"
    return Atom(field if wanted else f"not {field}", code, "", (field,))


def _atom(left: ast.expr, operator: ast.cmpop, right: ast.expr, fields: frozenset[str]) -> Atom | None:
    text = ast.unparse(ast.Compare(left, [operator], [right]))
    named = tuple(_fields(ast.Tuple([left, right]), fields))
    if not named:
        return None
    if isinstance(operator, (ast.Gt, ast.GtE)):
        left, right = right, left
    elif isinstance(operator, ast.Eq) and isinstance(left, ast.Name) and _is_bool(right):
        return _flag(left.id, wanted=bool(getattr(right, "value", True)))
    elif isinstance(operator, ast.Eq):
        measure = f"abs({ast.unparse(left)} - {ast.unparse(right)})"
        return Atom(text, f"np.abs({code(left, fields)} - {code(right, fields)})", measure, named)
    elif not isinstance(operator, (ast.Lt, ast.LtE)):
        return None
    bound = _number(right)
    if bound is not None and isinstance(left, ast.Call) and _function(left) in _UNSIGNED:
        return Atom(text, code(left, fields), ast.unparse(left), named, tolerance=max(bound, 0.0) or None)
    measure = f"{_wrapped(left, ast.unparse(left))} - {_wrapped(right, ast.unparse(right), right=True)}"
    gap = f"{_wrapped(left, code(left, fields))} - {_wrapped(right, code(right, fields), right=True)}"
    rising = right.id if isinstance(right, ast.Name) and _number(left) is not None else None
    falling = left.id if isinstance(left, ast.Name) and bound is not None else None
    bound = _number(left) if bound is None else bound
    return Atom(text, f"np.maximum({gap}, 0.0)", f"max({measure}, 0.0)", named, None, rising, falling, bound or 0.0)


def _wrapped(node: ast.expr, text: str, right: bool = False) -> str:
    compound = isinstance(node, ast.IfExp) or (right and isinstance(node, (ast.BinOp, ast.UnaryOp)))
    return f"({text})" if compound else text


def _is_bool(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, bool)


def _number(node: ast.expr) -> float | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _number(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return float(node.value)
    return None


def _function(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _fields(node: ast.AST, fields: frozenset[str]) -> list[str]:
    names = [part.id for part in ast.walk(node) if isinstance(part, ast.Name) and part.id in fields]
    return list(dict.fromkeys(names))


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


class _Translated(ast.NodeTransformer):
    """An expression over field names, as the reward language writes it."""

    def __init__(self, fields: frozenset[str]) -> None:
        self._fields = fields

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self._fields:
            return ast.Subscript(ast.Name("__state__"), ast.Constant(node.id), ast.Load())
        return _parsed(_CONSTANTS.get(node.id, node.id))

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """`field[1]` is a component: leading dimensions are the simulations'."""
        index = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if index and isinstance(index[0], ast.Constant) and index[0].value is Ellipsis:
            index = index[1:]
        return ast.Subscript(self.visit(node.value), ast.Tuple([ast.Constant(...), *index]), ast.Load())

    def visit_Call(self, node: ast.Call) -> ast.expr:
        arguments = [self.visit(argument) for argument in node.args]
        name = _function(node)
        if name in ("min", "max") and len(arguments) > 1:
            pair = _parsed("np.minimum" if name == "min" else "np.maximum")
            folded: ast.expr = arguments[0]
            for argument in arguments[1:]:
                folded = ast.Call(pair, [folded, argument], [])
            return folded
        if name in _REDUCTIONS:
            axis = ast.keyword("axis", _parsed("-1"))
            return ast.Call(_parsed(f"np.{_REDUCTIONS[name]}"), arguments[:1], [axis])
        known = f"np.{name}" if name in NUMPY_FUNCTIONS else ast.unparse(node.func)
        return ast.Call(_parsed(known), arguments, node.keywords)


def code(node: ast.expr, fields: frozenset[str]) -> str:
    """An expression over fields in the reward language, with `{s}` where the mapping of the state stands."""
    translated = ast.fix_missing_locations(_Translated(fields).visit(_parsed(ast.unparse(node))))
    return ast.unparse(translated).replace("'", '"').replace("__state__", "{s}")


def _condition(node: ast.expr, fields: frozenset[str]) -> str:
    """A logical expression with `&`, `|` and `~` in place of `and`, `or` and `not`."""
    if isinstance(node, ast.BoolOp):
        sign = " & " if isinstance(node.op, ast.And) else " | "
        return sign.join(f"({_condition(value, fields)})" for value in node.values)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return f"~({_condition(node.operand, fields)})"
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        sides = [node.left, *node.comparators]
        pairs = zip(sides, node.ops, sides[1:], strict=False)
        return " & ".join(f"({_condition(ast.Compare(a, [op], [b]), fields)})" for a, op, b in pairs)
    if isinstance(node, ast.Name):
        return f"{code(node, fields)} > 0.5"
    return code(node, fields)
