"""The label of a candidate: of recorded trainings with one fault each, and of rules that no small training shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from line_cases import CASES, recorded

from autoreward.analyzer.causes.case import Case
from autoreward.analyzer.causes.hidden import hidden_from_policy
from autoreward.analyzer.causes.table import cause
from autoreward.analyzer.hopeless import hopeless
from autoreward.analyzer.recorded import Training
from autoreward.designer.contract import Finding
from autoreward.schema import EnvSchema
from autoreward.training.contract import Evaluation, HackingAlarm

EXPECTED = {
    "climb": ("solved", None),
    "climb_briefly": ("budget_too_short", None),
    "sink": ("wrong_sign", "sink"),
    "far_bonus": ("never_fires", "far"),
    "alive": ("survival_farming", "alive"),
    "time": ("premature_death", None),
    "swing": ("exploit", "up"),
    "rest": ("reward_flooding", "rest"),
}


def found(name: str, **changes: Any) -> Finding:
    """The label of a case, with changes to its result."""
    task, schema, training = recorded(name)
    label = cause(task, schema, [changed(training, **changes)])
    assert label
    return label


def changed(training: Training, **changes: Any) -> Training:
    return replace(training, result=training.result.model_copy(update=changes))


def evaluation(success: float) -> Evaluation:
    return Evaluation(step=0, episodes=20, success_rate=success, score=None, length=10)


@pytest.mark.parametrize("name", CASES)
def test_each_fault_has_its_label(name: str) -> None:
    label = found(name)
    assert (label.diagnosis, label.term) == EXPECTED[name]
    assert label.text and label.suggestion and label.evidence


def test_the_evidence_of_a_death_names_what_most_died_of() -> None:
    assert "100% of the episodes fail after 5 of 40 steps, of fell; steps cost" in found("time").text


def test_success_that_was_lost_is_unstable_unless_the_return_went_on_rising() -> None:
    course = tuple(map(evaluation, (0.2, 0.9, 0.1)))
    lost = {"evaluations": course, "final": course[-1], "train_success": (0.2, 0.9, 0.5, 0.1)}
    fell = found("rest", **lost, own_return=(1.0, 5.0, 4.0, 1.0))
    held = found("rest", **lost, own_return=(1.0, 2.0, 4.0, 5.0))
    assert (fell.diagnosis, held.diagnosis) == ("unstable_learning", "exploit")
    assert "80%" in fell.text and "80%" in held.text


def test_a_term_that_drowns_the_others_is_to_pay_less_or_where_no_weight_counts_less_often() -> None:
    task, schema, training = recorded("rest")
    label = cause(task, schema, [training])
    assert label and label.suggestion == "Give rest a tenth of its weight."
    label = cause(task.model_copy(update={"grammar": "signs"}), schema, [training])
    assert label and label.diagnosis == "reward_flooding"
    assert "fewer steps" in label.suggestion and "weight" not in label.suggestion


def test_seeds_that_are_far_apart_are_unstable() -> None:
    task, schema, good = recorded("climb")
    bad = changed(good, final=evaluation(0.0), evaluations=())
    label = cause(task, schema, [good, bad])
    assert label and label.diagnosis == "unstable_learning" and "100%" in label.text


def test_pay_that_has_nothing_to_do_with_success_and_rest_elsewhere_is_a_wrong_frame() -> None:
    task, schema, training = recorded("rest")
    terms = {"rest": training.result.terms["rest"]}
    label = cause(task, schema, [changed(training, terms=terms)])
    assert label and (label.diagnosis, label.term) == ("wrong_frame", "rest")


def test_without_files_the_result_alone_tells() -> None:
    task, schema, training = recorded("swing")
    label = cause(task, schema, [Training(7, training.result)])
    assert label and label.diagnosis == "exploit"


def test_failed_trainings_have_no_label() -> None:
    task, schema, training = recorded("climb")
    assert cause(task, schema, [changed(training, status="failed", final=None)]) is None
    assert cause(task, schema, []) is None


# What the policy cannot see ---------------------------------------------------------------------------------------


def unseen(schema: EnvSchema, clock: bool = True) -> EnvSchema:
    """The same line, where the policy does not see the position."""
    fields = tuple(
        field.model_copy(update={"policy_sees": field.name != "position" and clock}) for field in schema.fields
    )
    return schema.model_copy(update={"fields": fields})


def test_what_the_policy_can_tell_from_what_it_sees_is_not_hidden() -> None:
    task, schema, training = recorded("sink")
    assert hidden_from_policy(Case(task, unseen(schema), (training,))) == {}, "how far it sank, the clock tells"
    assert hidden_from_policy(Case(task, schema, (training,))) == {}


def test_what_it_cannot_tell_is_named() -> None:
    task, schema, training = recorded("sink")
    random = np.random.default_rng(0).normal(size=training.final["field.position"].shape)
    training = replace(training, final={**training.final, "field.position": random})
    found = hidden_from_policy(Case(task, unseen(schema), (training,)))
    assert list(found) == ["position"] and found["position"] < 0.1


# Whether it is the reward -----------------------------------------------------------------------------------------


def test_where_all_rewards_fail_alike_it_is_not_the_reward() -> None:
    task, schema, sunk = recorded("sink")
    swung = recorded("swing")[2]
    verdict = hopeless(task, schema, [[sunk], [swung]], [sunk])
    assert verdict and verdict.diagnosis == "not_the_reward"
    assert "none of 2 designed rewards" in verdict.text


def test_where_one_reward_does_better_it_is_the_reward() -> None:
    task, schema, sunk = recorded("sink")
    climbed = recorded("climb")[2]
    assert hopeless(task, schema, [[sunk], [climbed]], [sunk]) is None
    assert hopeless(task, schema, [[sunk]], [climbed]) is None, "the one that was there reaches it"
    assert hopeless(task, schema, [[sunk]], []) is None, "nothing to compare with"


def test_where_a_reward_was_hacked_it_is_the_reward() -> None:
    task, schema, sunk = recorded("sink")
    alarm = HackingAlarm(
        step=2_000, since=400, kind="flat", aim="score", own_return=(1, 2), success=(0, 0), correlation=(0.5, 0.0)
    )
    hacked = changed(sunk, stopped=alarm)
    assert hopeless(task, schema, [[hacked]], [sunk]) is None
    verdict = hopeless(task, schema, [[hacked], [sunk]], [sunk])
    assert verdict and verdict.evidence["trainings"] == 2, "one that came to its end, and the one that was there"


def test_the_reason_is_that_steps_ran_out() -> None:
    task, schema, brief = recorded("climb_briefly")
    verdict = hopeless(task, schema, [[brief]], [brief])
    assert verdict and "2 of 2 trainings were still getting better" in verdict.text and "--steps" in verdict.suggestion
    assert "never reached" in verdict.text


def test_the_reason_is_an_unstable_learner() -> None:
    task, schema, sunk = recorded("sink")
    lost = changed(sunk, evaluations=tuple(map(evaluation, (0.5, 0.0))))
    verdict = hopeless(task, schema, [[lost]], [lost])
    assert verdict and "reached and lost in 2 of 2 trainings" in verdict.text
    assert "learning-rate" in verdict.suggestion and "never reached" not in verdict.text
