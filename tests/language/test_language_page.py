"""The language's page is what the tables say, and what it shows is accepted."""

import re
from pathlib import Path

import pytest

from autoreward.language import advice, tables
from autoreward.language.page import EXAMPLE, page, rules
from autoreward.language.program import Grammar
from autoreward.language.static import check
from autoreward.testing.cell import SCHEMA

DOCS = Path(__file__).parents[2] / "docs" / "reward-language.md"


def test_the_page_in_the_docs_is_up_to_date() -> None:
    assert DOCS.read_text() == page(), "python -m autoreward.language.page docs/reward-language.md"


def test_the_page_names_all_that_there_is() -> None:
    named = set(re.findall(r"`([^`\n]+)`", page()))
    for names in (tables.NUMPY_FUNCTIONS, tables.MATH_FUNCTIONS, tables.BUILTINS, tables.METHODS, tables.PROPERTIES):
        assert names <= named


def test_its_example_is_a_reward_program() -> None:
    assert check(EXAMPLE, SCHEMA.names, "terms").uses_memory


@pytest.mark.parametrize("grammar", ["terms", "signs"])
def test_what_a_prompt_holds_is_short(grammar: Grammar) -> None:
    assert len(rules(grammar)) / 4 < 900
    assert ("WEIGHTS`: a literal" in rules(grammar)) == (grammar == "terms")


def test_advice_names_only_what_there_is() -> None:
    words = [*advice.NUMPY.values(), *advice.ATTRIBUTES.values(), *advice.NAMES.values(), advice.OTHERWISE]
    words += [text for _, text in advice.NODES.values()]
    named = {name for text in words for name in re.findall(r"\bnp\.((?:linalg\.)?[a-z]\w*)\b(?!\*)", text)}
    known = tables.NUMPY_FUNCTIONS | tables.NUMPY_TYPES | tables.NUMPY_CONSTANTS | {"linalg"}
    assert named <= known
    assert not {"random", "linalg"} & tables.NUMPY_FUNCTIONS
    functions_of_two = {"maximum", "minimum", "logical_and", "logical_or"}  # told what to write for three
    assert advice.NUMPY.keys() & tables.NUMPY_FUNCTIONS == functions_of_two
