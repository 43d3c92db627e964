"""Verdicts as records: old ones still read, and each kind of result is told in its place."""

import json

import pytest
from pydantic import ValidationError

from autoreward.critic.contract import Check, Shown, Verdict


@pytest.mark.parametrize(("passed", "verdict"), [(True, "pass"), (False, "fail"), (None, "no evidence")])
def test_records_of_before_warnings_read(passed: bool | None, verdict: str) -> None:
    old = json.dumps({"name": "runs", "passed": passed, "message": "so", "line": 3, "seconds": 0.5})
    check = Check.model_validate_json(old)
    assert (check.verdict, check.passed, check.line, check.rows, check.tried) == (verdict, passed, 3, (), "")


def test_neither_old_nor_new_is_refused() -> None:
    for data in ({"name": "runs"}, {"name": "runs", "passed": "maybe"}, {"name": "runs", "verdict": "good"}):
        with pytest.raises(ValidationError):
            Check.model_validate(data)


def test_a_verdict_tells_failures_warnings_and_a_missing_review_apart() -> None:
    checks = (
        Check(name="runs", verdict="pass", message="fine"),
        Check(name="units", verdict="warning", message="m and rad", rows=(Shown(where="here", values={"x": "1 m"}),)),
        Check(name="idle", verdict="no evidence", message="no task"),
        Check(name="review", verdict="no evidence", message="nobody answered"),
    )
    verdict = Verdict(status="accepted", checks=checks)
    assert (verdict.reason, verdict.warnings) == ("", ("units: m and rad",))
    assert verdict.missing == "no review: nobody answered"
    assert [check.passed for check in checks] == [True, True, None, None]
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict
    failed = Verdict(status="invalid", checks=(*checks, Check(name="time", verdict="fail", message="slow")))
    assert failed.reason == "time: slow"


def test_a_review_is_given_what_is_suspected_and_what_was_played() -> None:
    rows = tuple(Shown(where=f"step {step}", values={"x": "1 m"}) for step in range(3))
    checks = (
        Check(name="runs", verdict="pass", message="fine", tried="1 step"),
        Check(name="units", verdict="warning", message="m and rad", rows=rows),
        Check(name="exploits", verdict="pass", message="without success at most 2 a step (idle)", tried="60 steps"),
    )
    assert Verdict(status="accepted", checks=checks).found == (
        "suspected, units: m and rad. Seen in step 0: x = 1 m. Seen in step 1: x = 1 m.",
        "played, exploits: without success at most 2 a step (idle).",
    )
    unplayed = Check(name="exploits", verdict="no evidence", message="fewer seconds were left")
    assert Verdict(status="accepted", checks=(unplayed,)).found == ()
