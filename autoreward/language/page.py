"""What users and language models are told of the reward language, made from the tables that the checks use.

`rules` is the part that the Designer's prompt holds; `page` is the whole of it, docs/reward-language.md. To write that
file again: `python -m autoreward.language.page docs/reward-language.md`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from autoreward.language import advice, lexical, shape, tables
from autoreward.language.program import Grammar

ALIASES = frozenset(
    """
    absolute amax amin deg2rad degrees divide mod rad2deg radians swapaxes ravel add subtract multiply negative power
    equal not_equal less less_equal greater greater_equal
    """.split()  # noqa: SIM905 - words read better
)
"""Functions of `np` that an operator or a shorter name says as well; they are not named in prompts."""

_TERMS = """\
- `IDEA`: the design in one sentence, a string literal of at most {idea} characters.
- `WEIGHTS`: a literal dict with a number for each term.
- `compute_reward(state, action, next_state, memory)` returns a dict of named terms, each a float array [N], always \
the same names, at most {terms}. The reward of a step is the sum of weight x term. Return terms without their weights; \
`WEIGHTS` cannot be read by the code."""

_SIGNS = """\
- `IDEA`: the design in one sentence, a string literal of at most {idea} characters.
- `sparse(state, action, next_state, memory)` and `dense(state, action, next_state, memory)` each return a dict of \
named terms, each a float array [N], always the same names, at most {terms}. The reward of a step is sign(sum of the \
sparse terms) + 0.1 x sign(sum of the dense terms), so only the signs of the two sums count: inside a sum, terms \
outvote each other by size. Both functions return 0 where there is nothing to say. No WEIGHTS."""

_BOTH = """\
- `state["name"]`, `next_state["name"]`: a field before and after the step, float32 (flags bool, ids int64). Keys are \
string literals out of the field list; nothing else exists, and no field can be changed.
- `memory` lasts through an episode. `memory.get("name", default)` gives the stored array in rows whose episode has \
stored one, and `default` (an array [N, ...]) in rows that have just begun an episode. `memory["name"] = array` \
stores. One name keeps one shape and type{signs}.
- A row depends on its own row and its own memory alone: reduce over `axis=-1`, never over the N rows; no randomness, \
no row numbers.
- Every term is finite (guard divisions, logarithms and roots), at most {value} in absolute value. A term may be \
zero until the first success; the total may not be, since agents that have never succeeded learn from it.
- Helper functions and constants of literals may stand at the top level. Helpers are given arrays, never `state`, \
`next_state` or `memory`. `if` works on plain Python values only; for arrays write `np.where`, and \
join conditions by `&`, `|` and `~` with brackets around each. Parts of a field are slices such as `x[:, 2]`.
- Not in the language: imports beyond numpy and math, {missing}, names that begin with an underscore.
- Functions are called where they are named (`np.sqrt(x)`, never `f = np.sqrt`), without `out`; `np.maximum` and \
`np.minimum` take two arrays; element-wise functions have no `where`; a type is written out (`dtype=np.float32`).
- `np` has: {functions}; constants {constants}; types {types}. Builtins: {builtins}. Array methods such as \
`x.sum(axis=-1)`, `x.clip(a, b)`, `x.astype(np.float32)`."""

_MISSING = "While Try With ClassDef Raise Assert NamedExpr Set"


def rules(grammar: Grammar) -> str:
    """The rules in the fewest words that a language model needs, as a Markdown list."""
    numbers = {
        "idea": tables.MAX_IDEA,
        "terms": tables.MAX_TERMS,
        "value": f"{tables.MAX_TERM_VALUE:g}".replace("e+0", "e"),
    }
    text = (_TERMS if grammar == "terms" else _SIGNS) + "\n" + _BOTH
    return text.format(
        **numbers,
        signs=", and is written in one of the two functions only" if grammar == "signs" else "",
        missing=", ".join(dict.fromkeys(advice.NODES[kind][0] for kind in _MISSING.split()))
        + "s, unpacking with `*`, decorators, print",
        functions=_sorted(tables.NUMPY_FUNCTIONS - ALIASES),
        constants=_sorted(tables.NUMPY_CONSTANTS),
        types=_sorted(tables.NUMPY_TYPES),
        builtins=_sorted(tables.BUILTINS),
    )


EXAMPLE = """\
IDEA = "Each new best distance pays, staying near pays in each step, effort costs."
WEIGHTS = {"closer": 10.0, "near": 1.0, "effort": 0.01}
RADIUS = 0.05


def distance_of(tip, goal):
    return np.linalg.norm(tip - goal, axis=-1)


def compute_reward(state, action, next_state, memory):
    distance = distance_of(next_state["tip"], next_state["goal"])
    best = memory.get("best", distance_of(state["tip"], state["goal"]))
    memory["best"] = np.minimum(best, distance)
    return {
        "closer": np.maximum(best - distance, 0.0),
        "near": np.where(distance < RADIUS, 1.0, 0.0),
        "effort": -np.sum(np.square(action), axis=-1),
    }
"""

_HEAD = """\
<!-- Made by `python -m autoreward.language.page docs/reward-language.md` from the tables that the checks use. -->
# The reward language

A reward program is one file of plain Python on batched NumPy arrays. Every array has a leading dimension N, the \
environments that are stepped together. What is listed here exists for a program; nothing else does. The same rules \
hold for programs that a language model writes, that the composer builds and that you write yourself, and the \
Designer's prompt is made from the same text. `autoreward verify FILE` checks a file and says where, why, and what to \
write instead.

```python
{example}```
"""

_CHECKS = """\
## What a dry run checks

The program runs on recorded transitions, in a cell (`security.md`), before any training is paid for: it raises \
nothing and needs no more time and memory than a cell allows; its terms are finite, bounded, one number a row, and \
those of WEIGHTS, also where fields are zero or at the ends of their ranges; it gives the same again, and the same in \
a new process; a row keeps its value when the rows are shuffled, when a third of them is scored, and when it is \
alone; the total is not constant; a step of 64 rows takes at most 50 ms.

A fault is told as its type, its line and a fixed sentence. Comments, docstrings, strings and the texts of exceptions \
are never passed on to a language model.
"""


def page() -> str:
    """The documentation of the language, Markdown."""
    functions = tables.NUMPY_FUNCTIONS
    return "\n".join(
        [
            _HEAD.format(example=EXAMPLE),
            "## The grammar `terms`\n\n" + rules("terms") + "\n",
            "## The grammar `signs`\n\n" + _SIGNS.format(idea=tables.MAX_IDEA, terms=tables.MAX_TERMS),
            "- Everything else is as above; one name in memory is written in one of the two functions only.\n",
            "## Everything there is\n",
            _listed("Functions of `np`", functions),
            _listed("Constants of `np`", tables.NUMPY_CONSTANTS),
            _listed("Types, to call and as `dtype`", {f"np.{name}" for name in tables.NUMPY_TYPES} | {"float", "int"}),
            _listed("Functions of `math`, for single numbers", tables.MATH_FUNCTIONS),
            _listed("Constants of `math`", tables.MATH_CONSTANTS),
            _listed("Builtins", tables.BUILTINS),
            _listed("Methods of arrays, lists, dicts and strings", tables.METHODS),
            _listed("Properties of arrays", tables.PROPERTIES),
            "`import numpy as np`, `import math`, imports from `typing` and annotations may be written; they are "
            "dropped. Statements: assignments (also augmented and annotated), `if`, `for`, `break`, `continue`, "
            "`pass`, `return`, `def`. Expressions: arithmetic, comparisons, `and`/`or`/`not`, `a if c else b`, "
            "lambdas, comprehensions, generators, lists, tuples, dicts, slices, and f-strings without formats.\n",
            "## What to write instead\n",
            _table("Construct", {what: words for what, words in advice.NODES.values()}),
            _table("Name", _grouped(advice.NAMES)),
            _table("Below `np`", _grouped(advice.NUMPY)),
            _table("Attribute or method", _grouped(advice.ATTRIBUTES)),
            "## Limits\n",
            *_limits(),
            _CHECKS,
        ]
    )


def _sorted(names: Iterable[str]) -> str:
    return " ".join(sorted(names))


def _listed(what: str, names: Iterable[str]) -> str:
    return f"**{what}**: {' '.join(f'`{name}`' for name in sorted(names))}\n"


def _grouped(words: Mapping[str, str]) -> dict[str, str]:
    """Names that get the same advice on one line."""
    groups: dict[str, list[str]] = {}
    for name, text in words.items():
        groups.setdefault(text, []).append(name)
    return {" ".join(f"`{name}`" for name in names): text for text, names in groups.items()}


def _table(head: str, rows: Mapping[str, str]) -> str:
    lines = [f"| {head} | Write instead |", "| --- | --- |"]
    lines += [f"| {_cell(what)} | {_cell(words)} |" for what, words in rows.items()]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _limits() -> list[str]:
    return [
        f"- A file has at most {tables.MAX_SOURCE_BYTES // 1024} KiB of UTF-8, {shape.MAX_NODES:,} parts, "
        f"{lexical.MAX_OPERATORS} operators in a line, {lexical.MAX_BRACKETS} brackets and {lexical.MAX_INDENTS} "
        "indents within each other; no control or invisible characters; ASCII outside comments and docstrings.",
        f"- At most {shape.MAX_STATEMENTS} constants and functions; an f-string of at most {lexical.MAX_F_STRING:,} "
        "characters.",
        f"- Names have at most {tables.MAX_NAME} characters, strings {tables.MAX_STRING}; integers go up to 2**53.",
        f"- At most {tables.MAX_TERMS} terms of at most {tables.MAX_TERM_VALUE:,.0f} in absolute value.",
        "- Constants of the file cannot change: lists, dicts and arrays of the top level are frozen.\n",
    ]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page())
