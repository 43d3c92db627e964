"""What can be read out of a reply: a reward program, or a typed JSON object. Nothing is executed."""

from __future__ import annotations

import io
import json
import re
import tokenize
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from autoreward.errors import RewardRefused
from autoreward.language.program import FUNCTIONS, Grammar
from autoreward.language.static import without_comments

MAX_REPLY = 200_000
MAX_FAILURES = 200
"""Characters of a reply that are looked at."""

_FENCE = re.compile(r"^[ \t]*(?P<marks>`{3,}|~{3,})[ \t]*(?P<language>[^\s`]*)[^`]*$")
_TOP = re.compile(r"^(IDEA|WEIGHTS|import|from|def|[A-Z_]+ *=)\b", re.MULTILINE)
ModelT = TypeVar("ModelT", bound=BaseModel)


def blocks(text: str) -> list[tuple[str, str]]:
    """Fenced blocks as (language, content), in order; one that is never closed lasts to the end."""
    found: list[tuple[str, str]] = []
    marks, language, lines = "", "", [""]
    for line in text[:MAX_REPLY].splitlines():
        fence = _FENCE.match(line)
        if not marks and fence:
            marks, language, lines = fence["marks"], fence["language"].lower(), []
        elif marks and fence and fence["marks"].startswith(marks) and not fence["language"]:
            found.append((language, "\n".join(lines) + "\n"))
            marks = ""
        elif marks:
            lines.append(line)
    if marks and lines:
        found.append((language, "\n".join(lines) + "\n"))
    return found


def program_in(text: str, grammar: Grammar) -> str:
    """The reward program of a reply: the last block that defines the grammar's functions.

    Where no block does, the last Python block; without any block the text from its first statement on, where it
    defines a function of the grammar; else nothing, which the Critic then refuses with the reason.
    """
    found = [content for language, content in blocks(text) if language in ("python", "py", "python3", "")]
    if found:
        return max(enumerate(found), key=lambda entry: (_defined(entry[1], grammar), entry[0]))[1]
    if _defined(text, grammar) and (start := _TOP.search(text)):
        return text[start.start() : MAX_REPLY].rstrip() + "\n"
    return ""


def _defined(text: str, grammar: Grammar) -> int:
    return sum(bool(re.search(rf"^def {name}\s*\(", text, re.MULTILINE)) for name in FUNCTIONS[grammar])


def read_object(text: str, model: type[ModelT]) -> ModelT | None:
    """The last JSON object of a reply, fenced or bare, that is such a record; None where there is none."""
    fenced = [content for language, content in blocks(text) if language in ("json", "")]
    for source in [*reversed(fenced), text[:MAX_REPLY]]:
        for data in reversed(_objects(source)):
            try:
                return model.model_validate(data)
            except ValidationError:
                continue
    return None


def _objects(text: str) -> list[dict[str, Any]]:
    """Every outermost JSON object in a text."""
    decoder, found, start, failures = json.JSONDecoder(), [], 0, 0
    while (start := text.find("{", start)) >= 0 and failures < MAX_FAILURES:
        try:
            data, start = decoder.raw_decode(text, start)
        except ValueError:
            start, failures = start + 1, failures + 1
            continue
        except RecursionError:
            break  # nobody answers in hundreds of levels
        found.append(data)
    return found


def what_runs(source: str) -> str:
    """A program as it is shown again: without comments, docstrings and annotations; empty where it does not parse.

    What an earlier reply wrote for readers would be read as advice, or as orders, by the next.
    """
    try:
        return without_comments(source)
    except RewardRefused:
        return ""


def same_lines(source: str) -> str:
    """A program without comments and docstrings in which every line keeps its number, for messages that name lines.

    Text that is no Python stays as it is.
    """
    lines = source[:MAX_REPLY].splitlines()
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO("\n".join(lines) + "\n").readline))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return "\n".join(lines)
    before = tokenize.NEWLINE
    for token in tokens:
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
    return "\n".join(lines)
