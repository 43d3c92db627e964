"""Which orders of successes and failures pass, are warned of and are refused, and what is too little to say."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau

from autoreward.critic.checks import ordering
from autoreward.critic.checks.outcome import Outcome
from autoreward.critic.checks.trial import Trial
from autoreward.critic.stored import Stored, origin_of_program
from autoreward.records import write_bytes
from autoreward.training.statistics import npz_bytes
from tests.critic.checks.conftest import program

Make = Callable[[str], Trial]
LENGTH = 50
"""Of an episode of reacher, which nothing ends early."""
NEAR = program(near="-distance", effort="-0.01 * np.sum(action**2, axis=-1)")
FAR = program(far="distance")


def keep(store: Stored, kind: str, training: str, distances: Sequence[float], origin: str = "sparse") -> None:
    """A file of episodes that stay at these distances."""
    count = len(distances)
    shapes = {field.name: (count, LENGTH + 1, *field.shape) for field in store.schema.fields}
    arrays: dict[str, Any] = {f"field.{name}": np.zeros(shape, np.float32) for name, shape in shapes.items()}
    arrays["field.target_offset"][..., 0] = np.array(distances)[:, None]
    arrays |= {"length": np.full(count, LENGTH), "score": -np.array(distances)}
    arrays["action"] = np.zeros((count, LENGTH, *store.schema.action.shape), np.float32)
    write_bytes(store.folder / f"{kind}-{origin}-{training}.npz", npz_bytes(arrays))


@pytest.fixture
def store(trial_of: Make, tmp_path: Path) -> Stored:
    trial = trial_of(NEAR)
    assert trial.task is not None
    return Stored.of(tmp_path, trial.task, trial.schema)


@pytest.fixture
def full(store: Stored) -> Stored:
    """12 successes and 12 failures of 3 trainings each."""
    for number in range(3):
        near = 0.01 + 0.001 * number
        keep(store, "success", f"s{number}", [near, near + 0.002, near + 0.003, near + 0.004])
        keep(store, "failure", f"f{number}", [0.1, 0.15, 0.2, 0.25], origin="random")
    return store


def judged(trial_of: Make, source: str, store: Stored | None) -> Outcome:
    return ordering.check(replace(trial_of(source), stored=store))


def test_success_before_failure_passes(trial_of: Make, full: Stored) -> None:
    found = judged(trial_of, NEAR, full)
    assert found.verdict == "pass"
    assert found.tried == "12 successes of 1 reward and 12 failures of 1 reward"
    assert "in 100% of the pairs (100% undiscounted), and more than the best failure in 100%" in found.message
    assert "agree by 0.99 (Kendall's tau)" in found.message


def test_the_opposite_is_refused_and_shown(trial_of: Make, full: Stored) -> None:
    found = judged(trial_of, FAR, full)
    assert found.verdict == "fail"
    assert "in 0% of the pairs" in found.message and "the best failure is paid by `far`" in found.message
    failure, success = found.rows
    assert failure.where.startswith("failure: episode 3 of training f") and failure.where.endswith("50 steps")
    assert failure.values["far in all"] == failure.values["return"] == "12.5"
    assert failure.values["worth"] == "2.5", "what the limit cuts off goes on: 0.25 / (1 - gamma)"
    assert failure.values["score"] == "-0.25 cm"
    assert success.where.startswith("success: episode 0 of training s0 on sparse")


def test_of_few_trainings_it_is_a_warning_only(trial_of: Make, store: Stored) -> None:
    for number in range(2):
        keep(store, "success", f"s{number}", [0.01, 0.011, 0.012, 0.013])
        keep(store, "failure", f"f{number}", [0.1, 0.15, 0.2, 0.25], origin="random")
    found = judged(trial_of, FAR, store)
    assert (found.verdict, len(found.rows)) == ("warning", 2)


def test_a_mixed_order_is_refused_where_all_trainings_show_it(trial_of: Make, full: Stored) -> None:
    # Paid at a distance of between 0.012 and 0.18: most successes, and half of each training's failures.
    found = judged(trial_of, program(ring="np.where((distance > 0.012) & (distance < 0.18), 1.0, 0.0)"), full)
    assert found.verdict == "fail"


def test_a_failure_that_is_paid_more_than_success_is_refused(trial_of: Make, full: Stored) -> None:
    """Though nearly all pairs are in order: a learner goes where pay is highest."""
    for number in range(3):
        keep(full, "failure", f"far{number}", [0.21, 0.22, 0.23, 0.24])
    keep(full, "failure", "near", [0.05])
    source = program(near="-distance", trick="np.where((distance > 0.04) & (distance < 0.06), 1.0, 0.0)")
    found = judged(trial_of, source, full)
    assert found.verdict == "fail"
    assert "in 96% of the pairs" in found.message
    assert "more than the best failure in 0% of the successes" in found.message
    assert found.rows[0].where.startswith("failure: episode 0 of training near")


def test_a_constant_says_nothing_of_the_order(trial_of: Make, full: Stored) -> None:
    found = judged(trial_of, program(one="np.ones(len(distance))"), full)
    assert found.verdict == "fail" and "in 50% of the pairs (50% undiscounted)" in found.message


def test_memory_begins_anew_with_each_episode(trial_of: Make, full: Stored) -> None:
    body = 'count = memory.get("count", np.zeros(len(distance))) + 1.0; memory["count"] = count'
    found = judged(trial_of, program(body, count="count", near="-100.0 * distance"), full)
    assert found.verdict == "pass" and "in 100% of the pairs" in found.message


def test_what_is_no_number_there_is_a_warning(trial_of: Make, full: Stored) -> None:
    found = judged(trial_of, program(log="np.log(0.2 - distance)"), full)
    assert found.verdict == "warning" and "term `log` is NaN or infinite" in found.message


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ([], "no other reward's episodes of the task are kept in "),
        ([("failure", "f", 4, "random"), ("failure", "g", 4, "sparse")], "all 8 stored episodes fail"),
        ([("success", "s", 4, "random"), ("success", "t", 4, "sparse")], "all 8 stored episodes succeed"),
        ([("success", "s", 3, "random"), ("failure", "f", 4, "sparse")], "it takes 4 episodes of each kind"),
        ([("success", "s", 4, "sparse"), ("failure", "f", 4, "sparse")], "and of 2 rewards"),
        ([("success", "s", 4, "own"), ("failure", "f", 4, "sparse")], "all 4 stored episodes fail"),
    ],
)
def test_too_little_is_no_evidence(
    trial_of: Make, store: Stored, kept: list[tuple[str, str, int, str]], said: str
) -> None:
    for kind, training, count, origin in kept:
        keep(store, kind, training, [0.1] * count, origin_of_program(FAR) if origin == "own" else origin)
    found = judged(trial_of, FAR, store)
    assert (found.verdict, said in found.message) == ("no evidence", True), found.message
    assert "`autoreward train FILE --env reacher --baselines`" in found.message


def test_without_task_or_store_there_is_no_evidence(trial_of: Make, full: Stored) -> None:
    assert judged(trial_of, NEAR, None).verdict == "no evidence"
    assert ordering.check(replace(trial_of(NEAR), stored=full, task=None)).verdict == "no evidence"


def test_shorter_episodes_end_and_longer_ones_go_on(trial_of: Make, full: Stored) -> None:
    trial = trial_of(program(one="np.ones(len(distance))"))
    assert trial.task is not None
    long = full.episodes(["target_offset"], "")[:2]
    short = replace(long[0], action=long[0].action[:3], fields={"target_offset": long[0].fields["target_offset"][:4]})
    found = ordering.ranked(trial, trial.task, [short, long[1]])
    gamma = trial.task.trainer.gamma
    assert found.paid.worth == pytest.approx([(1 - gamma**3) / (1 - gamma), 1 / (1 - gamma)], rel=1e-5)
    assert found.returns == pytest.approx([3.0, 50.0])
    steps = ordering.chunk([short, long[1]], trial.task, LENGTH)
    assert steps.counts.sum(axis=0).tolist() == [3, 50] and steps.ended.tolist() == [True, False]


def test_kendalls_tau_is_scipys() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        first, second = rng.integers(5, size=(2, 12)).astype(float)
        assert ordering.kendall(first, second) == pytest.approx(kendalltau(first, second).statistic)
    assert ordering.kendall(np.ones(4), np.arange(4.0)) is None
