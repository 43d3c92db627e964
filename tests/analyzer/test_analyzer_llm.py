from __future__ import annotations

import json
from pathlib import Path

import pytest

from autoreward.analyzer.llm import MAX_FINDINGS, advise
from autoreward.designer.contract import Brief, Finding, PastCandidate
from autoreward.llm.scripted import ScriptedChat
from autoreward.prompts.render import Templates
from autoreward.schema import ActionSpec, EnvSchema, Field
from autoreward.task import EnvSpec, SuccessRule, Task
from autoreward.training.contract import TermStatistics

REPLIES = Path(__file__).parents[1] / "llm" / "replies"
BRIEF = Brief(
    task=Task(name="t", text="Stand.", env=EnvSpec(id="E-v0"), success=SuccessRule(expression="height > 1")),
    schema_=EnvSchema(
        env_id="E-v0",
        fields=(Field(name="height"),),
        action=ActionSpec(kind="discrete", choices=2),
        step_limit=100,
    ),
    grammar="signs",
    round=2,
    index=0,
    candidates=4,
)
TERM = TermStatistics(
    curve=(0.0,), mean=0.0, std=0.0, share=0.0, success_correlation=None, score_correlation=None, constant=True
)
PAST = PastCandidate(
    round=1,
    index=3,
    idea="Up.",
    source="x = 1\n",
    status="trained",
    success_rate=0.0,
    terms={"precise": TERM, "near": TERM},
    episodes="Worst: 7 steps, fell.",
)


def advised(reply: str) -> tuple[tuple[Finding, ...], ScriptedChat]:
    chat = ScriptedChat([reply, reply])  # the second is asked for where the first cannot be read
    return advise(chat, Templates(), BRIEF, PAST, attempt=0), chat


def test_recorded_findings_become_advice_about_terms_that_exist() -> None:
    findings, chat = advised((REPLIES / "reacher-analyzer.txt").read_text())
    assert [finding.term for finding in findings] == ["precise", "near", None]
    assert {(finding.diagnosis, finding.source) for finding in findings} == {("advice", "llm")}
    assert "raise the weight of precise" in findings[0].suggestion
    assert str(chat.asked[0][0]) == "analyzer-3-0"
    assert chat.asked[0][0].round == 1


def test_text_around_the_findings_does_no_harm() -> None:
    findings, _ = advised((REPLIES / "front_flip-analyzer.txt").read_text())
    assert len(findings) == 3


def test_it_is_told_the_episodes() -> None:
    _, chat = advised("")
    text = "\n".join(message.content for message in chat.asked[0][1])
    assert "Worst: 7 steps, fell." in text
    assert "never changed" in text


def test_many_findings_are_cut() -> None:
    findings, _ = advised(json.dumps({"findings": [{"text": f"seen {number}"} for number in range(9)]}))
    assert [finding.text for finding in findings] == [f"seen {number}" for number in range(MAX_FINDINGS)]


def test_long_findings_keep_whole_sentences() -> None:
    text = "It fell at step 3. " * 200
    (finding,), _ = advised(json.dumps({"findings": [{"text": text, "suggestion": text}]}))
    assert len(finding.text) > 900
    assert finding.text.endswith("at step 3.")
    assert finding.suggestion == finding.text


def test_unreadable_findings_are_asked_for_once_more() -> None:
    chat = ScriptedChat(["It fell.", '{"findings": [{"text": "It fell."}]}'])
    assert [finding.text for finding in advise(chat, Templates(), BRIEF, PAST, attempt=0)] == ["It fell."]
    assert [str(name) for name, _ in chat.asked] == ["analyzer-3-0", "analyzer-3-0-again"]
    assert chat.asked[1][1][:2] == chat.asked[0][1]


@pytest.mark.parametrize("reply", ["", "It fell.", '{"findings": "none"}', '{"findings": [{"text": 3}]}', '{"finding'])
def test_what_cannot_be_read_is_no_finding(reply: str) -> None:
    assert advised(reply)[0] == ()
