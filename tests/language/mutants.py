"""Mutations of reward programs: of their syntax trees and of their text. Each takes what it needs from a `Random`."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Sequence
from random import Random

from autoreward.language import tables

NAMES = [
    *(
        "np",
        "math",
        "memory",
        "state",
        "next_state",
        "action",
        "WEIGHTS",
        "IDEA",
        "float",
        "int",
        "sum",
        "list",
        "dict",
    ),
    *("str", "_", "__builtins__", "__import__", "_getattr_", "_write_", "_getitem_", "_inplacevar_", "print", "type"),
    *("open", "eval", "exec", "getattr", "globals", "vars", "compute_reward", "sparse", "dense", "h", "x", "printed"),
]
ATTRIBUTES = [
    *(
        "__class__",
        "__globals__",
        "gi_frame",
        "f_back",
        "base",
        "ctypes",
        "data",
        "tofile",
        "dump",
        "setflags",
        "flags",
    ),
    *("format", "format_map", "written", "obj", "tb_frame", "at", "reduce", "load", "save", "memmap", "f2py", "lib"),
    *("random", "linalg", "frompyfunc", "vectorize", "fromfile", "T", "dtype", "type", "names", "sort", "pop"),
    *sorted(tables.METHODS),
    *sorted(tables.PROPERTIES),
]
TEXTS = [
    *("np.", "memory", "[", "]", "(", ")", "{", "}", ":", "\n", "    ", "\t", "'", '"', '"""', "\\", "#", "f'{", "}'"),
    *("lambda ", "import os\n", "__", "**", "*", "=", ":=", "@", "->", ";", ",", "0x", "1e999", "9" * 5000, "\0", "\r"),
    *(
        "\f",
        "\u202e",
        "\u200d",
        "\ufeff",
        "\u0440",
        "\U0001d427",
        "\ud800",
        "\x85",
        "\u2028",
        "async ",
        "await ",
        "yield ",
    ),
    *("if 1:\n", "-" * 500, "(" * 60, "x." * 50, " if 1 else " * 30, "'\\", "# coding: utf-7\n", "\\N{DIGIT ONE}"),
]
HOSTILE = [
    "().__class__.__base__.__subclasses__()",
    "np.load('x', allow_pickle=True)",
    "__import__('os').system('touch PWNED_fuzz')",
    "open('PWNED_fuzz', 'w')",
    "np.savetxt('PWNED_fuzz', np.ones(3))",
    "(x for x in [1]).gi_frame.f_back.f_globals",
    "'{0.__class__}'.format(h)",
    "np.array('now', dtype='M8[us]')",
    "h.tofile('PWNED_fuzz')",
    "memory.written",
    "np.f2py.os.fork()",
    "[f for f in (np.sqrt,)]",
    "np.add(1.0, 2.0, state['height'])",
    "f'{h!r:>{9**9}}'",
    "np.einsum('ii->i', np.eye(3))",
    "sorted([1.0], key=lambda v: v)",
    "[0.0] * 10000000",
    "9 ** 9 ** 7",
]
Mutation = Callable[[str, Random, Sequence[str]], str]


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text) if len(text) < 8000 else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _written(tree: ast.Module, otherwise: str) -> str:
    try:
        return ast.unparse(ast.fix_missing_locations(tree))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return otherwise  # a tree that is no program


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


def _picked(tree: ast.AST, kind: type[ast.AST], random: Random) -> ast.AST | None:
    nodes = [node for node in ast.walk(tree) if isinstance(node, kind)]
    return random.choice(nodes) if nodes else None


def _on_tree(change: Callable[[ast.Module, Random, Sequence[str]], object]) -> Mutation:
    def mutate(text: str, random: Random, others: Sequence[str]) -> str:
        tree = _parsed(text)
        if tree is None:
            return text
        change(tree, random, others)
        return _written(tree, text)

    return mutate


def graft(tree: ast.Module, random: Random, others: Sequence[str]) -> None:
    """An expression gives way to one of another program, or to a hostile one."""
    other = _parsed(random.choice([*others, *HOSTILE * (1 + len(others) // 60)]))
    old, new = _picked(tree, ast.expr, random), _picked(other, ast.expr, random) if other else None
    if old and new:
        _Replace(old, copy.deepcopy(new)).visit(tree)


def swap(tree: ast.Module, random: Random, others: Sequence[str]) -> None:
    """Two expressions change places."""
    one, two = _picked(tree, ast.expr, random), _picked(tree, ast.expr, random)
    if one and two:
        left, right = copy.deepcopy(one), copy.deepcopy(two)
        _Replace(one, right).visit(tree)
        _Replace(two, left).visit(tree)


def _body(tree: ast.Module, random: Random) -> list[ast.stmt]:
    owner = random.choice([node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.FunctionDef | ast.If)])
    return owner.body


def delete(tree: ast.Module, random: Random, others: Sequence[str]) -> None:
    """A statement goes."""
    body = _body(tree, random)
    if len(body) > 1:
        body.pop(random.randrange(len(body)))


def insert(tree: ast.Module, random: Random, others: Sequence[str]) -> None:
    """A statement of another program comes in."""
    other = _parsed(random.choice([*others, *HOSTILE]))
    new = _picked(other, ast.stmt, random) if other else None
    if isinstance(new, ast.stmt):
        body = _body(tree, random)
        body.insert(random.randrange(len(body) + 1), copy.deepcopy(new))


def rename(tree: ast.Module, random: Random, others: Sequence[str]) -> None:
    """A name, a parameter or an attribute is called otherwise."""
    node = _picked(tree, random.choice([ast.Name, ast.arg, ast.Attribute, ast.FunctionDef, ast.keyword]), random)
    if isinstance(node, ast.Name):
        node.id = random.choice(NAMES)
    elif isinstance(node, ast.arg | ast.keyword):
        node.arg = random.choice(NAMES)
    elif isinstance(node, ast.FunctionDef):
        node.name = random.choice(NAMES)
    elif isinstance(node, ast.Attribute):
        node.attr = random.choice(ATTRIBUTES)


def wrap(tree: ast.Module, random: Random, others: Sequence[str]) -> None:
    """Something is put around an expression."""
    old = _picked(tree, ast.expr, random)
    if not isinstance(old, ast.expr):
        return
    inner, name = copy.deepcopy(old), ast.Name(random.choice(NAMES), ast.Load())
    target = ast.Name(random.choice(NAMES), ast.Store())
    empty = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    new: ast.expr = random.choice(
        [
            ast.Call(name, [inner], []),
            ast.Call(ast.Attribute(inner, random.choice(ATTRIBUTES), ast.Load()), [name], []),
            ast.Attribute(inner, random.choice(ATTRIBUTES), ast.Load()),
            ast.Subscript(inner, name, ast.Load()),
            ast.Call(
                ast.Attribute(ast.Name("np", ast.Load()), random.choice(sorted(tables.NUMPY_FUNCTIONS)), ast.Load()),
                [inner, name],
                [],
            ),
            ast.Lambda(empty, inner),
            ast.Starred(inner, ast.Load()),
            ast.NamedExpr(target, inner),
            ast.JoinedStr([ast.FormattedValue(inner, -1, None)]),
            ast.ListComp(inner, [ast.comprehension(target, name, [], 0)]),
            ast.GeneratorExp(name, [ast.comprehension(target, inner, [], random.randrange(2))]),
            ast.Dict([None], [inner]),
            ast.IfExp(name, inner, name),
            ast.Compare(inner, [ast.In()], [name]),
            ast.BinOp(inner, random.choice([ast.Pow(), ast.LShift(), ast.MatMult(), ast.Mod(), ast.Mult()]), inner),
            ast.Await(inner),
        ]
    )
    _Replace(old, new).visit(tree)


def constant(tree: ast.Module, random: Random, others: Sequence[str]) -> None:
    """A literal gets another value."""
    node = _picked(tree, ast.Constant, random)
    if isinstance(node, ast.Constant):
        node.value = random.choice(
            [0, -1, 2**53 + 1, 10**9, 1e308, float("inf"), 1j, b"x", "", "height", "O", "a" * 61, None, True, ...]
        )


def cut(text: str, random: Random, others: Sequence[str]) -> str:
    """A stretch of text goes."""
    low = random.randrange(len(text) + 1)
    return text[:low] + text[low + random.choice([1, 3, 20, len(text)]) :]


def stuff(text: str, random: Random, others: Sequence[str]) -> str:
    """Something is put into the text."""
    place = random.randrange(len(text) + 1)
    return text[:place] + random.choice(TEXTS) + text[place:]


def repeat(text: str, random: Random, others: Sequence[str]) -> str:
    """A stretch of text comes many times."""
    low = random.randrange(len(text) + 1)
    high = low + random.choice([1, 2, 3, 10, 100])
    return text[:low] + text[low:high] * random.choice([2, 20, 300, 5000]) + text[high:]


def splice(text: str, random: Random, others: Sequence[str]) -> str:
    """The beginning of one and the end of another."""
    other = random.choice(others)
    return text[: random.randrange(len(text) + 1)] + other[random.randrange(len(other) + 1) :]


def flip(text: str, random: Random, others: Sequence[str]) -> str:
    """Some bits of its bytes change."""
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(random.choice([1, 2, 5])):
        if data:
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return data.decode("utf-8", "surrogateescape")


MUTATIONS: dict[str, Mutation] = {
    **{change.__name__: _on_tree(change) for change in (graft, swap, delete, insert, rename, wrap, constant)},
    **{change.__name__: change for change in (cut, stuff, repeat, splice, flip)},
}
TREE = ["graft", "swap", "delete", "insert", "rename", "wrap", "constant"]
TEXT = ["cut", "stuff", "repeat", "splice", "flip"]
