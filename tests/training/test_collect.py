"""The collector and its Stable-Baselines3 face on a line whose every number can be computed by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from autoreward.envs.registry import make_env
from autoreward.errors import TrainingFailed
from autoreward.sandbox.process import ProcessCell
from autoreward.task import SuccessRule, Task, TrainerSettings
from autoreward.testing.trainer import CLIMB, NOT_FINITE, line_task
from autoreward.training.collect import Collector
from autoreward.training.contract import RewardSpec, TrainingJob
from autoreward.training.rewards import Fault, ProgramReward, make_reward
from autoreward.training.statistics import EpisodeLog
from autoreward.training.vecenv import CollectorVecEnv

UP = np.array([[1.0], [1.0]], np.float32)
DOWN = -UP


def collector(task: Task, kind: str = "sparse", source: str | None = None) -> Collector:
    env = make_env(task.env, 2)
    reward = make_reward(RewardSpec.model_validate({"kind": kind, "source": source}), env.schema, ProcessCell)
    return Collector(env, task, reward, EpisodeLog(2))


def play(task: Task, actions: NDArray[Any], steps: int, kind: str = "sparse") -> tuple[NDArray[Any], NDArray[Any]]:
    """Rewards and ends of some steps, each [steps, 2]."""
    gather = collector(task, kind)
    gather.reset(0)
    for _ in range(steps):
        gather.step(actions)
    scored = gather.score()
    return scored.reward, scored.done


def test_the_sparse_reward_is_paid_once_an_episode() -> None:
    rewards, ends = play(line_task(), UP, 20)
    # From a start in [0, 0.5], step 3 is the first above 3; the step limit of 10 ends the episode.
    assert np.flatnonzero(rewards[:, 0]).tolist() == [2, 12]
    assert np.flatnonzero(ends[:, 0]).tolist() == [9, 19]


def test_the_sparse_reward_of_a_final_rule_is_paid_in_the_last_step() -> None:
    task = line_task(success=SuccessRule(expression="position > 3", rule="final"))
    rewards, _ = play(task, UP, 10)
    assert np.flatnonzero(rewards[:, 0]).tolist() == [9]
    assert not play(task, DOWN, 10)[0].any()


def test_a_rule_that_ends_the_episode_terminates_it() -> None:
    task = line_task(success=SuccessRule(expression="position > 3", rule="held", steps=2, ends_episode=True))
    gather = collector(task)
    env = CollectorVecEnv(gather, seed=0)
    start = env.reset()
    for _ in range(3):
        env.step(UP)
    obs, _, done, infos = env.step(UP)
    assert gather.score().reward.tolist() == [[0.0, 0.0]] * 3 + [[1.0, 1.0]]
    assert done.all()
    assert infos[0]["TimeLimit.truncated"] is False
    assert infos[0]["terminal_observation"][0] == pytest.approx(start[0, 0] + 4)
    assert obs[0, 1] == 0.0, "the observation is the next episode's"
    assert obs[0, 0] < 0.5


def test_the_step_limit_truncates_and_a_fall_terminates() -> None:
    env = CollectorVecEnv(collector(line_task()), seed=0)
    env.reset()
    actions = np.array([[0.0], [-1.0]], np.float32)
    for _ in range(4):
        _, _, done, infos = env.step(actions)
        assert not done.any()
        assert infos == [{}, {}]
    _, _, done, infos = env.step(actions)
    assert done.tolist() == [False, True]
    assert infos[1]["TimeLimit.truncated"] is False
    assert infos[1]["terminal_observation"][0] < -4.0
    for _ in range(5):
        _, _, done, infos = env.step(actions)
    assert done.tolist() == [True, True]
    assert infos[0]["TimeLimit.truncated"] is True
    assert infos[0]["terminal_observation"][1] == 10.0
    assert infos[1]["TimeLimit.truncated"] is False, "a fall in the very last step is still a fall"


def test_a_program_sees_the_state_before_and_after_also_across_a_reset() -> None:
    gather = collector(line_task(), "program", CLIMB)
    gather.reset(0)
    actions = np.array([[0.5], [-1.0]], np.float32)
    chunks = []
    for length in (1, 4, 7):  # where a chunk is cut makes no difference
        for _ in range(length):
            gather.step(actions)
        chunks.append(gather.score().reward)
    rewards = np.concatenate(chunks)
    # 2.0 x what was climbed, whatever the environment's reset did in between.
    np.testing.assert_allclose(rewards, np.tile([1.0, -2.0], (12, 1)), atol=1e-5)
    episodes = gather.log.arrays()
    assert episodes["own_return"].tolist() == pytest.approx([-10.0, 10.0, -10.0])
    assert episodes["term.climb"].tolist() == pytest.approx([-10.0, 10.0, -10.0])
    assert episodes["outcome.fell"].tolist() == [True, False, True]
    assert episodes["length"].tolist() == [5, 10, 5]


def test_memory_is_forgotten_where_an_episode_begins() -> None:
    source = """
IDEA = "Counts the steps of the episode."
WEIGHTS = {"count": 1.0}

def compute_reward(state, action, next_state, memory):
    count = memory.get("count", next_state["position"] * 0.0) + 1.0
    memory["count"] = count
    return {"count": count}
"""
    gather = collector(line_task(), "program", source)
    gather.reset(0)
    actions = np.array([[0.0], [-1.0]], np.float32)
    chunks = []
    for length in (3, 8, 1):
        for _ in range(length):
            gather.step(actions)
        chunks.append(gather.score().reward)
    rewards = np.concatenate(chunks)
    assert rewards[:, 0].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2]
    assert rewards[:, 1].tolist() == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2]


def test_a_cell_that_dies_is_started_again_once_and_memory_is_kept() -> None:
    import os
    import signal

    source = """
IDEA = "Counts the steps of the episode."
WEIGHTS = {"count": 2.0}

def compute_reward(state, action, next_state, memory):
    count = memory.get("count", next_state["position"] * 0.0) + 1.0
    memory["count"] = count
    return {"count": count}
"""
    gather = collector(line_task(), "program", source)
    gather.reset(0)
    reward = gather._reward
    assert isinstance(reward, ProgramReward)
    assert isinstance(reward._cell, ProcessCell)
    gather.step(UP)
    assert gather.score().reward.tolist() == [[2.0, 2.0]]
    os.kill(reward._cell.pid or 0, signal.SIGKILL)
    gather.step(UP)
    assert gather.score().reward.tolist() == [[4.0, 4.0]]
    os.kill(reward._cell.pid or 0, signal.SIGKILL)
    gather.step(UP)
    with pytest.raises(TrainingFailed, match="after step 4: "):
        gather.score()


def test_a_reward_that_is_no_number_names_its_term_and_the_step() -> None:
    gather = collector(line_task(), "program", NOT_FINITE)
    gather.reset(0)
    gather.step(UP)
    gather.step(UP)
    with pytest.raises(Fault, match=r"failed at step 2: term `climb` is NaN") as raised:
        gather.score()
    arrays = raised.value.arrays
    assert (arrays["step"].tolist(), arrays["row"].tolist()) == ([0, 0], [0, 1])
    np.testing.assert_allclose(arrays["next_state.position"] - arrays["state.position"], 1.0, atol=1e-5)


def test_an_action_that_is_no_number_says_that_the_policy_diverged() -> None:
    gather = collector(line_task(), "program", CLIMB)
    obs = gather.reset(0)
    with pytest.raises(Fault, match=r"diverged.*step 0") as raised:
        gather.step(UP * np.nan)
    assert np.isnan(raised.value.arrays["action"]).all()
    np.testing.assert_array_equal(raised.value.arrays["state.position"], obs[:, 0])


def test_episodes_that_are_given_up_leave_what_has_finished_in_the_log() -> None:
    before = collector(line_task(), "human")
    before.reset(0)
    for _ in range(13):
        before.step(UP)
    before.score()
    after = collector(line_task(), "human")
    obs = after.resume(before.arrays(), seed=5)
    assert (after.steps, after.log.count) == (26, 2)
    assert obs[:, 1].tolist() == [0.0, 0.0], "new episodes"
    for _ in range(10):
        after.step(UP)
    assert after.score().done[-1].all()
    episodes = after.log.arrays()
    assert episodes["step"].tolist() == [20, 20, 46, 46]
    assert episodes["length"].tolist() == [10] * 4
    assert episodes["own_return"][2] == pytest.approx(55.0, abs=5.0), "nothing is left of those given up"


def test_deferred_rewards_are_normalised_as_stable_baselines3_does_it(tmp_path: Path) -> None:
    from stable_baselines3.common.vec_env import VecNormalize

    from autoreward.training.collect import Scored
    from autoreward.training.deferred import DeferredRewards
    from autoreward.training.session import Session

    generator = np.random.default_rng(0)
    reward = generator.normal(3.0, 20.0, (40, 2)).astype(np.float32)
    done = generator.random((40, 2)) < 0.1

    class Replay(CollectorVecEnv):
        def step_wait(self):  # type: ignore[no-untyped-def] # noqa: ANN202
            obs, _, _, infos = super().step_wait()
            self.index = getattr(self, "index", -1) + 1
            return obs, reward[self.index], done[self.index], infos

    theirs = VecNormalize(Replay(collector(line_task()), seed=0), norm_obs=False, gamma=0.9, clip_reward=10.0)
    theirs.reset()
    expected = np.array([theirs.step(UP)[1] for _ in reward])
    task = line_task(trainer=TrainerSettings(num_envs=2))
    job = TrainingJob(task=task, reward=RewardSpec(kind="human"), seed=0, episodes=1)
    with Session(job, 100, tmp_path, lambda progress: None) as session:
        ours = DeferredRewards(session, gamma=0.9)
        found = [ours.normalised(Scored(reward[part], done[part])) for part in (slice(0, 15), slice(15, 40))]
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-5)
