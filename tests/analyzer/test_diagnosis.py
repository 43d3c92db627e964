from __future__ import annotations

from collections.abc import Sequence

from autoreward.analyzer.diagnosis import diagnose
from autoreward.designer.contract import Finding
from autoreward.engine.worker import failed_result
from autoreward.errors import MACHINE, MachineFailed, TrainingFailed
from autoreward.task import EnvSpec, SuccessRule, Task
from autoreward.training.contract import Evaluation, TermStatistics, TrainingResult

TASK = Task(
    name="t", text="Reach it.", env=EnvSpec(id="X-v0", step_limit=100), success=SuccessRule(expression="distance < 1")
)


def _evaluation(success: float, score: float = 0.0, length: float = 100.0) -> Evaluation:
    return Evaluation(step=0, episodes=20, success_rate=success, score=score, length=length)


def _term(share: float = 0.5, **changes: object) -> TermStatistics:
    base = TermStatistics(
        curve=(0.0, 1.0),
        mean=1.0,
        std=1.0,
        share=share,
        success_correlation=None,
        score_correlation=None,
        constant=False,
    )
    return base.model_copy(update=changes)


def _result(
    course: Sequence[float],
    own: Sequence[float] = (0.0,) * 5,
    terms: dict[str, TermStatistics] | None = None,
    **kw: float,
) -> TrainingResult:
    evaluations = tuple(_evaluation(success, **kw) for success in course)
    return TrainingResult(
        hash="h",
        steps=1000,
        status="ok",
        evaluations=evaluations,
        final=evaluations[-1],
        own_return=tuple(own),
        train_success=tuple(course),
        terms=terms or {},
    )


def _labels(findings: Sequence[Finding]) -> set[tuple[str, str | None]]:
    return {(finding.diagnosis, finding.term) for finding in findings}


def test_a_solved_task_is_said_to_be_solved_and_its_terms_are_left_alone() -> None:
    terms = {"cost": _term(0.9, success_correlation=-0.8), "near": _term(0.1)}
    assert _labels(diagnose(TASK, [_result([0.2, 0.9, 1.0], terms=terms)] * 2)) == {("solved", None)}


def test_success_that_was_never_seen() -> None:
    findings = diagnose(TASK, [_result([0.0] * 5)] * 2)
    assert _labels(findings) == {("never_succeeds", None)}
    assert findings[0].evidence["best_seen"] == 0.0
    assert findings[0].suggestion


def test_own_return_that_rises_without_success_is_misaligned() -> None:
    assert ("misaligned", None) in _labels(diagnose(TASK, [_result([0.0] * 5, own=range(5))]))
    assert ("misaligned", None) not in _labels(diagnose(TASK, [_result([0.0, 0.1, 0.2, 0.3, 0.4], own=range(5))]))


def test_success_that_was_reached_and_lost_is_unstable() -> None:
    assert ("unstable", None) in _labels(diagnose(TASK, [_result([0.1, 0.8, 0.9, 0.5, 0.1])]))


def test_episodes_that_end_early_in_failure() -> None:
    findings = diagnose(TASK, [_result([0.0] * 3, length=20.0)])
    assert ("early_death", None) in _labels(findings)
    assert ("early_death", None) not in _labels(diagnose(TASK, [_result([0.9] * 3, length=20.0)]))


def test_terms_are_named_for_what_is_wrong_with_them() -> None:
    terms = {
        "still": _term(0.0, constant=True, mean=0.0, std=0.0),
        "alive": _term(0.1, constant=True, mean=50.0, std=12.0),
        "away": _term(0.1, success_correlation=-0.6),
        "flood": _term(0.85, success_correlation=0.0),
    }
    findings = [*diagnose(TASK, [_result([0.1, 0.2, 0.2, 0.2], terms=terms)])]
    named = {finding.term: finding for finding in findings if finding.term}
    assert {term: finding.diagnosis for term, finding in named.items()} == {
        "still": "constant_term",
        "away": "wrong_sign",
        "flood": "flooding",
    }
    assert named["away"].evidence["success_correlation"] == -0.6
    assert "0.85" in str(named["flood"].evidence) and "85%" in named["flood"].text


def test_a_lone_term_cannot_flood() -> None:
    assert not diagnose(TASK, [_result([0.3] * 4, terms={"only": _term(1.0)})])


def test_success_that_still_rises() -> None:
    assert ("still_improving", None) in _labels(diagnose(TASK, [_result([0.0, 0.0, 0.1, 0.2, 0.4])]))


def test_failed_trainings_are_counted_and_the_others_read() -> None:
    failed = TrainingResult(hash="f", steps=1000, status="failed", error="the policy diverged")
    findings = diagnose(TASK, [failed, _result([1.0] * 3)])
    assert _labels(findings) == {("training_failed", None), ("solved", None)}
    assert "1 of 2" in findings[0].text and "diverged" in findings[0].text
    assert _labels(diagnose(TASK, [failed])) == {("training_failed", None)}


def test_a_fault_of_the_machine_leads_to_no_advice_whatever_a_program_says_of_its_own() -> None:
    machine = failed_result("m", 1000, MachineFailed("the worker was killed by SIGKILL"), 1.0)
    reward = failed_result("f", 1000, TrainingFailed(f"{MACHINE}so says the program"), 1.0)
    ours, theirs = diagnose(TASK, [reward, machine])
    assert "bounded" in ours.suggestion and "1 of 2" in ours.text
    assert "Change nothing in the reward" in theirs.suggestion
    assert f"gave no result: {MACHINE}the worker was killed" in theirs.text
