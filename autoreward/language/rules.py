"""The rules inside functions: allowed constructs, names, attributes and strings, and which fields are read.

Covered: everything a program may mention is on the allow-lists of `tables`; fields, memory and terms are used in the
forms that the system understands. Not covered: what values come out; the dry run and the cell look at those.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Collection
from typing import NoReturn

from autoreward.language import advice, tables
from autoreward.language.calls import check_arguments
from autoreward.language.nodes import check_construct, hint, is_docstring, is_name, refuse, shown

_MAPPINGS = ("state", "next_state", "memory")
_NO_CONSTANT = (ast.List, ast.Dict, ast.ListComp, ast.DictComp, ast.GeneratorExp, ast.Call, ast.Lambda, ast.JoinedStr)


class Rules(ast.NodeVisitor):
    """Checks one function or constant expression, and collects what it reads.

    Attributes:
        fields: fields read, by `state` and `next_state`, in the order of reading.
        reads_action: whether `action` is read.
        memory_written: names that are stored in memory.
        uses_memory: whether memory is read or written.
    """

    def __init__(self, field_names: Collection[str], known: Collection[str], is_reward: bool) -> None:
        self.field_names, self.known, self.is_reward = field_names, known, is_reward
        self.fields: dict[str, dict[str, None]] = {"state": {}, "next_state": {}}
        self.memory_written: dict[str, ast.AST] = {}
        self.reads_action = self.uses_memory = False

    def visit(self, node: ast.AST) -> None:
        """Refuse what is not on the allow-list of constructs, then apply the construct's own rule."""
        check_construct(node)
        super().visit(node)

    # --- names

    def visit_Name(self, node: ast.Name) -> None:
        """Names are ASCII, known, and keep their meaning."""
        self._check_name(node, node.id)
        if isinstance(node.ctx, ast.Store):
            if node.id in tables.RESERVED:
                refuse(node, "name", f"`{node.id}` has a meaning of its own; choose another name")
            return
        if node.id in _MAPPINGS:
            self._refuse_whole(node)
        if node.id in ("np", "math"):
            refuse(node, "name", f"`{node.id}` can only be used as in `{node.id}.sqrt(x)`")
        if node.id in ("IDEA", "WEIGHTS"):
            refuse(
                node, "name", f"{node.id} cannot be read here; weights are applied by the system, return the bare term"
            )
        if node.id == "action" and self.is_reward:
            self.reads_action = True
        elif node.id not in self.known and node.id not in tables.BUILTINS:
            refuse(
                node, "unknown-name", f"{shown(node.id)} is not known in the reward language{self._instead(node.id)}"
            )

    def _instead(self, name: str) -> str:
        """What to write instead of an unknown name."""
        if known := advice.NAMES.get(name) or advice.IMPORTS.get(name):
            return f"; {known}"
        if name in self.field_names:
            return f'; it is a field: write `state["{name}"]` or `next_state["{name}"]`'
        near = hint(name, [*self.known, *tables.BUILTINS])
        return f".{near}" if near else '; give it a value first, or read a field: `next_state["name"]`'

    def _refuse_whole(self, node: ast.Name) -> NoReturn:
        if not self.is_reward:
            refuse(
                node, "field", f"`{node.id}` is known in the reward function alone; give the helper the arrays it needs"
            )
        if node.id == "memory":
            refuse(node, "memory", 'memory is used as `memory.get("name", default)` and `memory["name"] = value` alone')
        refuse(node, "field", f'`{node.id}` is read field by field: `{node.id}["field"]`; pass arrays, not the mapping')

    def _check_name(self, node: ast.AST, name: str) -> None:
        if name.startswith("_") and name != "_":
            refuse(node, "name", f"{shown(name)} begins with an underscore, as no name does here; choose another name")
        if not name.isascii() or len(name) > tables.MAX_NAME:
            refuse(node, "name", f"names have at most {tables.MAX_NAME} ASCII letters")
        if name in ("print", "printed", "builtins", "breakpoint") or name.endswith("__roles__"):
            instead = advice.NAMES.get(name, "choose another name")
            refuse(node, "name", f"{shown(name)} is not part of the reward language; {instead}")

    # --- fields and memory

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """`state["x"]` and `memory["x"] = ...`, with literal keys."""
        base = node.value
        if not (isinstance(base, ast.Name) and base.id in _MAPPINGS and self.is_reward):
            self.generic_visit(node)
            return
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if not isinstance(key, str):
            refuse(node, "field", f'keys are string literals: write `{base.id}["name"]`')
        if base.id == "memory":
            self._memory_item(node, key)
        elif isinstance(node.ctx, ast.Store):
            refuse(node, "field", f"`{base.id}` cannot be changed; use a variable, or memory for what lasts")
        elif key not in self.field_names:
            what = f"unknown field '{key}'" if is_name(key) else "unknown field"
            near = hint(key, self.field_names) or f" Fields: {', '.join(sorted(self.field_names)[:20])}."
            refuse(node, "unknown-field", f"{what}.{near}")
        else:
            self.fields[base.id][key] = None

    def _memory_item(self, node: ast.Subscript, key: str) -> None:
        if isinstance(node.ctx, ast.Load):
            name = key if is_name(key) else "name"
            refuse(node, "memory", f'a row may have stored nothing yet: write `memory.get("{name}", default)`')
        self._memory_name(node, key)
        self.memory_written.setdefault(key, node)

    def _memory_name(self, node: ast.AST, key: object) -> None:
        if not is_name(key):
            refuse(
                node, "memory", f"names in memory are string literals, identifiers of up to {tables.MAX_NAME} letters"
            )
        self.uses_memory = True

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        """`memory["x"] += v` would read what a row may not have."""
        target = node.target
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id == "memory":
            refuse(node, "memory", 'write `memory["name"] = memory.get("name", default) + ...`')
        self.generic_visit(node)

    # --- attributes and calls

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Attributes are allowed functions of np and math, or allowed methods."""
        if not isinstance(node.ctx, ast.Load):
            refuse(node, "attribute", "attributes cannot be changed; use a variable, or memory for what lasts")
        dotted = self._dotted(node)
        root = dotted.split(".")[0] if dotted else ""
        if root in ("np", "math"):
            self._check_library(node, dotted, called=False)
        elif root in _MAPPINGS and self.is_reward:
            form = 'memory.get("name", default)` and `memory["name"] = value' if root == "memory" else f'{root}["x"]'
            refuse(node, "memory" if root == "memory" else "field", f"only `{form}` is allowed")
        elif node.attr in tables.METHODS:
            refuse(node, "attribute", f"the method `{node.attr}` must be called where it is named")
        elif node.attr in tables.PROPERTIES:
            self.visit(node.value)
        else:
            self.visit(node.value)
            self._refuse_attribute(node)

    def _refuse_attribute(self, node: ast.Attribute) -> NoReturn:
        known = advice.UNDERSCORE if node.attr.startswith("_") else advice.ATTRIBUTES.get(node.attr)
        if known is None and node.attr in tables.NUMPY_FUNCTIONS:
            known = f"write np.{node.attr}(x)"
        near = "" if known else hint(node.attr, tables.METHODS | tables.PROPERTIES)
        tail = f".{near}" if near else f"; {known or advice.OTHERWISE}"
        refuse(node, "attribute", f"the attribute {shown(node.attr)} is not part of the reward language{tail}")

    def _check_library(self, node: ast.AST, dotted: str, called: bool) -> None:
        module, _, name = dotted.partition(".")
        numpy = module == "np"
        functions = tables.NUMPY_FUNCTIONS if numpy else tables.MATH_FUNCTIONS
        values = tables.NUMPY_CONSTANTS | tables.NUMPY_TYPES if numpy else tables.MATH_CONSTANTS
        if name in (functions | tables.NUMPY_TYPES if called and numpy else functions if called else values):
            return
        if name in functions:
            refuse(node, "attribute", f"`{dotted}` must be called where it is named: `{dotted}(x)`")
        parts = dotted.split(".")
        what = f"`{dotted}`" if all(is_name(part) for part in parts) and len(dotted) < 60 else "this name"
        known = advice.NUMPY.get(parts[1]) if numpy else None
        if not numpy and name in tables.NUMPY_FUNCTIONS:
            known = f"write np.{name}(x)"
        near = "" if known else hint(name, functions | values)
        tail = f".{near}" if near else f"; {known or advice.OTHERWISE}"
        refuse(node, "attribute", f"{what} is not part of the reward language{tail}")

    @staticmethod
    def _dotted(node: ast.expr) -> str:
        """`np.linalg.norm` for such a chain, empty where the base is not a name."""
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""

    def visit_Call(self, node: ast.Call) -> None:
        """Calls of known functions and allowed methods, without unpacking and without `out=`."""
        for argument in node.keywords:
            if argument.arg is None:
                refuse(argument.value, "call", "`**` in a call is not allowed; name every argument")
            if argument.arg == "out":
                refuse(node, "call", "`out=` is not allowed; assign the result")
            self._check_name(argument, argument.arg)
        if isinstance(node.func, ast.Attribute):
            if self._check_method(node, node.func):
                return
        elif isinstance(node.func, ast.Name):
            self.visit(node.func)
        else:
            refuse(node, "call", "give the function a name before you call it")
        for child in [*node.args, *node.keywords]:
            self.visit(child)

    def _check_method(self, node: ast.Call, function: ast.Attribute) -> bool:
        """True where the arguments need no further look."""
        dotted = self._dotted(function)
        root = dotted.split(".")[0] if dotted else ""
        if root in ("np", "math"):
            self._check_library(function, dotted, called=True)
            if root == "np":
                check_arguments(node, dotted.removeprefix("np."), method=False)
        elif root == "memory" and self.is_reward:
            first = node.args[0] if node.args else None
            if dotted != "memory.get" or len(node.args) != 2 or node.keywords or not isinstance(first, ast.Constant):
                refuse(
                    node, "memory", 'write `memory.get("name", default)`: a literal name, and what a new episode has'
                )
            self._memory_name(node, first.value)
            self.visit(node.args[1])
            return True
        elif root in _MAPPINGS and self.is_reward:
            refuse(node, "field", f'every field is there in every step: write `{root}["field"]`')
        else:
            self.visit(function.value)
            if function.attr not in tables.METHODS:
                self._refuse_attribute(function)
            check_arguments(node, function.attr, method=True)
        return False

    # --- functions and literals

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Helpers inside functions."""
        self._check_name(node, node.name)
        if node.name in tables.RESERVED:
            refuse(node, "name", f"`{node.name}` has a meaning of its own; choose another name")
        if node.decorator_list:
            refuse(
                node.decorator_list[0], "construct", "decorators are not part of the reward language; call the function"
            )
        if getattr(node, "type_params", None):
            refuse(node, "construct", "type parameters are not part of the reward language; leave them out")
        self.visit(node.args)
        self.visit_body(node.body)

    def visit_body(self, body: list[ast.stmt]) -> None:
        """Statements of a function; a docstring at the start may say anything."""
        for number, statement in enumerate(body):
            if not (number == 0 and is_docstring(statement)):
                self.visit(statement)

    def visit_arguments(self, node: ast.arguments) -> None:
        """Plain parameters with constant defaults."""
        for extra in (node.vararg, node.kwarg):
            if extra is not None:
                refuse(extra, "construct", "`*args` and `**kwargs` are not allowed; name every parameter")
        if node.posonlyargs:
            refuse(node.posonlyargs[0], "construct", "`/` in parameters is not allowed; leave it out")
        for argument in [*node.args, *node.kwonlyargs]:
            self._check_name(argument, argument.arg)
            if argument.arg in tables.RESERVED:
                instead = "give the helper the arrays it needs, under another name"
                refuse(argument, "name", f"a helper cannot have a parameter `{argument.arg}`; {instead}")
        for default in filter(None, [*node.defaults, *node.kw_defaults]):
            if any(isinstance(part, _NO_CONSTANT) for part in ast.walk(default)):
                refuse(default, "construct", "defaults are constants: numbers, strings, None or tuples of them")
            self.visit(default)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Numbers that are finite, and short plain strings."""
        value = node.value
        if isinstance(value, bytes | complex):
            refuse(node, "literal", "bytes and complex numbers are not part of the reward language; write a float")
        if isinstance(value, float) and not math.isfinite(value):
            refuse(node, "literal", "this number is too large; write np.inf where infinity is meant")
        if isinstance(value, int) and abs(value) > 2**53:
            refuse(node, "literal", "integers go up to 2**53; write a float")
        if isinstance(value, str) and not (len(value) <= tables.MAX_STRING and value.isascii() and value.isprintable()):
            refuse(node, "literal", f"strings are plain ASCII of at most {tables.MAX_STRING} characters")

    def visit_FormattedValue(self, node: ast.FormattedValue) -> None:
        """f-strings name terms, so they need no formats."""
        if node.format_spec is not None or node.conversion != -1:
            refuse(node, "literal", "formats in f-strings are not allowed; write {name} alone")
        self.visit(node.value)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        """Arithmetic; `%` on a string is formatting, which needs nothing but memory."""
        if isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
            refuse(node, "literal", 'string formatting with % is not allowed; write f"{name}"')
        self.generic_visit(node)
