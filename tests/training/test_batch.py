"""The trainer `batch`, whole, on environments small enough to say what must come out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from numpy.typing import NDArray
from tiny import tiny_task

from autoreward.errors import TrainingFailed
from autoreward.schema import Field
from autoreward.task import EnvSpec, SuccessRule, Task
from autoreward.testing.trainer import CLIMB, NOT_FINITE, check_trainer, line_task
from autoreward.training.batch import BatchTrainer
from autoreward.training.contract import Progress, RewardSpec, TrainingJob, TrainingResult
from autoreward.training.files import CHECKPOINT, EPISODES, FAULT, POLICY, TRAJECTORIES
from autoreward.training.loop import Training, alone
from autoreward.training.policy import Layer, Policy
from autoreward.training.ppo import PPO
from autoreward.training.rollout import Rollout
from autoreward.training.seeds import derive
from autoreward.training.session import Session

Kind = Any
"""Of a reward."""


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluators find the environments of `tiny.py` from where they are started."""
    monkeypatch.chdir(Path(__file__).parents[2])
    monkeypatch.syspath_prepend(str(Path.cwd()))


def job_of(task: Task, kind: Kind = "human", source: str | None = None, seed: int = 0) -> TrainingJob:
    return TrainingJob(task=task, reward=RewardSpec(kind=kind, source=source), seed=seed, episodes=6)


def train(job: TrainingJob, steps: int, folder: Path) -> TrainingResult:
    folder.mkdir(exist_ok=True)
    return BatchTrainer().train(job, steps, folder, lambda progress: None)


def with_trainer(task: Task, **changes: Any) -> Task:
    return task.model_copy(update={"trainer": task.trainer.model_copy(update=changes)})


def test_keeps_the_trainer_contract(tmp_path: Path) -> None:
    check_trainer(BatchTrainer(), tmp_path)


def test_learns_to_climb(tmp_path: Path) -> None:
    result = train(job_of(line_task(), "program", CLIMB), 4_000, tmp_path)
    assert result.final is not None
    assert result.final.success_rate == 1.0
    assert result.own_return[-1] > result.own_return[0] + 5.0
    assert result.shipped_step >= 800, "checkpoints of the first fifth are not kept"
    assert result.terms["climb"].share == 1.0
    with np.load(tmp_path / EPISODES) as episodes:
        np.testing.assert_allclose(episodes["term.climb"], episodes["own_return"], atol=1e-4)
    assert all(value == pytest.approx(20.0, abs=2.0) for value in result.episode_terms["climb"])
    with np.load(tmp_path / TRAJECTORIES) as file:
        assert file["term.climb"].sum(axis=1) == pytest.approx(result.episode_terms["climb"], rel=1e-5), "step by step"
    assert {"physics", "forward", "reward", "update"} <= set(result.timers)
    assert result.cpu_seconds > 0.5


@pytest.mark.parametrize(("steps", "trained"), [(1_000, 1_000), (1_001, 1_008), (5, 8)])
def test_trains_as_many_steps_as_asked_for(steps: int, trained: int, tmp_path: Path) -> None:
    result = train(job_of(line_task()), steps, tmp_path)
    assert result.evaluations[-1].step == trained, "at most N - 1 more"
    assert result.steps == steps


def test_discrete_actions_and_a_state_dependent_end(tmp_path: Path) -> None:
    task = line_task(
        env=EnvSpec(id="CartPole-v1", fields=(Field(name="pole_angle", source="obs[2]"),)),
        success=SuccessRule(expression="abs(pole_angle) < 0.05", rule="held", steps=100),
        score=None,
        outcomes={},
    )
    result = train(job_of(with_trainer(task, epochs=8)), 8_000, tmp_path)
    assert result.final is not None and result.final.score is None
    assert result.own_return[-1] > 2 * result.own_return[0], "the pole stands longer"
    choices = Policy.load(tmp_path / POLICY).act(np.random.default_rng(0).normal(size=(50, 4)))
    assert set(choices.tolist()) == {0, 1}


def test_forbidden_choices_are_made_neither_in_training_nor_in_evaluation(tmp_path: Path) -> None:
    """The environment raises at one, as does its twin in the evaluator."""
    task = tiny_task("Gate", "won > 4", {"won": "info.won"}, learning_rate=1e-2, entropy=0.01)
    result = train(job_of(task), 3_000, tmp_path / "learnt")
    assert result.final is not None
    assert result.final.success_rate == 1.0
    assert result.own_return[0] < 4.0 < result.own_return[-1]
    at_random = train(job_of(task, "random"), 100, tmp_path / "random")
    assert at_random.final is not None and at_random.final.success_rate < 0.5


def test_a_policy_that_knows_nothing_keeps_to_the_mask() -> None:
    layer = Layer(np.zeros((3, 3), np.float32), np.array([3.0, 2.0, 1.0], np.float32))
    bounds = np.zeros(1, np.float32), np.full(1, 2, np.float32)
    policy = Policy((layer,), np.zeros(3), np.ones(3), 10.0, "discrete", *bounds)
    mask = np.array([[True, True, True], [False, True, True], [False, False, True]])
    assert policy.act(np.zeros((3, 3)), mask).tolist() == [0, 1, 2]
    assert policy.act(np.zeros((3, 3))).tolist() == [0, 0, 0]


def test_dictionary_observations(tmp_path: Path) -> None:
    fields = {"goal": "obs.goal", "place": "obs.place"}
    task = tiny_task("Told", "abs(goal - place) < 0.25", fields, learning_rate=5e-3, log_std=-1.0, gamma=0.5)
    result = train(job_of(task), 8_000, tmp_path)
    assert result.own_return[-1] > 0.5 * result.own_return[0], "the distance is halved at least"
    assert result.final is not None and result.final.success_rate == 1.0


def test_the_same_seed_gives_the_same_curve_and_another_seed_another(tmp_path: Path) -> None:
    job = job_of(line_task(), "program", CLIMB)
    first, again = (train(job, 1_000, tmp_path / name) for name in ("first", "again"))
    other = train(job_of(line_task(), "program", CLIMB, seed=1), 1_000, tmp_path / "other")
    assert first.own_return == again.own_return != other.own_return
    assert (tmp_path / "first" / POLICY).read_bytes() == (tmp_path / "again" / POLICY).read_bytes()


class Watched(PPO):
    """Keeps the returns that it is told to learn."""

    returns: NDArray[np.float32]

    def update(self, rollout: Rollout, advantage: NDArray[np.float32], returns: NDArray[np.float32]) -> bool:
        self.returns = returns
        return super().update(rollout, advantage, returns)


def test_the_return_goes_on_past_the_step_limit_and_ends_at_an_end(tmp_path: Path) -> None:
    """By hand: the clock pays 1 a step; row 0 ends after 3 steps, row 1 is cut off after 5; V = 10 tanh(clock / 10)."""
    task = tiny_task("Clock", "clock > 4", {"clock": "obs[0]"}, num_envs=2, hidden=(1,), gae_lambda=1.0, gamma=0.9)
    seed = next(seed for seed in range(100) if derive(seed, "environment")[0] % 2 == 0)
    with Session(job_of(task, seed=seed), 1_000, tmp_path, lambda progress: None) as session:
        training = Training(session)
        learner = Watched(1, Box(-1.0, 1.0, (1,)), task.trainer, seed=0)
        # One hidden unit each. Actor and critic: two weights, two biases, then actor, its bias, critic, its bias.
        learner.net.flat.copy_(torch.tensor([0.0, 0.1, 0.0, 0.0, 0.0, 0.0, 10.0, 0.0, 0.0]))
        training._observed.count = 1e15  # so many that these steps do not move it: observations stay as they are
        alone(learner, training._learn(alone(learner, training._collect(6))))
        unit = 1.0 / np.sqrt(training._scale._statistics.variance)
    value = 10.0 * np.tanh(np.arange(7) / 10.0)
    assert learner.returns.shape == (6, 2)
    # Row 0: ends after its third step, twice. Nothing follows an end.
    np.testing.assert_allclose(learner.returns[:, 0], unit * np.array([2.71, 1.9, 1.0] * 2), rtol=1e-4)
    # Row 1: cut off after its fifth step, whose state is worth V(5) and not V(0) = 0 of the next episode ...
    assert learner.returns[4, 1] == pytest.approx(unit + 0.9 * value[5], rel=1e-4)
    assert learner.returns[3, 1] == pytest.approx(unit + 0.9 * (unit + 0.9 * value[5]), rel=1e-4)
    # ... and the rollout breaks off in the middle of an episode, one step in.
    assert learner.returns[5, 1] == pytest.approx(unit + 0.9 * value[1], rel=1e-4)


def failure(job: TrainingJob, folder: Path, steps: int = 4_000) -> str:
    with pytest.raises(TrainingFailed) as raised:
        train(job, steps, folder)
    return str(raised.value)


def test_a_reward_that_is_no_number_names_term_and_step_and_keeps_the_states(tmp_path: Path) -> None:
    told = failure(job_of(line_task(), "program", NOT_FINITE), tmp_path)
    assert told.startswith("reward program failed at step 8: term `climb` is NaN")
    assert told.endswith("; fault.npz has the states")
    with np.load(tmp_path / FAULT) as states:
        assert states["row"].tolist() == list(range(8))
        assert states["state.position"].shape == (8,)
        assert states["action"].shape == (8, 1)


def test_a_program_that_fails_late_names_the_step_and_keeps_what_it_saw(tmp_path: Path) -> None:
    source = CLIMB.replace('- state["position"]}', '- state["position"] + np.sqrt(2.0 - next_state["position"])}')
    told = failure(job_of(line_task(), "program", source), tmp_path)
    with np.load(tmp_path / FAULT) as states:
        assert states["next_state.position"].max() > 2.0
        step = (int(states["step"][0]) + 1) * 8
    assert f"at step {step}: " in told


def test_an_environment_whose_reward_is_no_number_is_named(tmp_path: Path) -> None:
    told = failure(job_of(tiny_task("Rotten", "clock > 4", {"clock": "obs[0]"})), tmp_path)
    assert "the environment's own reward is not finite" in told
    with np.load(tmp_path / FAULT) as states:
        assert np.isnan(states["reward"]).all()
        assert states["step"].tolist()[:8] == [2] * 8


@pytest.mark.parametrize("discrete", [False, True])
def test_a_policy_that_diverges_is_told_with_the_states(discrete: bool, tmp_path: Path) -> None:
    task = tiny_task("Gate", "won > 4", {"won": "info.won"}) if discrete else line_task()
    told = failure(job_of(with_trainer(task, learning_rate=1e30, max_grad_norm=1e18)), tmp_path)
    assert "diverged" in told and "fault.npz has the states" in told
    with np.load(tmp_path / FAULT) as states:
        assert "action" in states


def test_a_learning_rate_far_too_high_is_told_too(tmp_path: Path) -> None:
    told = failure(job_of(with_trainer(line_task(), learning_rate=1e10)), tmp_path)
    assert "diverged" in told and (tmp_path / FAULT).exists()


def test_settings_that_it_does_not_have_say_what_to_type(tmp_path: Path) -> None:
    assert "type --trainer.name sb3" in failure(job_of(with_trainer(line_task(), use_sde=True)), tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_says_what_to_type(tmp_path: Path) -> None:
    told = failure(job_of(with_trainer(line_task(), device="cuda")), tmp_path)
    assert "type --trainer.device cpu" in told


def test_out_of_memory_names_what_to_lower(tmp_path: Path) -> None:
    told = failure(job_of(tiny_task("Greedy", "clock > 4", {"clock": "obs[0]"})), tmp_path)
    assert told == "out of memory: lower trainer.num_envs, trainer.rollout or trainer.minibatch"


def test_what_torch_cannot_hold_is_out_of_memory_too(tmp_path: Path) -> None:
    told = failure(job_of(with_trainer(line_task(), hidden=(2**20, 2**22))), tmp_path)
    assert told.startswith("out of memory: lower trainer.num_envs")


def test_an_error_that_is_none_of_these_stays_what_it_is(tmp_path: Path) -> None:
    def break_off(progress: Progress) -> None:
        if progress.stage == "evaluating":
            raise RuntimeError("the disk is on fire")

    with pytest.raises(RuntimeError, match="on fire"):
        BatchTrainer().train(job_of(line_task()), 500, tmp_path, break_off)


def test_simulations_that_blow_up_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A motor a thousand million times too strong."""
    pytest.importorskip("mujoco")
    import gymnasium.envs.mujoco

    monkeypatch.chdir(tmp_path)  # MuJoCo leaves its log where it runs
    model = (Path(gymnasium.envs.mujoco.__file__).parent / "assets" / "inverted_pendulum.xml").read_text()
    (tmp_path / "pendulum.xml").write_text(model.replace('gear="100"', 'gear="1e14"'))
    task = line_task(
        env=EnvSpec(
            id="InvertedPendulum-v5",
            kwargs={"xml_file": str(tmp_path / "pendulum.xml")},
            fields=(Field(name="position", source="obs[0]"), Field(name="angle", source="obs[1]")),
        ),
    )
    result = train(job_of(task), 400, tmp_path / "training")
    assert 350 <= result.faults <= 400, "nearly every step is one"
    assert result.evaluation_faults >= 2, "each evaluated episode ends with one, too"
    with np.load(tmp_path / "training" / EPISODES) as episodes:
        assert len(episodes["length"]) >= 350
        assert np.isfinite(episodes["own_return"]).all()


def test_leaves_a_small_checkpoint_and_nothing_that_waits(tmp_path: Path) -> None:
    train(job_of(line_task()), 500, tmp_path)
    assert (tmp_path / CHECKPOINT).stat().st_size < 200_000
    assert not (tmp_path / ".snapshots").exists()
