from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from autoreward.envs.registry import make_env
from autoreward.errors import TrainingFailed
from autoreward.task import EnvSpec, Measure, SuccessRule, TrainerSettings
from autoreward.testing.trainer import line_task
from autoreward.training.batch import BatchTrainer
from autoreward.training.contract import RewardSpec, TrainingJob
from autoreward.training.evaluation import Episodes, evaluate
from autoreward.training.evaluator import Request
from autoreward.training.evaluators import Evaluator
from autoreward.training.policy import Layer, Policy
from autoreward.training.seeds import derive


def steady(push: float) -> Policy:
    """A policy that always pushes the same."""
    weight, bias = np.zeros((1, 2), np.float32), np.full(1, push, np.float32)
    bound = np.ones(1, np.float32)
    return Policy((Layer(weight, bias),), np.zeros(2), np.ones(2), 10.0, "continuous", -bound, bound)


def test_measures_known_policies_in_a_process_of_its_own(tmp_path: Path) -> None:
    steady(1.0).save(tmp_path / "up")
    steady(-1.0).save(tmp_path / "down")
    heard = []
    evaluator = Evaluator(line_task(), episodes=5)
    try:
        evaluator.submit(Request(policy=tmp_path / "up", seeds=(1, 2, 3, 4, 5), step=100))
        evaluator.submit(Request(policy=tmp_path / "down", seeds=(1, 2, 3), step=200))
        up, down = evaluator.wait(lambda: heard.append(1))
        assert not evaluator.ready()
    finally:
        evaluator.close()
    assert (up.step, up.episodes, up.success_rate, up.length, up.outcomes) == (100, 5, 1.0, 10.0, {"fell": 0.0})
    assert up.score == pytest.approx(10.25, abs=0.25)
    assert (down.step, down.episodes, down.success_rate, down.length) == (200, 3, 0.0, 5.0)
    assert down.outcomes == {"fell": 1.0}
    assert len(heard) > 2


def test_a_task_that_ends_its_episodes_ends_them_here_too() -> None:
    task = line_task(success=SuccessRule(expression="position > 3", ends_episode=True))
    episodes = evaluate(make_env(task.env, 2), task, steady(1.0).act, [5, 6, 7])
    assert episodes.length.tolist() == [3, 3, 3]
    assert episodes.success.all()


def test_an_episode_depends_on_its_seed_and_not_on_its_neighbours() -> None:
    task = line_task()
    seeds = derive(3, "final", 7)

    def scores(width: int, order: list[int]) -> NDArray[np.float64]:
        episodes = evaluate(make_env(task.env, width), task, steady(0.3).act, order)
        assert episodes.score is not None
        return episodes.score

    together = scores(7, seeds)
    assert len(set(together.tolist())) == 7
    np.testing.assert_array_equal(scores(2, seeds), together)
    np.testing.assert_array_equal(scores(3, seeds[::-1]), together[::-1])


def test_recorded_episodes_hold_every_state_and_are_padded_with_the_last(tmp_path: Path) -> None:
    task = line_task()

    def act(obs: NDArray[np.float32], mask: NDArray[np.bool_] | None) -> NDArray[np.float32]:
        # The first environment of the two falls after 5 steps, the other climbs for 10.
        return np.array([[-1.0], [1.0]], np.float32)

    episodes = evaluate(make_env(task.env, 2), task, act, [11, 12], record=True)
    episodes.write(tmp_path / "trajectories.npz")
    with np.load(tmp_path / "trajectories.npz") as file:
        assert file["recorded"].tolist() == [0, 1]
        assert file["length"].tolist() == [5, 10]
        assert file["seed"].tolist() == [11, 12]
        assert file["outcome.fell"].tolist() == [True, False]
        position, clock, action = file["field.position"], file["field.clock"], file["action"]
    assert position.shape == (2, 11)
    assert action.shape == (2, 10, 1)
    assert clock[1].tolist() == list(range(11))
    assert clock[0].tolist() == [0, 1, 2, 3, 4, 5, 5, 5, 5, 5, 5]
    np.testing.assert_allclose(np.diff(position[1]), 1.0, atol=1e-5)
    np.testing.assert_allclose(np.diff(position[0, :6]), -1.0, atol=1e-5)


def test_the_best_the_worst_and_failed_episodes_are_chosen() -> None:
    success = np.array([True] * 20 + [False] * 10)
    score = np.arange(30.0)
    chosen = Episodes(np.ones(30, np.int64), success, score, {}, np.arange(30)).chosen()
    assert len(chosen) == 8
    assert {19, 0} <= set(chosen), "the best and the weakest success"
    assert {20, 29} <= set(chosen), "the worst failure and the nearest miss"
    alone = Episodes(np.ones(30, np.int64), ~success & False, score, {}, np.arange(30)).chosen()
    assert len(alone) == 8
    assert {0, 29} <= set(alone)


def test_uniform_actions_are_the_same_for_the_same_seeds() -> None:
    evaluator = Evaluator(line_task(), episodes=6)
    try:
        for first in (1, 1, 2):
            evaluator.submit(Request(policy=None, seeds=(first, 2, 3, 4, 5, 6), step=0))
        one, again, other = evaluator.wait()
    finally:
        evaluator.close()
    assert one == again
    assert one.score != other.score


WORLDS = EnvSpec(
    id="autoreward/Voxel-ApproachTree-v0",
    kwargs={"knobs": {"limit": 9}},
    evaluation={"knobs": {"limit": 3}},
    report={"knobs": {"limit": 5}},
)


def test_evaluations_and_the_report_have_worlds_of_their_own(tmp_path: Path) -> None:
    evaluator = Evaluator(line_task(env=WORLDS, success=SuccessRule(expression="False"), score=None, outcomes={}), 4)
    try:
        for use in ("evaluation", "report", "evaluation"):
            evaluator.submit(Request(policy=None, seeds=(1, 2, 3), step=0, use=use))
        lengths = [evaluation.length for evaluation in evaluator.wait()]
    finally:
        evaluator.close()
    assert lengths == [3.0, 5.0, 3.0]


@pytest.mark.parametrize(
    ("kind", "reported", "steps"), [("random", False, 3), ("random", True, 5), ("sparse", True, 5)]
)
def test_only_the_reports_final_evaluation_is_in_the_reports_worlds(
    kind: Literal["random", "sparse"], reported: bool, steps: int, tmp_path: Path
) -> None:
    """What can rank never is: neither the final evaluations of a search, nor those on the way."""
    settings = TrainerSettings(num_envs=4, rollout=8, minibatch=32, epochs=1, evaluations=2, evaluation_episodes=2)
    task = line_task(env=WORLDS, success=SuccessRule(expression="False"), score=None, outcomes={}, trainer=settings)
    job = TrainingJob(task=task, reward=RewardSpec(kind=kind), seed=1, episodes=2, reported=reported)
    result = BatchTrainer().train(job, 64, tmp_path, lambda progress: None)
    assert result.final is not None
    assert result.final.length == steps
    assert {evaluation.length for evaluation in result.evaluations} <= {3.0}


def test_measures_are_means_over_the_episodes_that_they_are_about() -> None:
    measures = {
        "high": Measure(expression="position", reduce="max"),
        "time": Measure(expression="clock", reduce="last", among="position > 3"),
        "never": Measure(expression="clock", reduce="last", among="position > 99"),
    }
    task = line_task(measures=measures)

    def act(obs: NDArray[np.float32], mask: NDArray[np.bool_] | None) -> NDArray[np.float32]:
        return np.array([[-1.0], [1.0]], np.float32)  # the first falls after 5 steps, the other climbs for 10

    episodes = evaluate(make_env(task.env, 2), task, act, [11, 12])
    assert episodes.measures["time"].tolist()[1:] == [10.0]
    assert np.isnan(episodes.measures["time"][0])
    found = episodes.summary(0).measures
    assert set(found) == {"high", "time"}
    assert found["time"] == 10.0
    assert found["high"] == pytest.approx(episodes.measures["high"].mean())
    assert episodes.measures["high"][1] > 9 > 0 > episodes.measures["high"][0]


def test_actions_can_be_drawn_by_their_probabilities() -> None:
    logits = np.log(np.array([0.7, 0.2, 0.1], np.float32))
    low, high = np.zeros(1, np.float32), np.full(1, 2, np.float32)
    policy = Policy(
        (Layer(np.zeros((3, 2), np.float32), logits),), np.zeros(2), np.ones(2), 10.0, "discrete", low, high
    )
    obs = np.zeros((20_000, 2), np.float32)
    assert set(policy.act(obs)) == {0}
    shares = np.bincount(policy.act(obs, random=np.random.default_rng(0)), minlength=3) / len(obs)
    np.testing.assert_allclose(shares, [0.7, 0.2, 0.1], atol=0.02)
    mask = np.tile([False, True, True], (len(obs), 1))
    assert set(policy.act(obs, mask, np.random.default_rng(0))) == {1, 2}


def test_a_policy_that_cannot_be_read_fails_the_training_with_a_reason(tmp_path: Path) -> None:
    evaluator = Evaluator(line_task(), episodes=2)
    try:
        evaluator.submit(Request(policy=tmp_path / "missing", seeds=(1,), step=0))
        with pytest.raises(TrainingFailed, match=r"evaluation failed.*missing does not exist"):
            evaluator.wait()
    finally:
        evaluator.close()


@pytest.mark.any_user
def test_a_killed_evaluator_is_noticed() -> None:
    evaluator = Evaluator(line_task(), episodes=2)
    evaluator._process.kill()
    with pytest.raises(TrainingFailed, match=r"the evaluator died of SIGKILL.*lower slots"):
        evaluator.submit(Request(policy=None, seeds=(1,), step=0))
        evaluator.wait()
    evaluator.close()


@pytest.mark.any_user
def test_neither_torch_nor_anything_that_runs_reward_programs_is_loaded_beside_the_metric() -> None:
    program = (
        "import sys, autoreward.training.evaluator\n"
        "unwanted = ('torch', 'stable_baselines3', 'autoreward.sandbox.process')\n"
        "sys.exit(', '.join(name for name in unwanted if name in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_evaluation_seeds_differ_from_training_seeds_and_from_those_of_other_jobs() -> None:
    drawn = [
        seed
        for job in (0, 1)
        for purpose in ("environment", "learner", "evaluation", "final")
        for seed in derive(job, purpose, 50)  # type: ignore[arg-type]
    ]
    assert len(set(drawn)) == len(drawn)
    assert derive(4, "final", 3) == derive(4, "final", 50)[:3]
