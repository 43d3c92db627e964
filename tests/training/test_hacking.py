"""Own return and the true aim that part ways: of arrays made for it, and of real trainings on a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from autoreward.task import SuccessRule
from autoreward.testing.trainer import CLIMB, line_task
from autoreward.training.batch import BatchTrainer
from autoreward.training.contract import Evaluation, Progress, RewardSpec, TrainingJob, TrainingResult
from autoreward.training.files import EPISODES, POLICY, TRAJECTORIES, result_name
from autoreward.training.hacking import agreement, due, hacked
from autoreward.training.sb3 import SB3Trainer

Array = NDArray[Any]
WHOLE, EACH = 10_000, 60
"""Steps of a training, and episodes of each of its tenths."""


def episodes(aim: list[float], paid: list[float], success: list[float] | None = None) -> dict[str, Array]:
    """Episodes with a term that pays for the aim, and one that pays for something else; means by tenth of the training.

    An episode varies by 1 in its aim.
    """
    random, tenths = np.random.default_rng(0), np.repeat(np.arange(10), EACH)
    score = np.asarray(aim)[tenths] + random.normal(size=len(tenths))
    other = np.asarray(paid)[tenths] + 0.3 * random.normal(size=len(tenths))
    return {
        "step": (np.arange(len(tenths)) + 1) * WHOLE // len(tenths),
        "length": np.full(len(tenths), 10),
        "own_return": score + other,
        "success": random.random(len(tenths)) < np.asarray(success or [0.0] * 10)[tenths],
        "score": score,
        "term.aim": score,
        "term.other": other,
    }


RISES = [float(tenth) for tenth in range(10)]
STAYS = [0.0] * 10
FALLS = [-0.5 * tenth for tenth in range(10)]


def evaluation(success: float) -> Evaluation:
    return Evaluation(step=0, episodes=20, success_rate=success, score=None, length=10)


def first(arrays: dict[str, Array]) -> int | None:
    """The first step with an alarm."""
    return next((now for now in due(WHOLE) if hacked(arrays, WHOLE, now)), None)


def test_an_aim_that_falls_while_own_return_rises_is_hacked_and_its_term_named() -> None:
    alarm = hacked(episodes(FALLS, [2 * each for each in RISES]), WHOLE, 5_000)
    assert alarm
    assert (alarm.kind, alarm.aim, alarm.term, alarm.step, alarm.since) == ("fell", "score", "other", 5_000, 1_000)
    assert alarm.own_return[1] > alarm.own_return[0] + 3 and alarm.score and alarm.score[1] < alarm.score[0] - 1
    assert alarm.correlation[0] and alarm.correlation[0] > 0.5, "it held under the first policy"
    assert alarm.both and alarm.both < 0.2 and alarm.without["other"] == 1.0 and alarm.without["aim"] < 0


def test_an_aim_that_follows_is_not() -> None:
    assert first(episodes(RISES, STAYS)) is None
    assert first(episodes(RISES, RISES)) is None
    assert first(episodes(STAYS, STAYS)) is None


def test_an_aim_that_does_not_follow_is_hacked_late_only() -> None:
    assert first(episodes(STAYS, RISES)) == 7_000
    assert hacked(episodes(STAYS, RISES), WHOLE, 7_000).kind == "flat"  # type: ignore[union-attr]


def test_what_never_went_with_the_aim_is_not_hacked() -> None:
    """A wrong sign is another fault."""
    arrays = episodes(FALLS, [2 * each for each in RISES])
    arrays["own_return"] = arrays["term.other"] - arrays["score"]
    assert first(arrays) is None


def test_success_that_is_lost_while_own_return_holds() -> None:
    reached = [0.0, 0.4, 0.9, 0.9, 0.3, 0.1, 0.0, 0.0, 0.0, 0.0]
    arrays = episodes(RISES, STAYS, reached)
    assert first(arrays) == 6_000
    fallen = episodes([*RISES[:4], *STAYS[4:]], STAYS, reached)
    assert first(fallen) is None, "with own return it is an unstable learner"


def test_one_tenth_alone_raises_no_alarm() -> None:
    dip = [0.0, 1.0, 2.0, 3.0, -4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    paid = [0.0, 0.0, 0.0, 0.0, 12.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert first(episodes(dip, paid)) is None


def test_too_few_episodes_raise_none() -> None:
    arrays = episodes(FALLS, [2 * each for each in RISES])
    few = {name: values[::12] for name, values in arrays.items()}
    assert first(arrays) is not None and first(few) is None
    assert first({name: values[:0] for name, values in arrays.items()}) is None


def test_evaluations_that_succeed_speak_against_it_and_are_not_asked_in_vain() -> None:
    arrays = episodes(FALLS, [2 * each for each in RISES])
    assert hacked(arrays, WHOLE, 5_000, lambda: [evaluation(0.0)])
    assert hacked(arrays, WHOLE, 5_000, lambda: [evaluation(0.0), evaluation(0.6)]) is None

    def asked() -> list[Evaluation]:
        raise AssertionError("evaluations take time")

    assert hacked(episodes(RISES, STAYS), WHOLE, 5_000, asked) is None


def test_without_a_score_success_tells() -> None:
    arrays = episodes(FALLS, [2 * each for each in RISES], [0.4] * 2 + [0.0] * 8)
    arrays["own_return"] = arrays["own_return"] + 3.0 * arrays["success"]
    arrays["score"] = np.full(len(arrays["score"]), np.nan)
    alarm = hacked(arrays, WHOLE, 5_000)
    assert alarm and alarm.aim == "success" and alarm.score is None


def test_no_single_term_where_two_are_collected() -> None:
    arrays = episodes([2 * each for each in FALLS], [3 * each for each in RISES])
    arrays["term.more"] = arrays["term.other"]
    arrays["own_return"] = arrays["own_return"] + arrays["term.more"]
    alarm = hacked(arrays, WHOLE, 5_000)
    assert alarm and alarm.term is None and len(alarm.without) == 3


def test_where_the_return_is_no_sum_of_terms_only_what_was_recorded_without_each_tells() -> None:
    """As in the grammar `signs`."""
    arrays = episodes(FALLS, [2 * each for each in RISES])
    arrays["term.other"] = arrays["term.other"] * 7.0
    alarm = hacked(arrays, WHOLE, 5_000)
    assert alarm and alarm.term is None and alarm.without == {}
    arrays |= {"without.aim": arrays["own_return"], "without.other": arrays["score"]}
    alarm = hacked(arrays, WHOLE, 5_000)
    assert alarm and alarm.term == "other" and alarm.without["other"] == 1.0


def test_agreement_is_of_ranks() -> None:
    up = np.arange(5.0)
    assert agreement(np.exp(up), up) == 1.0 and agreement(-up, up) == -1.0
    assert agreement(up, np.array([0.0, 0.0, 0.0, 1.0, 1.0])) == 1.0, "pairs that are equal in the aim do not count"
    assert agreement(up, np.ones(5)) is None and agreement(np.ones(5), up) is None


# Real trainings ---------------------------------------------------------------------------------------------------

HOVERS = """\
WEIGHTS = {"climb": 1.0, "hover": 2.0}

def compute_reward(state, action, next_state, memory):
    here, before = next_state["position"], state["position"]
    return {"climb": here - before, "hover": -np.abs(here - 0.5)}
"""
"""Random actions come above 2 now and then; hovering below it pays more, and is learnt."""
STEPS = 5_000


def job(source: str = HOVERS, stop: bool = True) -> TrainingJob:
    task = line_task(steps=STEPS, success=SuccessRule(expression="position > 2"))
    spec = RewardSpec(kind="program", source=source)
    return TrainingJob(task=task, reward=spec, seed=9, episodes=8, stop_when_hacked=stop)


def quiet(progress: Progress) -> None:
    """Nothing is shown."""


def test_what_is_stopped_has_another_name_and_all_else_the_one_it_had() -> None:
    usual, old = job(stop=False), job(stop=False).model_dump(exclude={"stop_when_hacked"})
    assert TrainingJob.model_validate(old).hash == usual.hash != job().hash


def test_results_of_before_read() -> None:
    old = TrainingResult(hash="0", steps=10, status="ok").model_dump(exclude={"stopped"})
    assert TrainingResult.model_validate(old).trained == 10


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainingResult]:
    folder = tmp_path_factory.mktemp("stopped")
    return folder, BatchTrainer().train(job(), STEPS, folder, quiet)


def test_a_training_that_hacks_is_stopped_and_its_term_named(stopped: tuple[Path, TrainingResult]) -> None:
    folder, result = stopped
    alarm = result.stopped
    assert alarm and alarm.kind == "lost" and alarm.term == "hover" and STEPS / 3 < alarm.step < STEPS
    assert (result.status, result.steps, result.trained) == ("ok", STEPS, alarm.step)
    assert result.points[-1] == result.evaluations[-1].step == alarm.step
    assert result.final and result.final.success_rate < 0.5 and result.final.episodes == 8
    assert (folder / POLICY).exists() and (folder / TRAJECTORIES).exists()


def test_it_stays_stopped_when_it_is_taken_up_again(stopped: tuple[Path, TrainingResult]) -> None:
    folder, result = stopped
    assert not (folder / result_name(STEPS)).exists(), "as if it had been killed before the worker wrote it"
    again = BatchTrainer().train(job(), STEPS, folder, quiet)
    assert (again.stopped, again.own_return, again.final) == (result.stopped, result.own_return, result.final)


def test_of_trainings_in_lockstep_one_is_stopped_and_the_other_goes_on(tmp_path: Path) -> None:
    jobs, folders = [job(), job(CLIMB)], [tmp_path / "hovers", tmp_path / "climbs"]
    for folder in folders:
        folder.mkdir()
    outcomes = dict(BatchTrainer().train_together(jobs, STEPS, folders, [quiet] * 2))
    hovers, climbs = outcomes[0], outcomes[1]
    assert isinstance(hovers, TrainingResult) and isinstance(climbs, TrainingResult)
    assert hovers.stopped and hovers.final and hovers.trained < STEPS
    assert climbs.stopped is None and climbs.trained == STEPS


def test_sb3_stops_too(tmp_path: Path) -> None:
    result = SB3Trainer().train(job(), STEPS, tmp_path, quiet)
    assert result.stopped and result.trained < STEPS
    assert result.final and result.evaluations[-1].step < STEPS


SIGNS = """\
def sparse(state, action, next_state, memory):
    return {"reach": 1.0 * (next_state["position"] > 2)}

def dense(state, action, next_state, memory):
    here, before = next_state["position"], state["position"]
    return {"climb": here - before, "near": 9.0 - 18.0 * (np.abs(here - 0.5) > 0.5)}
"""


def test_in_signs_the_return_without_each_term_is_recorded(tmp_path: Path) -> None:
    """`near` decides the sign of the dense terms alone, so that `climb` changes nothing."""
    signs = job(SIGNS).model_copy(update={"reward": RewardSpec(kind="program", source=SIGNS, grammar="signs")})
    BatchTrainer().train(signs, 512, tmp_path, quiet)
    with np.load(tmp_path / EPISODES) as file:
        arrays = dict(file)
    assert {name for name in arrays if name.startswith("without.")} == {
        "without.sparse.reach",
        "without.dense.climb",
        "without.dense.near",
    }
    assert (arrays["without.dense.climb"] == arrays["own_return"]).all()
    assert np.allclose(arrays["own_return"] - arrays["without.sparse.reach"], arrays["term.sparse.reach"])
    assert (arrays["without.dense.near"] != arrays["own_return"]).any()
    usual = signs.model_copy(update={"stop_when_hacked": False})
    (tmp_path / "usual").mkdir()
    BatchTrainer().train(usual, 512, tmp_path / "usual", quiet)
    with np.load(tmp_path / "usual" / EPISODES) as file:
        assert set(file.files) == {name for name in arrays if not name.startswith("without.")}


def test_a_good_reward_is_not_stopped(tmp_path: Path) -> None:
    result = BatchTrainer().train(job(CLIMB), STEPS, tmp_path, quiet)
    assert result.stopped is None and result.trained == STEPS
