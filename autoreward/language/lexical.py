"""From text to a syntax tree, safely: no text makes this crash, hang or recurse without bound.

Covered: size, encoding, control and bidirectional characters, NUL, tabs of nesting, long operator chains, deep trees.
Not covered: what the program means; that is `rules`.
"""

from __future__ import annotations

import ast
import io
import keyword
import re
import threading
import tokenize
import unicodedata
import warnings

from autoreward.errors import RewardRefused
from autoreward.language.shape import check_shape
from autoreward.language.tables import MAX_SOURCE_BYTES

MAX_BRACKETS = 40
MAX_INDENTS = 12
MAX_OPERATORS = 400
"""Operators and keywords of one logical line."""
MAX_F_STRING = 1000
"""Characters of one f-string, whose expressions Python 3.11 looks for in the whole of it, each again."""

_FILTERS = threading.Lock()
"""Filters of warnings are the process's: two threads that change and restore them could leave one's changes."""
_COOKIE = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


def parse(source: str) -> ast.Module:
    """The syntax tree of a program.

    Raises:
        RewardRefused: the text is too large, has characters that hide something, or is no Python (rule `syntax`); or
            its tree breaks a rule of `shape`.
    """
    _check_characters(source)
    _check_tokens(source)
    try:
        with _FILTERS, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of doubtful escapes: they would show the program's text
            tree = ast.parse(source, "<reward>")
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise syntax_error(error) from None
    check_shape(tree)
    return tree


def _check_characters(source: str) -> None:
    try:
        size = len(source.encode("utf-8"))
    except UnicodeEncodeError:
        raise RewardRefused("the text is not valid UTF-8", "syntax") from None
    if size > MAX_SOURCE_BYTES:
        raise RewardRefused(f"the file has {size} bytes; at most {MAX_SOURCE_BYTES} are allowed", "syntax")
    if not source.strip():
        raise RewardRefused("the file is empty", "syntax")
    for number, line in enumerate(source.split("\n"), 1):
        if line.isascii() and line.isprintable():
            continue
        for column, character in enumerate(line.removesuffix("\r"), 1):
            if character != "\t" and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
                advice = "remove it; control and invisible characters are not allowed"
                raise RewardRefused(f"character U+{ord(character):04X}: {advice}", "syntax", number, column)
    for number, line in enumerate(source.split("\n")[:2], 1):
        cookie = _COOKIE.match(line)
        if cookie and cookie[1].lower().replace("_", "-") not in ("utf-8", "utf8"):
            raise RewardRefused("the file declares an encoding other than utf-8; remove that line", "syntax", number, 1)


def _check_tokens(source: str) -> None:
    """Bound nesting and chains before any recursive code sees the text, and keep names ASCII."""
    brackets = indents = operators = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            line, column = token.start[0], token.start[1] + 1
            if token.type == tokenize.NEWLINE:
                operators = 0
            elif token.type == tokenize.INDENT:
                indents += 1
            elif token.type == tokenize.DEDENT:
                indents -= 1
            elif token.type == tokenize.OP or (token.type == tokenize.NAME and keyword.iskeyword(token.string)):
                operators += 1
                brackets += (token.string in "([{") - (token.string in ")]}")
            elif token.type == tokenize.STRING and len(token.string) > MAX_F_STRING and "f" in token.string[:2].lower():
                advice = f"an f-string has at most {MAX_F_STRING} characters; write a shorter one"
                raise RewardRefused(advice, "syntax", line, column)
            elif token.type in (tokenize.NAME, tokenize.ERRORTOKEN) and not token.string.isascii():
                raise RewardRefused("names are written in ASCII letters", "syntax", line, column)
            elif token.type == tokenize.ERRORTOKEN:
                # At once: to look for the ends of 30,000 strings that have none, or from each of 10,000 spaces before
                # one, takes minutes.
                rest = token.line[token.start[1] :].lstrip()
                fault = "unterminated string literal" if rest[:1] in ("'", '"') else "invalid character"
                raise RewardRefused(f"syntax error: {fault}", "syntax", line, column)
            if brackets > MAX_BRACKETS or indents > MAX_INDENTS or operators > MAX_OPERATORS:
                advice = "too deeply nested or too long; split it into several statements"
                raise RewardRefused(advice, "syntax", line, column)
    except tokenize.TokenError:
        return  # a bracket or string is open at the end; all tokens were seen, and the parser's message is better
    except (SyntaxError, ValueError) as error:
        raise syntax_error(error) from None


def syntax_error(error: BaseException) -> RewardRefused:
    """The fault without the source's own text: Python's messages quote names only."""
    if isinstance(error, SyntaxError) and "integer string conversion" not in str(error.msg):
        message = re.sub(r"'[^']{41,}'", "'...'", error.msg or "invalid syntax")[:200]
        return RewardRefused(f"syntax error: {message}", "syntax", error.lineno, error.offset)
    return RewardRefused("syntax error: the file is too deeply nested, or has a number that is too long", "syntax")
