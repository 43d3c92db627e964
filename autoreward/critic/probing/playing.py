"""Plays one episode a row, scores it whole, and says what it is worth to a learner that discounts."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoreward.critic.checks.trial import Trial
from autoreward.critic.probing.policies import Array, Drive, actions
from autoreward.envs.contract import BatchEnv
from autoreward.envs.episodes import EpisodeJudge
from autoreward.reward.total import total, weighted
from autoreward.task import Task

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Steps:
    """What was stepped: T steps of N rows, of which each row's first episode counts."""

    inputs: dict[str, Array]
    """`state.x`, `next_state.x`, `action`: [T, N, ...]."""
    begun: Bools
    """[T, N]."""
    counts: Bools
    """[T, N]: the step belongs to the row's first episode."""
    success: Bools
    """[N]: the task was done."""
    failed: Bools
    """[N]: the episode ended, at its limit at the latest, and the task was not done."""
    ended: Bools
    """[N]: by the environment or by the task; what would have come next is nothing, unlike at a limit."""
    task_score: Floats
    """[N]: the task's own score where it has one, else how many steps the episode lasted."""
    obs: Array
    """[N, D] after the last step."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """[N], in steps."""
        return np.asarray(self.counts.sum(axis=0), np.int64)


@dataclass(frozen=True)
class Paid:
    """What the candidate pays for `Steps`."""

    reward: Floats
    """[T, N], 0 where the step does not count."""
    terms: dict[str, Floats]
    """Name -> [T, N], weighted; 0 where the step does not count."""
    worth: Floats
    """[N]: the discounted return. What was cut off by a limit goes on at the mean pay of its second half."""
    early: Floats
    """[N]: what a success that ends the episode would be worth more, had its last step been the first: what a learner
    that gets quicker may still gain. 0 for all others, and where that step costs."""
    pace: Floats
    """[N]: mean pay of a step."""


def play(
    env: BatchEnv, task: Task, drive: Drive, seeds: list[int], names: list[str], steps: int, until: float
) -> Steps:
    """Step all rows until each has ended an episode, `steps` are made, or the clock says `until`.

    Args:
        env: N rows.
        task: judges them.
        drive: of each row.
        seeds: of each row; rows with equal seeds begin alike.
        names: fields that are recorded.
        steps: at most.
        until: on the clock `time.monotonic`.
    """
    count = env.num_envs
    judge = EpisodeJudge(task, env.schema, count)
    read = list(dict.fromkeys((*names, *judge.fields)))
    obs, _ = env.reset(seed=seeds)  # type: ignore[arg-type]  # one a row, which Gymnasium's annotation leaves out
    state, rows = env.read(read), []
    begun, open_rows = np.ones(count, np.bool_), np.ones(count, np.bool_)
    success, ended, cut = (np.zeros(count, np.bool_) for _ in range(3))
    score = np.zeros(count)
    for step in range(steps):
        if not open_rows.any() or (step and time.monotonic() > until):
            break
        action = actions(env, drive(step, obs))
        obs, _, terminated, truncated, _ = env.step(action)
        after = env.read(read)
        verdict = judge.step(after)
        done = terminated | truncated | verdict.ends
        rows.append((state, action, after, begun, open_rows.copy()))
        begun, state = done, after
        success |= verdict.first & open_rows
        if done.any():
            found = judge.finish(done)
            first = done & open_rows
            success[first] |= found.success[open_rows[done]]
            if found.score is not None:
                score[first] = found.score[open_rows[done]]
            ended |= first & (terminated | verdict.ends)
            cut |= first & ~(terminated | verdict.ends)
            open_rows &= ~done
            obs, _ = env.reset(options={"reset_mask": done})
            state = env.read(read)
    if open_rows.any() and (rest := judge.finish(open_rows)).score is not None:
        score[open_rows] = rest.score
    inputs = {f"state.{name}": np.stack([row[0][name] for row in rows]) for name in read}
    inputs |= {f"next_state.{name}": np.stack([row[2][name] for row in rows]) for name in read}
    inputs["action"] = np.stack([row[1] for row in rows])
    counts = np.stack([row[4] for row in rows])
    score = counts.sum(axis=0).astype(np.float64) if task.score is None else score
    failed = (ended | cut) & ~success
    return Steps(inputs, np.stack([row[3] for row in rows]), counts, success, failed, ended, score, obs)


def paid(trial: Trial, played: Steps, gamma: float) -> Paid:
    """Score what was played, in one call of the cell.

    Raises:
        CellFailed: as `Trial.score`.
    """
    terms = trial.score(played.inputs, played.begun).terms
    reward = np.where(played.counts, total(trial.program, terms), 0.0).astype(np.float64)
    each = {name: np.where(played.counts, term, 0.0) for name, term in weighted(trial.program, terms).items()}
    lengths = played.lengths
    steps = np.arange(len(reward))[:, None]
    late = steps >= lengths // 2
    lasting = (reward * late).sum(axis=0) / np.maximum((played.counts & late).sum(axis=0), 1)
    rest = np.where(played.ended, 0.0, lasting * gamma**lengths / max(1 - gamma, 1e-4))
    worth = (gamma**steps * reward).sum(axis=0) + rest
    final = np.take_along_axis(reward, np.maximum(lengths - 1, 0)[None], axis=0)[0]
    early = np.where(played.success & played.ended, np.maximum(final, 0.0) * (1 - gamma ** (lengths - 1)), 0.0)
    return Paid(reward, each, worth, early, reward.sum(axis=0) / np.maximum(lengths, 1))
