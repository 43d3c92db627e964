from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoreward.errors import TrainingFailed, UnknownName, UserError
from autoreward.schema import Field
from autoreward.task import EnvSpec, SuccessRule, TrainerSettings
from autoreward.testing.trainer import CLIMB, NoTrainer, check_trainer, line_task
from autoreward.training.contract import RewardSpec, TrainingJob
from autoreward.training.files import EPISODES, POLICY
from autoreward.training.policy import Policy
from autoreward.training.registry import find_trainer


def test_keeps_the_trainer_contract(tmp_path: Path) -> None:
    check_trainer(find_trainer("sb3"), tmp_path, steps=1_024)


def test_the_trainer_without_learning_keeps_it_too(tmp_path: Path) -> None:
    check_trainer(NoTrainer(), tmp_path)


def test_learns_to_climb(tmp_path: Path) -> None:
    job = TrainingJob(task=line_task(), reward=RewardSpec(kind="program", source=CLIMB), seed=0, episodes=10)
    result = find_trainer("sb3").train(job, 4_000, tmp_path, lambda progress: None)
    assert result.final is not None
    assert result.final.success_rate == 1.0
    assert result.own_return[-1] > result.own_return[0] + 5.0
    assert result.shipped_step >= 800, "checkpoints of the first fifth are not kept"
    climb = result.terms["climb"]
    assert climb.share == 1.0
    assert climb.success_correlation is not None and climb.success_correlation > 0.5
    assert result.evaluations[-1].step >= 4_000
    assert len(result.evaluations) == 2
    with np.load(tmp_path / EPISODES) as episodes:
        np.testing.assert_allclose(episodes["term.climb"], episodes["own_return"], atol=1e-4)
    # The recorded episodes end some 10 above where they began, each metre worth 2.
    assert all(value == pytest.approx(20.0, abs=2.0) for value in result.episode_terms["climb"])
    assert not (tmp_path / ".snapshots").exists()


def test_discrete_actions_and_a_state_dependent_end(tmp_path: Path) -> None:
    task = line_task(
        env=EnvSpec(id="CartPole-v1", fields=(Field(name="pole_angle", source="obs[2]"),)),
        success=SuccessRule(expression="abs(pole_angle) < 0.05", rule="held", steps=100),
        score=None,
        outcomes={},
        trainer=TrainerSettings(num_envs=4, rollout=64, evaluations=1, evaluation_episodes=2, epochs=2),
    )
    job = TrainingJob(task=task, reward=RewardSpec(kind="human"), seed=0, episodes=3)
    result = find_trainer("sb3").train(job, 1_000, tmp_path, lambda progress: None)
    assert result.final is not None and result.final.episodes == 3
    assert result.final.score is None
    choices = Policy.load(tmp_path / POLICY).act(np.random.default_rng(0).normal(size=(50, 4)))
    assert set(choices.tolist()) <= {0, 1}


def test_a_reward_that_explodes_fails_with_a_reason(tmp_path: Path) -> None:
    source = CLIMB.replace('- state["position"]}', '- state["position"] + np.sqrt(2.0 - next_state["position"])}')
    job = TrainingJob(task=line_task(), reward=RewardSpec(kind="program", source=source), seed=0, episodes=2)
    with pytest.raises(TrainingFailed, match=r"step \d+.*climb.*(NaN|finite)"):
        find_trainer("sb3").train(job, 4_000, tmp_path, lambda progress: None)


def test_a_learning_rate_that_diverges_fails_with_a_reason(tmp_path: Path) -> None:
    settings = line_task().trainer.model_copy(update={"learning_rate": 1e18, "max_grad_norm": 1e18})
    job = TrainingJob(task=line_task(trainer=settings), reward=RewardSpec(kind="human"), seed=0, episodes=2)
    with pytest.raises(TrainingFailed, match="diverged"):
        find_trainer("sb3").train(job, 4_000, tmp_path, lambda progress: None)


def test_unknown_trainers_are_named() -> None:
    with pytest.raises(UnknownName, match="sb3"):
        find_trainer("sb33")
    with pytest.raises(UserError, match="cannot be loaded"):
        find_trainer("autoreward.testing.trainer:Nothing")
    assert isinstance(find_trainer("autoreward.testing.trainer:NoTrainer"), NoTrainer)
