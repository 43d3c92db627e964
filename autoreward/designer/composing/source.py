"""From terms to the text of a reward program, and back."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autoreward.designer.composing.forms import EVENTS, SPARSE, Term
from autoreward.designer.composing.terms import Catalogue
from autoreward.errors import RewardRefused
from autoreward.language.lexical import parse
from autoreward.language.program import Grammar

LONGEST_IDEA = 400
_LINE = 110
_SIGNATURE = "(state, action, next_state, memory)"


@dataclass(frozen=True)
class Structure:
    """What the composer searches over: weighted terms, by themselves or added to a program that it did not write."""

    weights: tuple[tuple[str, float], ...]
    """Names of terms with their weights; of a `base` also its own."""
    base: str = ""
    """Source of the program that the terms are added to; empty for one that is all the composer's."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the terms."""
        return tuple(name for name, _ in self.weights)


def render(structure: Structure, catalogue: Catalogue, grammar: Grammar) -> str:
    """The program's text."""
    if structure.base:
        return _extended(structure, catalogue, grammar)
    terms = [catalogue.terms[name] for name in structure.names]
    head = f"IDEA = {_idea(terms)}\n"
    if grammar == "terms":
        return f"{head}{_weights(dict(structure.weights))}\n\n\n{_function('compute_reward', terms)}"
    sparse = [term for term in terms if is_sparse(term)]
    dense = [term for term in terms if not is_sparse(term)]
    return f"{head}\n\n{_function('sparse', sparse)}\n\n{_function('dense', dense)}"


def is_sparse(term: Term) -> bool:
    """Whether the `signs` grammar counts a term as an event."""
    return term.form in SPARSE


def signed(structure: Structure, catalogue: Catalogue) -> Structure:
    """The structure as the `signs` grammar has it: without weights, events first, at least one of either kind.

    A program is read back in that order, so one that had another would be taken for somebody else's.
    """
    names = list(structure.names)
    if not structure.base:
        terms = [catalogue.terms[name] for name in names]
        if not any(term.form in EVENTS for term in terms):
            names.insert(0, "success")
        if all(map(is_sparse, terms)):
            names.append(next(name for name, term in catalogue.terms.items() if not is_sparse(term)))
        names.sort(key=lambda name: not is_sparse(catalogue.terms[name]))
    return Structure(tuple((name, 1.0) for name in names), structure.base)


def read(source: str, catalogue: Catalogue, grammar: Grammar) -> Structure:
    """The structure of a program that the composer wrote, or one that carries over a program it did not.

    A name tells a term's form and quantity, so WEIGHTS (`signs`: the keys that are returned) tell all.

    Raises:
        RewardRefused: the text is no Python.
    """
    tree = parse(source)
    weights = _read_weights(tree) if grammar == "terms" else dict.fromkeys(_returned(tree), 1.0)
    own = Structure(tuple((name, weight) for name, weight in weights.items()))
    if weights and all(name in catalogue.terms for name in weights) and render(own, catalogue, grammar) == source:
        return own
    return Structure(own.weights, base=source)


def _idea(terms: Iterable[Term]) -> str:
    text = "; ".join(term.phrase for term in terms)
    text = text if len(text) <= LONGEST_IDEA else text[: LONGEST_IDEA - 3] + "..."
    return json.dumps(text[:1].upper() + text[1:] + ("" if text.endswith("...") else "."))


def _weights(weights: Mapping[str, float]) -> str:
    items = [f'"{name}": {float(weight)!r}' for name, weight in weights.items()]
    line = f"WEIGHTS = {{{', '.join(items)}}}"
    return line if len(line) <= _LINE else "WEIGHTS = {\n" + "".join(f"    {item},\n" for item in items) + "}"


def _function(name: str, terms: Sequence[Term]) -> str:
    lines = [f"def {name}{_SIGNATURE}:"]
    lines += [f"    {line}" for line in dict.fromkeys(line for term in terms for line in term.setup)]
    items = [f'"{term.name}": {term.value}' for term in terms]
    short = f"    return {{{', '.join(items)}}}"
    if len(short) <= _LINE:
        return "\n".join([*lines, short, ""])
    return "\n".join([*lines, "    return {", *(f"        {item}," for item in items), "    }", ""])


def _read_weights(tree: ast.Module) -> dict[str, float]:
    node = _weights_node(tree)
    try:
        given = ast.literal_eval(node.value) if node and node.value else {}
        return {str(name): float(weight) for name, weight in given.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def _weights_node(tree: ast.Module) -> ast.Assign | ast.AnnAssign | None:
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == "WEIGHTS" for target in targets):
            assert isinstance(node, (ast.Assign, ast.AnnAssign))
            return node
    return None


def _returned(tree: ast.Module) -> list[str]:
    """Keys of the dicts that the functions return at their ends."""
    names = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and (literal := _last_dict(node)):
            names += [key.value for key in literal.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    return names


def _last_dict(function: ast.FunctionDef) -> ast.Dict | None:
    last = function.body[-1]
    return last.value if isinstance(last, ast.Return) and isinstance(last.value, ast.Dict) and last.value.keys else None


def extendable(source: str, grammar: Grammar) -> bool:
    """Whether terms can be added to a program: its function ends by returning a dict that is written out."""
    try:
        return _place(parse(source), grammar) is not None
    except RewardRefused:
        return False


def _place(tree: ast.Module, grammar: Grammar) -> tuple[ast.FunctionDef, ast.Dict] | None:
    wanted = "compute_reward" if grammar == "terms" else "dense"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == wanted:
            simple = sum(isinstance(part, ast.Return) for part in ast.walk(node)) == 1
            return (node, literal) if simple and (literal := _last_dict(node)) else None
    return None


def _extended(structure: Structure, catalogue: Catalogue, grammar: Grammar) -> str:
    """The base's text with the structure's weights, and with the terms that it lacks.

    Local names of the added terms end in `_2`, so that they never change what the base computes.
    """
    tree = parse(structure.base)
    had = set(_read_weights(tree) if grammar == "terms" else _returned(tree))
    added = [catalogue.terms[name] for name in structure.names if name not in had and name in catalogue.terms]
    lines = structure.base.splitlines()
    edits: list[tuple[ast.expr | ast.stmt, list[str]]] = []
    if added and (found := _place(tree, grammar)):
        edits.append((found[0].body[-1], _return_with(structure.base, found[1], added)))
    if grammar == "terms" and (node := _weights_node(tree)):
        edits.append((node, _weights(dict(structure.weights)).splitlines()))
    for place, text in sorted(edits, key=lambda edit: -edit[0].lineno):
        lines[place.lineno - 1 : place.end_lineno] = text
    return "\n".join(lines) + "\n"


def _return_with(base: str, literal: ast.Dict, added: Sequence[Term]) -> list[str]:
    items = [
        f"{ast.get_source_segment(base, key)}: {ast.get_source_segment(base, value)}"
        for key, value in zip(literal.keys, literal.values, strict=True)
        if key is not None
    ]
    renamed = [_renamed(term) for term in added]
    items += [f'"{term.name}": {value}' for term, (_, value) in zip(added, renamed, strict=True)]
    setup = dict.fromkeys(line for lines, _ in renamed for line in lines)
    return [*(f"    {line}" for line in setup), "    return {", *(f"        {item}," for item in items), "    }"]


class _Suffixed(ast.NodeTransformer):
    """Local variables and memory keys under names of their own; the keys of fields stay."""

    def __init__(self, local: frozenset[str]) -> None:
        self._local = local

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Name(f"{node.id}_2", node.ctx) if node.id in self._local else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id == "memory" and isinstance(node.slice, ast.Constant):
            return ast.Subscript(node.value, ast.Constant(f"{node.slice.value!s}_2"), node.ctx)
        return self.generic_visit(node)  # type: ignore[return-value]

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if ast.unparse(node.func) == "memory.get" and isinstance(node.args[0], ast.Constant):
            key = ast.Constant(f"{node.args[0].value!s}_2")
            return ast.Call(node.func, [key, *map(self.visit, node.args[1:])], [])
        return self.generic_visit(node)  # type: ignore[return-value]


def _renamed(term: Term) -> tuple[list[str], str]:
    """Setup lines and value of a term with `_2` at the end of every local name."""
    trees = [ast.parse(line) for line in (*term.setup, term.value)]
    stores = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name))
    change = _Suffixed(frozenset(node.id for node in stores if isinstance(node.ctx, ast.Store)))
    texts = [ast.unparse(ast.fix_missing_locations(change.visit(tree))).replace("'", '"') for tree in trees]
    return texts[:-1], texts[-1]
