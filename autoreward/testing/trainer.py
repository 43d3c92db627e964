"""For tests of trainers: a tiny environment with a task, a trainer that learns nothing, and the conformance check."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import gymnasium
import numpy as np
from numpy.typing import NDArray

from autoreward.envs.registry import make_env
from autoreward.errors import TrainingFailed
from autoreward.schema import Field
from autoreward.task import EnvSpec, Score, SuccessRule, Task, TrainerSettings
from autoreward.training.contract import Progress, RewardSpec, Trainer, TrainingJob, TrainingResult
from autoreward.training.evaluation import evaluate
from autoreward.training.files import EPISODES, FAULT, POLICY, POLICY_LAST, TRAJECTORIES
from autoreward.training.policy import Layer, Policy, action_bounds
from autoreward.training.seeds import derive
from autoreward.training.statistics import EpisodeLog

CLIMB = """\
IDEA = "Every step up is worth what it climbs."
WEIGHTS = {"climb": 2.0}

def compute_reward(state, action, next_state, memory):
    return {"climb": next_state["position"] - state["position"]}
"""
"""A reward program for `LineEnv`."""

NOT_FINITE = CLIMB.replace('state["position"]}', 'state["position"] + np.sqrt(-1.0 - np.abs(state["position"]))}')
"""One whose term is not a number."""


class LineEnv(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
    """A point on a line: `position += action`, from a start drawn in [0, 0.5].

    The observation is [position, steps so far]. Below -4 it falls, and the episode ends. Its own reward is the
    position.
    """

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(self) -> None:
        self.observation_space = gymnasium.spaces.Box(-100.0, 100.0, (2,), np.float32)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)
        self._position, self._steps = 0.0, 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """A new episode."""
        super().reset(seed=seed)
        self._position, self._steps = float(self.np_random.uniform(0.0, 0.5)), 0
        return self._obs(), {}

    def step(self, action: NDArray[np.float32]) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Move."""
        self._position += float(np.clip(action, -1.0, 1.0)[0])
        self._steps += 1
        return self._obs(), self._position, self._position < -4.0, False, {}

    def _obs(self) -> NDArray[np.float32]:
        return np.array([self._position, self._steps], dtype=np.float32)


def line_task(step_limit: int = 10, **changes: Any) -> Task:  # noqa: ANN401 - fields of `Task`
    """Climb to 3 within the step limit; a PPO reaches it in about 5,000 steps, random actions hardly ever."""
    task = Task(
        name="line",
        text="Climb above 3.",
        env=EnvSpec(
            id="autoreward.testing.trainer:LineEnv",
            step_limit=step_limit,
            fields=(
                Field(name="position", unit="m", meaning="Place on the line; up is positive.", source="obs[0]"),
                Field(name="clock", unit="steps", meaning="Steps since the start.", source="obs[1]"),
            ),
        ),
        success=SuccessRule(expression="position > 3"),
        score=Score(expression="position", reduce="last", unit="m"),
        outcomes={"fell": "position < -4"},
        steps=4_000,
        trainer=TrainerSettings(
            num_envs=8, rollout=32, minibatch=64, epochs=4, learning_rate=1e-3, evaluations=2, evaluation_episodes=4
        ),
    )
    return task.model_copy(update=changes)


class NoTrainer:
    """Implements `Trainer` and learns nothing: a policy of random weights, measured in a few episodes, in this process.

    Every file of a training is written; episodes of the training itself there are none.
    """

    EPISODES: ClassVar[int] = 4
    """Evaluation episodes, at most."""

    def train(self, job: TrainingJob, steps: int, folder: Path, progress: Callable[[Progress], None]) -> TrainingResult:
        """Measure the untrained policy."""
        started = time.monotonic()
        progress(Progress(stage="starting", steps=steps))
        count = min(job.episodes, self.EPISODES)
        env = make_env(job.task.env, count)
        try:
            policy = random_policy(env.single_observation_space, env.single_action_space, job.seed)
            progress(Progress(stage="evaluating", step=steps, steps=steps))
            episodes = evaluate(env, job.task, policy.act, derive(job.seed, "final", count), record=True)
        finally:
            env.close()
        for name in (POLICY, POLICY_LAST):
            policy.save(folder / name)
        EpisodeLog(1).write(folder / EPISODES)
        episodes.write(folder / TRAJECTORIES)
        return TrainingResult(
            hash=job.hash,
            steps=steps,
            status="ok",
            final=episodes.summary(steps),
            shipped_step=steps,
            seconds=time.monotonic() - started,
        )


def random_policy(obs_space: gymnasium.Space[Any], action_space: gymnasium.Space[Any], seed: int) -> Policy:
    """A linear policy with random weights for these spaces."""
    generator = np.random.default_rng(seed)
    inputs = int(np.prod(obs_space.shape or ()))
    kind, low, high = action_bounds(action_space)
    outputs = len(low) if kind == "continuous" else int(high[0]) + 1
    weight = generator.normal(size=(outputs, inputs)).astype(np.float32)
    return Policy(
        layers=(Layer(weight, np.zeros(outputs, dtype=np.float32)),),
        mean=np.zeros(inputs),
        variance=np.ones(inputs),
        clip=10.0,
        kind=kind,
        low=low,
        high=high,
    )


def check_trainer(trainer: Trainer, folder: Path, steps: int = 1_024, settings: TrainerSettings | None = None) -> None:
    """Check that a trainer keeps the contract, on a tiny task.

    Args:
        trainer: the one to check.
        folder: an empty folder to train in.
        steps: environment steps of each training.
        settings: of the trainer; None: `line_task`'s.

    Raises:
        AssertionError: it does not; the message says where.
    """
    task = line_task() if settings is None else line_task(trainer=settings)
    seen: list[Progress] = []
    for kind in ("program", "sparse", "human", "random"):
        spec = RewardSpec(kind=kind, source=CLIMB if kind == "program" else None)
        job = TrainingJob(task=task, reward=spec, seed=7, episodes=6)
        first, again = (_trained(trainer, job, steps, folder / kind / part, seen) for part in ("first", "again"))
        _check_result(first, job, steps, folder / kind / "first", trained=kind != "random")
        for part in ("own_return", "final", "evaluations", "shipped_step"):
            assert getattr(first, part) == getattr(again, part), f"{kind}: the same seed gave another {part}"
    assert seen, "no progress was reported"
    assert all(0 <= progress.step <= progress.steps == steps for progress in seen), "progress leaves 0..steps"
    _check_interruption(trainer, task, steps, folder / "interruption")
    if not isinstance(trainer, NoTrainer):
        _check_failure(trainer, task, steps, folder / "failure")


def _trained(trainer: Trainer, job: TrainingJob, steps: int, folder: Path, seen: list[Progress]) -> TrainingResult:
    folder.mkdir(parents=True)
    return trainer.train(job, steps, folder, seen.append)


def _check_result(result: TrainingResult, job: TrainingJob, steps: int, folder: Path, trained: bool) -> None:
    assert (result.hash, result.steps, result.status) == (job.hash, steps, "ok"), "hash, steps or status is wrong"
    assert result.final is not None, "there is no final evaluation"
    assert 0.0 <= result.final.success_rate <= 1.0, "a success rate is a share"
    with np.load(folder / TRAJECTORIES) as file:
        episodes = len(file["length"])
        assert episodes == result.final.episodes, "trajectories.npz counts other episodes than the final evaluation"
        assert np.isclose(file["success"].mean(), result.final.success_rate), "its successes differ from the result's"
        recorded, longest = file["recorded"], int(file["length"][file["recorded"]].max())
        assert 0 < len(recorded) <= 8, "1 to 8 episodes are recorded whole"
        for name in ("position", "clock"):
            assert file[f"field.{name}"].shape == (len(recorded), longest + 1), f"field.{name} has a wrong shape"
    with np.load(folder / EPISODES) as file:
        rows = {len(file[name]) for name in ("step", "length", "own_return", "success", "score")}
        assert len(rows) == 1, "columns of episodes.npz differ in length"
    if trained:
        for name in (POLICY, POLICY_LAST):
            actions = Policy.load(folder / name).act(np.zeros((3, 2), dtype=np.float32))
            assert actions.shape == (3, 1), f"{name} gives actions of a wrong shape"
            assert np.abs(actions).max() <= 1.0, f"{name} leaves the action bounds"
    assert len(result.points) == len(result.own_return) == len(result.train_success), "curves differ in length"
    found = [evaluation.step for evaluation in result.evaluations]
    assert found == sorted(set(found)), "evaluations are not in the order of their steps"
    assert not found or found[-1] >= steps, "the last evaluation is not of the trained policy"
    assert all(len(term.curve) == len(result.points) for term in result.terms.values()), "a term's curve differs"


def _check_interruption(trainer: Trainer, task: Task, steps: int, folder: Path) -> None:
    job = TrainingJob(task=task, reward=RewardSpec(kind="program", source=CLIMB), seed=7, episodes=6)
    folder.mkdir(parents=True)

    def interrupt(progress: Progress) -> None:
        if progress.stage == "evaluating":
            raise KeyboardInterrupt

    try:
        trainer.train(job, steps, folder, interrupt)
    except KeyboardInterrupt:
        result = trainer.train(job, steps, folder, lambda progress: None)
    else:
        raise AssertionError("no progress was reported while evaluating, or an interrupt did not end the training")
    _check_result(result, job, steps, folder, trained=True)


def _check_failure(trainer: Trainer, task: Task, steps: int, folder: Path) -> None:
    spec = RewardSpec(kind="program", source=NOT_FINITE)
    job = TrainingJob(task=task, reward=spec, seed=7, episodes=6)
    try:
        _trained(trainer, job, steps, folder, [])
    except TrainingFailed as error:
        assert "climb" in str(error), f"the message does not name the term: {error}"
        assert (folder / FAULT).exists(), f"the states that show it are not in {FAULT}"
    else:
        raise AssertionError("a reward that is not finite must raise TrainingFailed")
