"""What can be read out of a reply: a reward program, or a typed JSON object. Nothing is executed."""

from __future__ import annotations

import ast
import contextlib
import io
import itertools
import json
import re
import tokenize
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from autoreward.errors import RewardRefused
from autoreward.language.lexical import parse
from autoreward.language.program import FUNCTIONS, Grammar
from autoreward.language.static import without_comments
from autoreward.llm.contract import encodable
from autoreward.llm.failures import one_line

MAX_REPLY = 200_000
"""Characters of a reply that are looked at."""
MAX_FAILURES = 200
"""Braces that open no object, after which no more are looked at."""

_FENCE = re.compile(r"^[ \t]*(?P<marks>`{3,}|~{3,})[ \t]*(?P<language>[^\s`]*)[^`]*$")
_TOP = re.compile(r"^(IDEA|WEIGHTS|import|from|def|[A-Z_]+ *=)\b", re.MULTILINE)
_NAMING = re.compile(r"[\w,.>+-]{0,40}", re.ASCII)
"""Strings that programs need: names, parts of names, subscripts of einsum. No spaces, so no sentence."""
ModelT = TypeVar("ModelT", bound=BaseModel)


def blocks(text: str) -> list[tuple[str, str]]:
    """Fenced blocks as (language, content), in order.

    One that is never closed lasts to the next line that opens a block of the same marks with a language, or to the end.
    """
    found: list[tuple[str, str]] = []
    marks, language, lines = "", "", [""]
    for line in text[:MAX_REPLY].splitlines():
        fence = _FENCE.match(line)
        if not marks and fence:
            marks, language, lines = fence["marks"], fence["language"].lower(), []
        elif marks and fence and fence["marks"].startswith(marks) and not fence["language"]:
            found.append((language, "\n".join(lines) + "\n"))
            marks = ""
        elif fence and fence["marks"] == marks:
            found.append((language, "\n".join(lines) + "\n"))
            language, lines = fence["language"].lower(), []
        elif marks:
            lines.append(line)
    if marks and lines:
        found.append((language, "\n".join(lines) + "\n"))
    return found


def program_in(text: str, grammar: Grammar) -> str:
    """The reward program of a reply: the last block that defines the grammar's functions.

    Where no block does, the text from its first statement to the next fence, where that defines one (a fence was
    forgotten); else the last Python block, in which the Critic then finds what is wrong; else nothing, which the Critic
    refuses too.
    """
    found = [content for language, content in blocks(text) if language in ("python", "py", "python3", "")]
    best = max(enumerate(found), key=lambda entry: (_defined(entry[1], grammar), entry[0]), default=(0, ""))[1]
    if not _defined(best, grammar) and _defined(bare := _unfenced(text[:MAX_REPLY]), grammar):
        return bare
    return best


def _unfenced(text: str) -> str:
    """Text from its first statement to the next fence."""
    start = _TOP.search(text)
    if start is None:
        return ""
    lines = itertools.takewhile(lambda line: not _FENCE.match(line), text[start.start() :].splitlines())
    return "\n".join(lines).rstrip() + "\n"


def _defined(text: str, grammar: Grammar) -> int:
    return sum(bool(re.search(rf"^def {name}\s*\(", text, re.MULTILINE)) for name in FUNCTIONS[grammar])


def read_object(text: str, model: type[ModelT]) -> ModelT | None:
    """The last JSON object of a reply, fenced or bare, that is such a record; None where there is none."""
    for data in _last_first(text):
        try:
            return model.model_validate(data)
        except ValidationError:
            continue
    return None


def object_fault(text: str, model: type[BaseModel]) -> str:
    """Why a reply holds no such record: field and fault of its last JSON object, at most three; never its own words."""
    for data in _last_first(text):
        try:
            model.model_validate(data)
        except ValidationError as error:
            faults = ((".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()[:3])
            return "; ".join(f"{field}: {message}" if field else message for field, message in faults)
    return "it holds no JSON object"


def _last_first(text: str) -> Iterator[dict[str, Any]]:
    fenced = [content for language, content in blocks(text) if language in ("json", "")]
    for source in [*reversed(fenced), text[:MAX_REPLY]]:
        yield from reversed(_objects(source))


def _objects(text: str) -> list[dict[str, Any]]:
    """Every outermost JSON object in a text."""
    decoder, found, start, failures = json.JSONDecoder(), [], 0, 0
    while (start := text.find("{", start)) >= 0 and failures < MAX_FAILURES:
        try:
            data, start = decoder.raw_decode(text, start)
            found.append(_encodable(data))
        except ValueError:
            start, failures = start + 1, failures + 1
            continue
        except RecursionError:
            break  # nobody answers in hundreds of levels
    return found


def _encodable(data: Any) -> Any:  # noqa: ANN401 - a part of a JSON object
    """The same, with texts that can be written: an escape in them may stand for half of a character."""
    if isinstance(data, list):
        return [_encodable(part) for part in data]
    if isinstance(data, dict):
        return {encodable(key): _encodable(value) for key, value in data.items()}
    return encodable(data)


def whole_sentences(text: str, limit: int) -> str:
    """Text on one line; where it is longer than `limit` characters, the sentences that fit, or a part of the first."""
    line = one_line(text, limit)
    end = max(line.rfind(mark) for mark in (". ", "? ", "! ")) if line.endswith("…") else -1
    return line if end < 0 else line[: end + 1]


def what_runs(source: str) -> str:
    """A program as it is shown to another prompt: what runs of it, without a word that it could say to a reader.

    Comments, docstrings, annotations and IDEA are left out, and so is every string that names nothing: what an
    earlier reply wrote for readers would be read as advice, or as orders, by the next.
    Identifiers stay, since findings speak of them; they have at most 40 ASCII letters and no spaces.

    Returns:
        Python; empty where the source does not parse.
    """
    try:
        tree = parse(without_comments(source))
    except RewardRefused:
        return ""
    return ast.unparse(ast.fix_missing_locations(_Wordless().visit(tree))) + "\n"


class _Wordless(ast.NodeTransformer):
    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        """IDEA is for people, and is told apart from the code."""
        if any(isinstance(target, ast.Name) and target.id == "IDEA" for target in node.targets):
            return None
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """A string by itself does nothing."""
        if isinstance(node.value, ast.Constant | ast.JoinedStr):
            return ast.copy_location(ast.Pass(), node)
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """A string that names something stays."""
        if isinstance(node.value, bytes):
            return ast.copy_location(ast.Constant(b"..."), node)
        if isinstance(node.value, str) and not _NAMING.fullmatch(node.value):
            return ast.copy_location(ast.Constant("..."), node)
        return node


def idea_in(source: str) -> str:
    """What a program says of itself in IDEA: its own words, to be shown between quotes; empty where there is none."""
    try:
        statements = parse(source).body
    except RewardRefused:
        return ""
    for statement in statements:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
            if "IDEA" in names and isinstance(statement.value.value, str):
                return statement.value.value
    return ""


def same_lines(source: str) -> str:
    """A program without comments and docstrings in which every line keeps its number, for messages that name lines.

    Where text is no Python, it stays as it is from there on, but for what follows a #.
    """
    lines = source[:MAX_REPLY].splitlines()
    before, read = tokenize.NEWLINE, 0
    for token in _tokens("\n".join(lines) + "\n"):
        (first, start), (last, end) = token.start, token.end
        docstring = token.type == tokenize.STRING and before in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
        if token.type == tokenize.COMMENT:
            lines[first - 1] = lines[first - 1][:start].rstrip()
        elif docstring and first == last:
            lines[first - 1] = lines[first - 1][:start] + '""' + lines[first - 1][end:]
        elif docstring:
            lines[first - 1] = lines[first - 1][:start] + '""'
            lines[first : last - 1] = [""] * (last - 1 - first)
            lines[last - 1] = lines[last - 1][end:].lstrip()
        if token.type not in (tokenize.COMMENT, tokenize.NL):
            before = token.type
        read = last
    lines[read:] = [line.partition("#")[0].rstrip() for line in lines[read:]]
    return "\n".join(lines)


def _tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    """The tokens of a text, as far as it is Python."""
    with contextlib.suppress(tokenize.TokenError, SyntaxError, ValueError):
        yield from tokenize.generate_tokens(io.StringIO(text).readline)
