"""`--llm.effort small`: what a weak model is given to fill in."""

from __future__ import annotations

import re
from typing import Any

import pytest

from autoreward.config import LLMConfig, RunConfig
from autoreward.designer.contract import Brief
from autoreward.designer.llm import LLMDesigner
from autoreward.envs.registry import describe
from autoreward.errors import RewardRefused, UserError
from autoreward.language.static import check
from autoreward.language.tables import NUMPY_FUNCTIONS
from autoreward.llm.calls import estimate
from autoreward.llm.contract import Message
from autoreward.llm.reading import program_in
from autoreward.llm.scripted import ScriptedChat
from autoreward.prompts.render import BUILT_IN, Templates
from autoreward.task import load_task

FILLED = (
    ("far_before = FILL_IN", "far_before = np.linalg.norm(target_offset_before, axis=-1)"),
    ("far = FILL_IN", "far = np.linalg.norm(target_offset, axis=-1)"),
    ("np.where(FILL_IN, 1.0", "np.where(far < 0.03, 1.0"),
)


def prompt(name: str, effort: Any = "small") -> tuple[Message, ...]:
    task = load_task(name)
    brief = Brief(task=task, schema_=describe(task.env), grammar="terms", round=0, index=0, candidates=1)
    return LLMDesigner(ScriptedChat([]), Templates(), effort).prompt(brief)


def test_the_skeleton_holds_the_fields_of_the_success_rule_and_passes_once_it_is_filled_in() -> None:
    skeleton = program_in(prompt("reacher")[1].content, "terms")
    for place, words in FILLED:
        assert skeleton.count(place) == 1
        skeleton = skeleton.replace(place, words)
    program = check(skeleton, describe(load_task("reacher").env).names, "terms")
    assert list(program.weights) == ["closer", "success", "away", "effort"]
    assert program.uses_memory


@pytest.mark.parametrize("left", range(len(FILLED)))
def test_a_place_that_is_left_open_is_refused(left: int) -> None:
    skeleton = program_in(prompt("reacher")[1].content, "terms")
    for place, words in (*FILLED[:left], *FILLED[left + 1 :]):
        skeleton = skeleton.replace(place, words)
    with pytest.raises(RewardRefused, match="FILL_IN"):
        check(skeleton, describe(load_task("reacher").env).names, "terms")


def test_discrete_actions_have_no_effort() -> None:
    assert '"effort"' not in prompt("lunar_lander")[1].content


def test_it_asks_for_less() -> None:
    assert estimate(prompt("reacher")) < 0.75 * estimate(prompt("reacher", "full"))
    said = (BUILT_IN / "designer" / "small.md.j2").read_text()
    found = re.search(r"`np` has: ([\w. ]+);", said)
    assert found
    assert set(found[1].split()) - {"linalg.norm"} <= NUMPY_FUNCTIONS


def test_what_else_a_small_effort_means() -> None:
    small, full = RunConfig(llm=LLMConfig(effort="small")), RunConfig()
    assert (small.most_repairs, small.llm.reviews) == (5, False)
    assert (full.most_repairs, full.llm.reviews) == (3, True)
    asked = RunConfig(llm=LLMConfig(effort="small", review=True), repairs=1)
    assert (asked.most_repairs, asked.llm.reviews) == (1, True)
    signs = load_task("reacher").model_copy(update={"grammar": "signs"})
    assert (small.for_task(signs).grammar, full.for_task(signs).grammar) == ("terms", "signs")
    with pytest.raises(UserError, match="knows the grammar terms alone"):
        small.model_copy(update={"grammar": "signs"}).for_task(signs)
