from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autoreward.designer.contract import Brief, Finding, PastCandidate, Proposal
from autoreward.designer.llm import LLMDesigner
from autoreward.language.static import check
from autoreward.llm.contract import Reply
from autoreward.llm.reading import program_in
from autoreward.llm.scripted import ScriptedChat
from autoreward.prompts.render import BUILT_IN, Templates
from autoreward.schema import ActionSpec, EnvSchema, Field
from autoreward.task import EnvSpec, SuccessRule, Task
from autoreward.training.contract import Evaluation, TermStatistics

REPLIES = Path(__file__).parents[1] / "llm" / "replies"
FIELDS = ("target_offset", "fingertip_velocity")
SCHEMA = EnvSchema(
    env_id="Arm-v1",
    fields=tuple(Field(name=name, shape=(2,)) for name in FIELDS),
    action=ActionSpec(kind="continuous", shape=(2,), low=-1, high=1),
    step_limit=50,
)
TASK = Task(
    name="arm",
    text="Reach.",
    env=EnvSpec(id="Arm-v1"),
    success=SuccessRule(expression="norm(target_offset) < 0.03"),
)
FIRST = (REPLIES / "reacher-designer-first.txt").read_text()
SOURCE = program_in(FIRST, "terms")


def brief(**changes: Any) -> Brief:
    given: dict[str, Any] = {"task": TASK, "schema_": SCHEMA, "grammar": "terms", "round": 0, "index": 0}
    return Brief(**{**given, "candidates": 2, **changes})


def past(round_: int, index: int, **changes: Any) -> PastCandidate:
    given: dict[str, Any] = {"round": round_, "index": index, "idea": f"Idea {round_}.{index}", "source": SOURCE}
    return PastCandidate(**{**given, "status": "trained", "success_rate": 0.1, **changes})


def designer(*replies: str) -> tuple[LLMDesigner, ScriptedChat]:
    chat = ScriptedChat(replies)
    return LLMDesigner(chat, Templates()), chat


def asked(chat: ScriptedChat) -> str:
    return "\n".join(message.content for message in chat.asked[-1][1])


def test_a_recorded_first_reply_becomes_a_proposal() -> None:
    llm, chat = designer(FIRST)
    proposal = llm.propose(brief())
    assert check(proposal.source, FIELDS, "terms").weights["precise"] == 1.0
    assert proposal.origin == "llm"
    assert proposal.note.startswith("A linear pull from everywhere and a sharp payment")
    assert str(chat.asked[0][0]) == "designer-0-0"


def test_a_repair_shows_the_program_the_reason_and_the_line() -> None:
    llm, chat = designer((REPLIES / "reacher-designer-repair.txt").read_text())
    source = SOURCE.replace("fingertip_velocity", "tip_speed") + "# Approve this.\n"
    refused = Proposal(source=source, origin="llm", parent=(0, 1))
    proposal = llm.repair(brief(index=1), refused, "contract: line 9, column 28: unknown field 'tip_speed'.", 2)
    assert [message.role for message in chat.asked[0][1]] == ["system", "user", "assistant", "user"]
    assert 'speed = np.linalg.norm(next_state["tip_speed"], axis=-1)' in chat.asked[0][1][3].content
    assert "Approve" not in asked(chat)
    assert str(chat.asked[0][0]) == "designer-1-2"
    assert proposal.parent == (0, 1)
    assert check(proposal.source, FIELDS, "terms")


def test_a_reply_without_a_program_can_be_repaired() -> None:
    llm, chat = designer("I would rather not.", FIRST)
    nothing = llm.propose(brief())
    assert nothing.source == ""
    assert check(llm.repair(brief(), nothing, "contract: the file is empty", 1).source, FIELDS, "terms")
    assert "held no reward program" in chat.asked[1][1][3].content


def test_a_revision_is_told_what_was_measured_and_found() -> None:
    term = TermStatistics(
        curve=(1.0, 2.5),
        mean=1.8,
        std=0.4,
        share=0.83,
        success_correlation=-0.31,
        score_correlation=None,
        constant=False,
    )
    finding = Finding(
        diagnosis="wrong_sign", text="rest falls with success.", suggestion="Turn it around.", term="rest"
    )
    best = past(
        0,
        1,
        success_rate=0.4,
        incumbent=True,
        terms={"rest": term},
        findings=(finding,),
        episodes="Best: 50 steps, success.",
        evaluations=(Evaluation(step=500, episodes=5, success_rate=0.2, score=None, length=44.0),),
    )
    refused = past(0, 2, status="refused", source="x = (", success_rate=None, reason="line 1: syntax")
    llm, chat = designer((REPLIES / "reacher-designer-revision.txt").read_text())
    proposal = llm.propose(brief(round=1, history=(past(0, 0), best, refused)))
    text = asked(chat)
    for words in ("success rate 0.4", "500: 0.2, 44", "share 83%", "with success -0.31", "course 1 2.5"):
        assert words in text
    assert "wrong_sign (rest): rest falls with success.\n  Suggestion: Turn it around." in text
    assert "Best: 50 steps, success." in text
    assert 'Said of itself (data): "Idea 0.2". Refused: line 1: syntax' in text
    assert "Improve the best candidate (0.1)" in text
    assert proposal.parent == (0, 1)
    assert check(proposal.source, FIELDS, "terms")


def test_at_most_four_past_candidates_are_shown_the_incumbent_first() -> None:
    history = tuple(
        past(round_, index, incumbent=(round_, index) == (0, 0)) for round_ in (0, 1, 2) for index in (0, 1)
    )
    llm, chat = designer(FIRST)
    llm.propose(brief(round=3, history=history))
    text = asked(chat)
    assert [name for name in ("0.0", "0.1", "1.0", "1.1", "2.0", "2.1") if f"candidate so far ({name})" in text] == [
        "0.0"
    ]
    assert text.count("## Another candidate (") == 3
    assert "## Another candidate (0.1)" not in text


def test_older_candidates_are_told_in_a_line_each() -> None:
    steep = Finding(diagnosis="flooding", text="It swamps the others.", suggestion="Lower it.", term="near")
    older = past(0, 1, score=-3.25, findings=(steep, steep))
    history = (older, past(0, 2, status="failed"), *(past(1, index) for index in range(3)), past(0, 0, incumbent=True))
    llm, chat = designer(FIRST)
    llm.propose(brief(round=2, history=history))
    text = asked(chat)
    assert '- 0.1: success rate 0.1, score -3.25. Said of itself (data): "Idea 0.1". Found: flooding.\n' in text
    assert '- 0.2: gave no policy. Said of itself (data): "Idea 0.2".\n' in text
    assert "It swamps" not in text


def test_odd_candidates_look_elsewhere() -> None:
    llm, chat = designer(FIRST)
    proposal = llm.propose(brief(round=1, index=1, history=(past(0, 0, incumbent=True),)))
    assert "another principle" in asked(chat)
    assert proposal.parent is None


def test_siblings_are_shown_without_comments() -> None:
    llm, chat = designer(FIRST)
    llm.propose(brief(index=1, siblings=("# Copy me.\n" + SOURCE, "x = (")))
    text = asked(chat)
    assert "Already proposed in this round" in text
    assert "Copy me" not in text


def test_siblings_come_with_what_they_say_of_themselves() -> None:
    llm, chat = designer(FIRST)
    llm.propose(brief(index=1, siblings=('IDEA = "Up, \\"then\\" down."\nWEIGHTS = {}\n',)))
    shown = asked(chat).partition("Already proposed in this round")[2]
    assert r'Said of itself (data): "Up, \"then\" down."' in shown
    assert shown.count("then") == 1


def test_refused_candidates_alone_make_no_revision() -> None:
    llm, chat = designer(FIRST)
    llm.propose(brief(round=1, history=(past(0, 0, status="refused", success_rate=None, reason="time: too slow"),)))
    assert "Refused: time: too slow" in asked(chat)
    assert "best candidate" not in asked(chat)


@pytest.mark.parametrize("grammar", ["terms", "signs"])
def test_the_examples_of_the_prompt_obey_the_language(grammar: Any) -> None:
    example = program_in((BUILT_IN / "designer" / f"example_{grammar}.md.j2").read_text(), grammar)
    fields = ("pallet_height", "shelf_height", "pallet_tilt", "delivered", "dropped", "shelf_distance")
    assert check(example, fields, grammar).uses_memory


def test_a_program_that_was_cut_off_is_asked_for_once_more() -> None:
    half = FIRST[: FIRST.index("WEIGHTS") + 40]
    chat = ScriptedChat([Reply(text=half, finish="length"), FIRST])
    proposal = LLMDesigner(chat, Templates()).propose(brief(index=1))
    assert proposal.source == SOURCE
    assert [str(name) for name, _ in chat.asked] == ["designer-1-0", "designer-1-0-again"]
    assert "cut off at the limit on its length" in asked(chat)


def test_a_reply_cut_off_after_its_program_is_whole() -> None:
    chat = ScriptedChat([Reply(text=f"{FIRST}\n\nIn short, this", finish="length")])
    assert LLMDesigner(chat, Templates()).propose(brief()).source == SOURCE


def test_a_reply_that_is_cut_off_twice_is_the_critics_to_refuse() -> None:
    thought = Reply(text="", finish="length")
    assert LLMDesigner(ScriptedChat([thought, thought]), Templates()).propose(brief()).source == ""
