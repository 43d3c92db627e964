"""Evaluation: a policy's deterministic episodes, judged by the task's own rules and by nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.contract import BatchEnv
from autoreward.envs.episodes import EpisodeJudge
from autoreward.task import Task
from autoreward.training.contract import Evaluation
from autoreward.training.statistics import write_npz

RECORDED = 8
"""Episodes of an evaluation that are kept whole, at most."""

Array = NDArray[Any]
Act = Callable[[Array, NDArray[np.bool_] | None], Array]
"""Observations [N, D] and, where there is one, the mask of allowed choices [N, choices] -> actions."""


@dataclass
class _Trace:
    """One episode under way, or finished: its fields and actions step by step."""

    rows: list[tuple[dict[str, Array], int]] = field(default_factory=list)
    """Fields of all environments [N, ...], and which one was this episode's."""
    actions: list[Array] = field(default_factory=list)


@dataclass(frozen=True)
class Episodes:
    """The episodes of an evaluation, arrays [E] in the order of their seeds."""

    length: NDArray[np.int64]
    success: NDArray[np.bool_]
    score: NDArray[np.float64] | None
    outcomes: dict[str, NDArray[np.bool_]]
    seed: NDArray[np.int64]
    traces: tuple[_Trace, ...] = ()
    """Empty unless recorded."""
    measures: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    """NaN in episodes that do not count for one."""

    def summary(self, step: int) -> Evaluation:
        """The means, as a record."""
        return Evaluation(
            step=step,
            episodes=len(self.length),
            success_rate=float(self.success.mean()),
            score=None if self.score is None else float(self.score.mean()),
            length=float(self.length.mean()),
            outcomes={name: float(values.mean()) for name, values in self.outcomes.items()},
            measures={
                name: float(np.nanmean(values)) for name, values in self.measures.items() if not np.isnan(values).all()
            },
        )

    def chosen(self) -> list[int]:
        """Indices of the episodes worth telling: failed ones, the best and the worst, at most `RECORDED`, in order."""
        score = np.zeros(len(self.length)) if self.score is None else self.score
        ranking = np.lexsort((score, self.success))  # worst first
        failed = [int(index) for index in ranking if not self.success[index]]
        solved = [int(index) for index in ranking[::-1] if self.success[index]]
        # Half of the places go to failures, more where successes leave room.
        picked = _spread(failed, max(RECORDED // 2, RECORDED - len(solved)))
        return sorted(picked + _spread(solved, RECORDED - len(picked)))

    def write(self, path: Path) -> None:
        """Write `trajectories.npz`: see `autoreward.training.files`."""
        arrays: dict[str, Array] = {
            "length": self.length,
            "success": self.success,
            "score": np.full(len(self.length), np.nan) if self.score is None else self.score,
            "seed": self.seed,
        }
        arrays |= {f"outcome.{name}": values for name, values in self.outcomes.items()}
        arrays |= {f"measure.{name}": values for name, values in self.measures.items()}
        recorded = self.chosen() if self.traces else []
        arrays["recorded"] = np.array(recorded, dtype=np.int64)
        if recorded:
            longest = int(self.length[recorded].max())
            traces = [self.traces[index] for index in recorded]
            arrays["action"] = np.stack([_padded(trace.actions, longest) for trace in traces])
            for name in traces[0].rows[0][0]:
                columns = [[values[name][row] for values, row in trace.rows] for trace in traces]
                arrays[f"field.{name}"] = np.stack([_padded(column, longest + 1) for column in columns])
        write_npz(path, arrays)


def evaluate(
    env: BatchEnv,
    task: Task,
    act: Act,
    seeds: Sequence[int],
    record: bool = False,
    done: Callable[[int], None] = lambda count: None,
) -> Episodes:
    """Run one episode a seed, several at once.

    Args:
        env: of the task; every episode begins by a reset with its own seed.
        task: its success rule, score and outcomes judge the episodes.
        act: the policy.
        seeds: one an episode.
        record: whether every field and action is kept (`Episodes.traces`).
        done: told how many episodes have finished.
    """
    return _Run(env, task, act, seeds, record, done).run()


class _Run:
    """The state of one evaluation."""

    def __init__(
        self, env: BatchEnv, task: Task, act: Act, seeds: Sequence[int], record: bool, done: Callable[[int], None]
    ) -> None:
        self._env, self._act, self._seeds, self._done = env, act, list(seeds), done
        self._judge = EpisodeJudge(task, env.schema, env.num_envs, measures=True)
        self._names = tuple(env.schema.names) if record else tuple(self._judge.fields)
        self._traces = tuple(_Trace() for _ in seeds) if record else ()
        self._episode = np.full(env.num_envs, -1)
        self._steps = np.zeros(env.num_envs, dtype=np.int64)
        self._next = 0
        count = len(self._seeds)
        self._length = np.zeros(count, dtype=np.int64)
        self._success = np.zeros(count, dtype=np.bool_)
        self._score: NDArray[np.float64] | None = np.full(count, np.nan) if task.score is not None else None
        self._outcomes = {name: np.zeros(count, dtype=np.bool_) for name in task.outcomes}
        self._measures = {name: np.full(count, np.nan) for name in task.measures}

    def run(self) -> Episodes:
        obs = self._begin(np.ones(self._env.num_envs, dtype=np.bool_))
        finished = 0
        while (self._episode >= 0).any():
            action = self._act(obs, self._env.action_mask())
            obs, _, terminated, truncated, _ = self._env.step(action)
            values = self._env.read(self._names) if self._names else {}
            verdict = self._judge.step(values)
            self._steps += 1
            self._note(values, action)
            ended = terminated | truncated | verdict.ends
            if ended.any():
                finished += self._finish(ended)
                self._done(finished)
                obs = self._begin(ended)
        return Episodes(
            self._length,
            self._success,
            self._score,
            self._outcomes,
            np.array(self._seeds, dtype=np.int64),
            self._traces,
            self._measures,
        )

    def _begin(self, mask: NDArray[np.bool_]) -> Array:
        """Give the masked environments their next episodes; without one left they idle under some seed."""
        seeds: list[int | None] = [None] * self._env.num_envs
        for row in np.flatnonzero(mask):
            waiting = self._next < len(self._seeds)
            self._episode[row] = self._next if waiting else -1
            seeds[row] = self._seeds[self._next if waiting else 0]
            self._next += waiting
        self._steps[mask] = 0
        obs, _ = self._env.reset(seed=seeds, options=None if mask.all() else {"reset_mask": mask})  # type: ignore[arg-type]
        if self._traces:
            self._note(self._env.read(self._names), None, mask)
        return obs

    def _note(self, values: dict[str, Array], action: Array | None, mask: NDArray[np.bool_] | None = None) -> None:
        if not self._traces:
            return
        for row, episode in enumerate(self._episode.tolist()):
            if episode < 0 or (mask is not None and not mask[row]):
                continue
            trace = self._traces[episode]
            trace.rows.append((values, row))
            if action is not None:
                trace.actions.append(action[row])

    def _finish(self, ended: NDArray[np.bool_]) -> int:
        """Store what the judge says of the ended episodes; how many of them counted."""
        verdicts = self._judge.finish(ended)
        counted = self._episode[ended] >= 0
        episodes = self._episode[ended][counted]
        self._length[episodes] = self._steps[ended][counted]
        self._success[episodes] = verdicts.success[counted]
        if self._score is not None and verdicts.score is not None:
            self._score[episodes] = verdicts.score[counted]
        for name, values in self._outcomes.items():
            values[episodes] = verdicts.outcomes[name][counted]
        for name, numbers in self._measures.items():
            numbers[episodes] = verdicts.measures[name][counted]
        return len(episodes)


def _spread(ranked: list[int], room: int) -> list[int]:
    """At most `room` of them, first and last included, evenly spaced."""
    positions = np.linspace(0, len(ranked) - 1, min(room, len(ranked))).round().astype(int)
    return [ranked[position] for position in np.unique(positions)]


def _padded(column: list[Array], length: int) -> Array:
    """The rows stacked, the last one repeated up to `length`."""
    return np.stack([*column, *[column[-1]] * (length - len(column))])
