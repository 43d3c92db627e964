"""The static rules of a whole reward program: what a file of each grammar holds. Nothing here executes it."""

from __future__ import annotations

import ast
import math
from collections.abc import Collection
from dataclasses import dataclass, field

from autoreward.errors import RewardRefused
from autoreward.language import tables
from autoreward.language.clean import clean
from autoreward.language.lexical import parse
from autoreward.language.nodes import bound_names, check_construct, is_docstring, is_name, refuse, shown
from autoreward.language.program import FUNCTIONS, Grammar, Program
from autoreward.language.rules import Rules

_SIGNATURE = f"({', '.join(tables.PARAMETERS)})"
_FOREIGN = {
    "potential": "potential",
    "progress": "progress",
    "compute_reward": "terms",
    "sparse": "signs",
    "dense": "signs",
}


def check(source: str, field_names: Collection[str], grammar: Grammar) -> Program:
    """Check a reward program against the reward language and its grammar, without running it.

    Args:
        source: the file's text.
        field_names: fields of the schema, the keys of `state` and `next_state`.
        grammar: `terms` or `signs`.

    Raises:
        RewardRefused: it breaks a rule; the message says where, why, and what to write instead.
    """
    return check_tree(source, field_names, grammar)[0]


def check_tree(source: str, field_names: Collection[str], grammar: Grammar) -> tuple[Program, ast.Module]:
    """As `check`, and the tree that may be compiled: without imports, annotations, docstrings, IDEA and WEIGHTS."""
    tree = clean(parse(source))
    parts = _split(tree, grammar)
    rewards = [parts.functions[name] for name in FUNCTIONS[grammar]]
    fields: dict[str, dict[str, None]] = {"state": {}, "next_state": {}}
    writers: dict[str, str] = {}
    reads_action = uses_memory = False
    for name, function in parts.functions.items():
        rules = Rules(field_names, parts.names | bound_names(function), is_reward=function in rewards)
        _check_function(rules, function, function in rewards)
        for mapping, read in rules.fields.items():
            fields[mapping] |= read
        for entry, node in rules.memory_written.items():
            if writers.setdefault(entry, name) != name:
                refuse(node, "memory", f"memory {shown(entry)} is written in {writers[entry]}() too; use two names")
        reads_action |= rules.reads_action
        uses_memory |= rules.uses_memory
    program = Program(
        source=source,
        grammar=grammar,
        idea=parts.idea,
        weights=parts.weights,
        state_fields=tuple(fields["state"]),
        next_state_fields=tuple(fields["next_state"]),
        reads_action=reads_action,
        uses_memory=uses_memory,
    )
    return program, _executable(parts)


def grammar_of(source: str) -> Grammar:
    """The grammar that a file is written for, as its functions tell; `terms` where they do not.

    Raises:
        RewardRefused: it is no Python.
    """
    names = {node.name for node in parse(source).body if isinstance(node, ast.FunctionDef)}
    return "signs" if names & set(FUNCTIONS["signs"]) and "compute_reward" not in names else "terms"


def without_comments(source: str) -> str:
    """What of a program runs, as text: no comments, docstrings or annotations.

    Raises:
        RewardRefused: it is no Python, or imports something.
    """
    tree = clean(parse(source))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef) and is_docstring(node.body[0]):
            node.body[0] = ast.copy_location(ast.Pass(), node.body[0])
        if isinstance(node, ast.Module | ast.FunctionDef) and len(node.body) > 1:
            node.body = [part for part in node.body if not isinstance(part, ast.Pass)] or node.body[:1]
    return ast.unparse(tree) + "\n"


@dataclass
class _Parts:
    """A module, taken apart."""

    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    constants: list[ast.Assign] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    idea: str = ""
    weights: dict[str, float] = field(default_factory=dict)


def _split(tree: ast.Module, grammar: Grammar) -> _Parts:
    """Sort the statements of the module level.

    Raises:
        RewardRefused: there is something that does not belong there, or the grammar's functions are missing.
    """
    parts = _Parts()
    has_weights = False
    for number, statement in enumerate(tree.body):
        if isinstance(statement, ast.FunctionDef):
            _define(parts, statement, statement.name)
            parts.functions[statement.name] = statement
        elif isinstance(statement, ast.Assign):
            has_weights |= _assign(parts, statement, grammar)
        elif isinstance(statement, ast.Pass) or (number == 0 and is_docstring(statement)):
            continue
        else:
            check_construct(statement)
            advice = "imports of np and math, constants and functions alone; move it into a function"
            refuse(statement, "module", f"the top level of a reward file holds {advice}")
    _check_grammar(parts, grammar, has_weights)
    return parts


def _define(parts: _Parts, node: ast.stmt, name: str) -> None:
    if name in parts.names:
        refuse(node, "module", f"{shown(name)} is defined twice; choose another name")
    if name in tables.RESERVED | tables.BUILTINS:
        refuse(node, "name", f"{shown(name)} has a meaning of its own; choose another name")
    parts.names.add(name)


def _assign(parts: _Parts, statement: ast.Assign, grammar: Grammar) -> bool:
    """Take in a constant, IDEA or WEIGHTS; true for WEIGHTS."""
    target = statement.targets[0]
    if len(statement.targets) != 1 or not isinstance(target, ast.Name):
        refuse(statement, "module", "a constant is `NAME = value`")
    if target.id == "IDEA":
        parts.idea = _idea(statement.value)
    elif target.id == "WEIGHTS":
        if grammar != "terms":
            advice = "it has no weights, since the total is made of signs; leave WEIGHTS out"
            refuse(
                statement, "grammar", f"WEIGHTS belongs to the grammar `terms`; this file is for `{grammar}`: {advice}"
            )
        parts.weights = _weights(statement.value)
        return True
    else:
        _check_constant(statement.value)
        Rules((), parts.names | bound_names(statement.value), is_reward=False).visit(statement)
        _define(parts, statement, target.id)
        parts.constants.append(statement)
    return False


def _check_constant(value: ast.expr) -> None:
    """Constants are literals, arithmetic on them, and arrays of them: nothing that takes time or has effects."""
    for node in ast.walk(value):
        if isinstance(node, ast.ListComp | ast.DictComp | ast.GeneratorExp | ast.JoinedStr):
            refuse(node, "module", "constants are written out; build it inside a function, or write its elements")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow | ast.LShift) and not _is_small(node.right):
            refuse(node, "module", "constants are plain numbers; write the result")
        lambda_call = (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in tables.BUILTINS
        )
        if lambda_call:
            refuse(node, "module", "a constant cannot call a function of the file; write the result")


def _is_small(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and abs(node.value) <= 64


def _idea(value: ast.expr) -> str:
    text = value.value if isinstance(value, ast.Constant) else None
    if not isinstance(text, str):
        refuse(value, "grammar", 'IDEA is one string literal: IDEA = "what the reward does, in a sentence"')
    if len(text) > tables.MAX_IDEA or not text.isprintable():
        refuse(value, "grammar", f"IDEA is one line of at most {tables.MAX_IDEA} characters; shorten it")
    return text


def _weights(value: ast.expr) -> dict[str, float]:
    advice = 'WEIGHTS is a literal: WEIGHTS = {"term": 1.0, ...}, a finite number for each term'
    if not isinstance(value, ast.Dict):
        refuse(value, "grammar", advice)
    weights: dict[str, float] = {}
    for key, item in zip(value.keys, value.values, strict=True):
        name = key.value if isinstance(key, ast.Constant) else None
        negative = isinstance(item, ast.UnaryOp) and isinstance(item.op, ast.USub)
        literal = item.operand if isinstance(item, ast.UnaryOp) and negative else item
        number = literal.value if isinstance(literal, ast.Constant) else None
        if not isinstance(name, str) or not is_name(name) or name in weights:
            refuse(key or item, "grammar", f"{advice}; terms are identifiers, each named once")
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(float(number)):
            refuse(item, "grammar", advice)
        weights[name] = -float(number) if negative else float(number)
    if not 1 <= len(weights) <= tables.MAX_TERMS:
        refuse(value, "grammar", f"WEIGHTS names 1 to {tables.MAX_TERMS} terms")
    return weights


def _check_grammar(parts: _Parts, grammar: Grammar, has_weights: bool) -> None:
    wanted = FUNCTIONS[grammar]
    form = " and ".join(f"{name}{_SIGNATURE}" for name in wanted)
    # Beside the grammar's own functions, `progress` and the like are good names for helpers.
    others = {} if all(name in parts.functions for name in wanted) else parts.functions
    for name, function in others.items():
        other = _FOREIGN.get(name, grammar)
        if other != grammar:
            message = f"{name}() belongs to the grammar `{other}`; this file is for `{grammar}`, which defines {form}"
            refuse(function, "grammar", message)
    for name in wanted:
        if name not in parts.functions:
            raise RewardRefused(f"the grammar `{grammar}` needs {form}; {name}() is missing", "grammar")
    if grammar == "terms" and not has_weights:
        raise RewardRefused('WEIGHTS is missing: write WEIGHTS = {"term": 1.0, ...} with every term', "grammar")


def _check_function(rules: Rules, function: ast.FunctionDef, is_reward: bool) -> None:
    if not is_reward:
        rules.visit(function)
        return
    given = function.args
    names = tuple(argument.arg for argument in given.args)
    if (
        names != tables.PARAMETERS
        or given.vararg
        or given.kwarg
        or given.kwonlyargs
        or given.posonlyargs
        or given.defaults
    ):
        refuse(function, "grammar", f"{function.name}() has the parameters {_SIGNATURE}")
    if function.decorator_list:
        refuse(function.decorator_list[0], "construct", "decorators are not part of the reward language; leave it out")
    if getattr(function, "type_params", None):
        refuse(function, "construct", "type parameters are not part of the reward language; leave them out")
    rules.visit_body(function.body)
    returns = [node for node in _own_nodes(function) if isinstance(node, ast.Return)]
    advice = 'return one dict of terms: {"name": array of N numbers, ...}'
    if not returns:
        refuse(function, "grammar", f"{function.name}() returns nothing; {advice}")
    for node in returns:
        if node.value is None or isinstance(node.value, ast.Tuple | ast.List | ast.Constant | ast.BinOp | ast.UnaryOp):
            refuse(node, "grammar", f"{function.name}() must {advice}; the system makes the total")


def _own_nodes(function: ast.FunctionDef) -> list[ast.AST]:
    """Nodes of a function without those of functions nested in it."""
    found: list[ast.AST] = []
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        found.append(node)
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            stack.extend(ast.iter_child_nodes(node))
    return found


def _executable(parts: _Parts) -> ast.Module:
    for function in parts.functions.values():
        for node in ast.walk(function):
            if isinstance(node, ast.FunctionDef) and is_docstring(node.body[0]):
                node.body[0] = ast.copy_location(ast.Pass(), node.body[0])
    return ast.Module(body=[*parts.constants, *parts.functions.values()], type_ignores=[])
