"""A reply that is nothing but braces does not hold a run up."""

import pytest

from autoreward.critic.contract import Check
from autoreward.llm.reading import read_object


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["{" * 200_000, "{\n" * 100_000, "```json\n" + "{" * 150_000 + "\n```"])
def test_braces_without_end(text: str) -> None:
    assert read_object(text, Check) is None
