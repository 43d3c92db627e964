from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoreward.errors import TrainingFailed, UnknownName, UserError
from autoreward.schema import Field
from autoreward.task import EnvSpec, SuccessRule, Task, TrainerSettings
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


def settings(algorithm: str, **changes: Any) -> TrainerSettings:
    """Of a training that takes a second."""
    return TrainerSettings(
        name="sb3",
        algorithm=algorithm,
        **{
            "num_envs": 8,
            "rollout": 16,
            "minibatch": 32,
            "hidden": (24, 16),
            "evaluations": 2,
            "evaluation_episodes": 4,
            "learning_rate": 1e-3,
            **changes,
        },
    )


def cartpole(**trainer: Any) -> Task:
    return line_task(
        env=EnvSpec(id="CartPole-v1", fields=(Field(name="pole_angle", source="obs[2]"),)),
        success=SuccessRule(expression="abs(pole_angle) < 0.05", rule="held", steps=100),
        score=None,
        outcomes={},
        trainer=settings(**trainer),
    )


@pytest.mark.parametrize(
    "chosen",
    [settings("A2C"), settings("SAC", algorithm_kwargs={"gradient_steps": 2})],
    ids=["A2C", "SAC"],
)
def test_other_algorithms_keep_the_trainer_contract(chosen: TrainerSettings, tmp_path: Path) -> None:
    check_trainer(find_trainer("sb3"), tmp_path, steps=320, settings=chosen)


def test_a_replay_buffer_learns_from_the_rewards_of_single_steps(tmp_path: Path) -> None:
    task = line_task(trainer=settings("SAC", algorithm_kwargs={"gradient_steps": 2}))
    job = TrainingJob(task=task, reward=RewardSpec(kind="program", source=CLIMB), seed=0, episodes=8)
    result = find_trainer("sb3").train(job, 2_400, tmp_path, lambda progress: None)
    assert result.final is not None
    assert result.final.success_rate == 1.0
    assert result.own_return[-1] > result.own_return[0] + 3.0
    policy = Policy.load(tmp_path / POLICY)
    assert (policy.activation, policy.squash) == ("relu", True)
    assert [len(layer.bias) for layer in policy.layers] == [24, 16, 1]


def test_deterministic_actors_explore_by_noise(tmp_path: Path) -> None:
    chosen = settings("TD3", algorithm_kwargs={"policy_kwargs": {"activation_fn": "Tanh"}, "learning_starts": 0})
    job = TrainingJob(task=line_task(trainer=chosen), reward=RewardSpec(kind="human"), seed=0, episodes=4)
    find_trainer("sb3").train(job, 240, tmp_path, lambda progress: None)
    policy = Policy.load(tmp_path / POLICY)
    assert (policy.activation, policy.squash) == ("tanh", True)
    with np.load(tmp_path / EPISODES) as episodes:
        assert len(np.unique(episodes["own_return"])) == len(episodes["own_return"])


def test_choices_by_q_values(tmp_path: Path) -> None:
    task = cartpole(algorithm="DQN", minibatch=64, hidden=(64,), algorithm_kwargs={"exploration_fraction": 0.5})
    job = TrainingJob(task=task, reward=RewardSpec(kind="human"), seed=0, episodes=3)
    results = []
    for name in ("first", "again"):
        (tmp_path / name).mkdir()
        results.append(find_trainer("sb3").train(job, 1_500, tmp_path / name, lambda progress: None))
    assert results[0].own_return == results[1].own_return, "the same seed gave another curve"
    assert results[0].final == results[1].final
    policy = Policy.load(tmp_path / "first" / POLICY)
    assert (policy.kind, policy.activation) == ("discrete", "relu")
    assert set(policy.act(np.random.default_rng(0).normal(size=(50, 4))).tolist()) <= {0, 1}


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (line_task(trainer=settings("DQN")), "DQN cannot be trained with actions Box.*only supports.*Discrete"),
        (cartpole(algorithm="SAC"), "SAC cannot be trained with actions Discrete.*only supports.*Box"),
        (cartpole(algorithm="TD3"), "TD3 cannot be trained with actions Discrete.*only supports.*Box"),
        (line_task(trainer=settings("SAC2")), "unknown algorithm 'SAC2'.*Closest: SAC"),
        (line_task(trainer=settings("nowhere:SAC")), "'nowhere:SAC': module 'nowhere' cannot be imported"),
        (line_task(trainer=settings("pathlib:Path")), "neither an OnPolicyAlgorithm"),
        (line_task(trainer=settings("A2C", algorithm_kwargs={"tua": 1})), "unexpected keyword argument 'tua'"),
        (
            line_task(trainer=settings("PPO", algorithm_kwargs={"policy_kwargs": {"activation_fn": "GELU"}})),
            "the policy of PPO has a layer GELU",
        ),
        (
            line_task(trainer=settings("PPO", algorithm_kwargs={"policy_kwargs": {"activation_fn": "relu"}})),
            "unknown activation_fn 'relu'.*Closest: ReLU",
        ),
    ],
)
def test_an_algorithm_that_does_not_fit_is_a_clear_error(task: Task, message: str, tmp_path: Path) -> None:
    job = TrainingJob(task=task, reward=RewardSpec(kind="human"), seed=0, episodes=2)
    with pytest.raises(UserError, match=message):
        find_trainer("sb3").train(job, 100, tmp_path, lambda progress: None)


def test_an_algorithm_of_another_package(tmp_path: Path) -> None:
    chosen = settings("stable_baselines3.ddpg:DDPG", algorithm_kwargs={"action_noise": 0.5, "learning_starts": 8})
    job = TrainingJob(task=line_task(trainer=chosen), reward=RewardSpec(kind="sparse"), seed=0, episodes=2)
    assert find_trainer("sb3").train(job, 160, tmp_path, lambda progress: None).final is not None


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
    with pytest.raises(UserError, match="has no 'Nothing'"):
        find_trainer("autoreward.testing.trainer:Nothing")
    assert isinstance(find_trainer("autoreward.testing.trainer:NoTrainer"), NoTrainer)
