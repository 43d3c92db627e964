from __future__ import annotations

import pytest

from autoreward.designer.composer import Composer, RandomComposer
from autoreward.designer.registry import find_designer
from autoreward.errors import UnknownName, UserError


def test_designers_are_found_by_name_or_path() -> None:
    assert isinstance(find_designer("composer"), Composer)
    assert isinstance(find_designer("autoreward.designer.composer:RandomComposer"), RandomComposer)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("compser", "composer"),
        ("llm", "OPENAI_API_KEY"),
        ("no_such_module:Designer", "no_such_module"),
        ("autoreward.designer.composer:Nobody", "Nobody"),
        ("autoreward.errors:UserError", "propose"),
    ],
)
def test_what_is_wrong_with_a_name_is_said(name: str, told: str) -> None:
    with pytest.raises((UnknownName, UserError), match=told):
        find_designer(name)
