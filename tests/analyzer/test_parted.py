"""What is told of a training that was stopped because it hacked its reward, and what the composer does about it."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from line_cases import recorded
from test_packet import MOST_TOKENS, packet, past

from autoreward.analyzer.causes.table import cause
from autoreward.analyzer.diagnosis import diagnose
from autoreward.analyzer.parted import parted
from autoreward.analyzer.recorded import Training
from autoreward.designer.composing.guide import guide
from autoreward.designer.composing.moves import Workshop, answer
from autoreward.designer.composing.source import Structure
from autoreward.designer.composing.terms import catalogue
from autoreward.schema import EnvSchema
from autoreward.store.records import CandidateAnalysis
from autoreward.task import Task
from autoreward.training.contract import HackingAlarm

ALARM = HackingAlarm(
    step=6_000,
    since=1_200,
    kind="fell",
    aim="score",
    own_return=(1.0, 8.0),
    success=(0.1, 0.0),
    score=(0.5, -3.0),
    correlation=(0.6, -0.2),
    both=-0.4,
    without={"up": 0.9, "down": -0.5},
    term="up",
)


def stopped(alarm: HackingAlarm = ALARM) -> tuple[Task, EnvSchema, Training]:
    task, schema, training = recorded("swing")
    return task, schema, replace(training, result=training.result.model_copy(update={"stopped": alarm}))


def test_the_label_is_exploit_with_the_figures_of_the_alarm() -> None:
    task, schema, training = stopped()
    label = cause(task, schema, [training])
    assert label and (label.diagnosis, label.term) == ("exploit", "up")
    assert label.text == (
        "stopped at step 6,000: since step 1,200 own return 1 -> 8, score 0.5 -> -3: it went with it at first, and "
        "fell; own return orders episodes as score does by -0.40, without up by 0.90"
    )
    assert label.evidence["without.up"] == 0.9 and label.evidence["score_now"] == -3.0
    analysis = CandidateAnalysis(label=label, findings=diagnose(task, [training.result]))
    assert [finding.text for finding in analysis.told].count(label.text) == 1, "inspect and the report say it once"


def test_one_seed_of_three_is_a_finding_and_no_label() -> None:
    task, schema, training = stopped()
    other = recorded("climb")[2]
    label = cause(task, schema, [other, training, other])
    assert label and "stopped" not in label.text
    findings = diagnose(task, [other.result, training.result, other.result])
    (finding,) = (one for one in findings if one.diagnosis == "exploit")
    assert "stopped at step 6,000 on 1 of 3 seeds" in finding.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"term": None},
            "no single term: own return orders episodes as score does by -0.40, without one by 0.90 at most",
        ),
        ({"term": None, "without": {}}, "which term it is, what was recorded does not tell"),
        ({"without": {}}, "up is its only term"),
        ({"kind": "lost", "aim": "success"}, "success 0.1 -> 0: it was reached and lost"),
        ({"kind": "flat", "score": (0.5, 0.5)}, "score 0.5 -> 0.5: it went with it at first, and does not follow"),
    ],
)
def test_it_says_what_is_known(changes: dict[str, object], words: str) -> None:
    _, _, training = stopped(ALARM.model_copy(update=changes))
    finding = parted([training.result])
    assert finding and words in finding.text


def test_the_packet_has_it_in_one_line() -> None:
    task, schema, training = stopped()
    label = cause(task, schema, [training])
    assert label
    update = {"label": label, "findings": diagnose(task, [training.result])}
    text = packet(task, schema, past("swing").model_copy(update=update))
    assert len(text) / 4 <= MOST_TOKENS
    assert text.count("without up by 0.90") == 1


def shop(task: Task, schema: EnvSchema) -> Workshop:
    known = catalogue(task, schema, "terms")
    return Workshop(task, known, guide(task, schema, known), Random(0), lambda term: 1.0, weightless=False)


def test_the_composer_drops_the_term_that_the_experiment_named() -> None:
    task, schema, _ = recorded("swing")
    workshop = shop(task, schema)
    one, two = list(workshop.catalogue.terms)[:2]
    named = ALARM.model_copy(update={"term": one, "without": {one: 0.9, two: -0.5}})
    finding = parted([stopped(named)[2].result])
    move = answer(finding, Structure(((one, 1.0), (two, 1.0))), workshop) if finding else None
    assert move and move[0].names == (two,) and move[1] == f"drop {one}"
