"""An episode as it was played, and played again: from its seed and its actions, so that no picture is ever stored."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.contract import BatchEnv
from autoreward.envs.episodes import EpisodeJudge
from autoreward.errors import CellFailed, UserError
from autoreward.records import Record
from autoreward.reward.reward import Reward
from autoreward.reward.total import total, weighted
from autoreward.task import Task
from autoreward.training.evaluation import Act
from autoreward.training.policy import Policy, action_bounds

Array = NDArray[Any]

TOTAL, OWN = "total", "own reward"
"""The courses that are a program's whole reward, and the environment's own."""
EVENTS = {"mined": "mined", "damage": "damage", "died": "death"}
"""Fields that mark a step where they are not 0, and how the mark is called."""
SUCCESS = "success"


class Episode(Record):
    """One episode, whole: whoever has this and the task can see it again."""

    seed: int
    actions: tuple[tuple[float, ...], ...]
    """Of each step; one number for a discrete action."""
    success: bool
    outcomes: tuple[str, ...]
    """Names of the task's outcomes that hold at its end."""
    score: float | None = None
    """None where the task has none."""
    marks: dict[str, tuple[int, ...]] = {}
    """Events, such as `damage`, and the steps (from 1) in which they happened."""
    courses: dict[str, tuple[float, ...]] = {}
    """What the strip shows, by name, a number a step: the total reward first, then its weighted terms."""

    @property
    def steps(self) -> int:
        """How long it was."""
        return len(self.actions)

    def summary(self, has_rule: bool = True) -> str:
        """Steps, success and outcomes in a few words."""
        how = [*(["success" if self.success else "no success"] if has_rule else []), *self.outcomes]
        return ", ".join([f"{self.steps} step{'s' * (self.steps != 1)}", *how])


@dataclass(frozen=True)
class Recorded:
    """An episode, and the fields that were wanted, [T + 1, ...] each; index 0 is before the first step."""

    episode: Episode
    fields: dict[str, Array]
    human: NDArray[np.float64]
    """[T]: the environment's own reward."""


def play(env: BatchEnv, task: Task, act: Act, seed: int, fields: Collection[str] = ()) -> Recorded:
    """Play one episode in an environment with N = 1.

    Args:
        env: of the task.
        task: its rules judge the episode.
        act: who plays.
        seed: of the episode.
        fields: to be recorded.
    """
    judge = EpisodeJudge(task, env.schema, 1)
    known = [name for name in EVENTS if name in env.schema.names]
    names = tuple(dict.fromkeys((*judge.fields, *known, *fields)))
    obs, _ = env.reset(seed=seed)
    rows, actions, human = [env.read(names)], list[Array](), list[float]()
    marks: dict[str, list[int]] = {}
    ended = False
    while not ended:
        action = act(obs, env.action_mask())
        obs, reward, terminated, truncated, _ = env.step(action)
        rows.append(values := env.read(names))
        verdict = judge.step(values)
        actions.append(np.asarray(action[0]))
        human.append(float(reward[0]))
        happened = [EVENTS[name] for name in known if np.any(values[name][0] != 0)]
        for event in happened + [SUCCESS] * bool(verdict.first[0]):
            marks.setdefault(event, []).append(len(actions))
        ended = bool(terminated[0] or truncated[0] or verdict.ends[0])
    finished = judge.finish(np.ones(1, dtype=np.bool_))
    episode = Episode(
        seed=seed,
        actions=tuple(tuple(float(part) for part in action.reshape(-1)) for action in actions),
        success=bool(finished.success[0]),
        outcomes=tuple(name for name, holds in finished.outcomes.items() if holds[0]),
        score=None if finished.score is None else float(finished.score[0]),
        marks={event: tuple(steps) for event, steps in marks.items()},
    )
    return Recorded(episode, {name: np.stack([row[name][0] for row in rows]) for name in names}, np.array(human))


def player(env: BatchEnv, task: Task, policy: Policy | None, seed: int) -> Act:
    """Who chooses the actions of an episode, the same for the same seed, as evaluations do it.

    Args:
        env: in which it plays, N = 1.
        task: says how policies choose (`acting`).
        policy: None: uniform actions.
        seed: of what is drawn.
    """
    if policy is None:
        env.action_space.seed(seed)
        return lambda obs, mask: env.random_actions()
    random = np.random.default_rng(seed) if task.trainer.acting == "drawn" else None
    return functools.partial(policy.act, random=random)


def with_terms(recorded: Recorded, reward: Reward) -> Episode:
    """The episode with what a reward program says of it, scored in the reward's cell.

    Raises:
        CellFailed: the program cannot score it.
        IsolationTooWeak: its cell is isolated less than asked for.
    """
    steps = recorded.episode.steps
    inputs: dict[str, Array] = {"action": _actions(recorded.episode, reward.schema.action.kind == "discrete")[:, None]}
    for name in {*reward.program.state_fields, *reward.program.next_state_fields}:
        values = recorded.fields[name][:, None]
        inputs[f"state.{name}"], inputs[f"next_state.{name}"] = values[:-1], values[1:]
    begun = np.zeros((steps, 1), dtype=np.bool_)
    begun[0] = True
    scores = reward.score({name: inputs[name] for name in reward.inputs}, begun)
    terms = weighted(reward.program, scores.terms)
    courses = {TOTAL: total(reward.program, scores.terms), **terms}
    bad = next((name for name, values in courses.items() if not np.isfinite(values).all()), None)
    if bad is not None:
        raise CellFailed(f"the reward's {bad} is not finite in this episode", "output")
    return recorded.episode.model_copy(
        update={"courses": {name: tuple(values[:, 0].tolist()) for name, values in courses.items()}}
    )


def with_human_reward(recorded: Recorded) -> Episode:
    """The episode with the environment's own reward as its only course."""
    course = tuple(np.nan_to_num(recorded.human).tolist())
    return recorded.episode.model_copy(update={"courses": {OWN: course}})


def frames(env: BatchEnv, episode: Episode, wanted: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Play an episode again, and draw it before step 1 (number 0) and after the steps that are wanted.

    Args:
        env: of the episode's task, N = 1.
        episode: what happened.
        wanted: numbers from 0 to the episode's steps.

    Raises:
        UserError: the environment cannot be drawn here, or goes another way than the first time.
    """
    discrete = env.schema.action.kind == "discrete"
    actions = _actions(episode, discrete)
    env.reset(seed=episode.seed)
    chosen = set(wanted)
    if 0 in chosen:
        yield 0, env.render_frame()
    for step in range(1, episode.steps + 1):
        _, _, terminated, truncated, _ = env.step(actions[step - 1 : step])
        if step in chosen:
            yield step, env.render_frame()
        if step < episode.steps and (terminated[0] or truncated[0]):
            raise UserError(f"{env.schema.env_id} goes another way each time, with the same seed and actions")


def evenly(steps: int, count: int) -> list[int]:
    """At most `count` (at least 2) of the numbers from 0 to `steps`, first and last included, evenly spread."""
    return sorted({int(step) for step in np.linspace(0, steps, min(max(count, 2), steps + 1)).round()})


def check_fits(policy: Policy, env: BatchEnv, name: str) -> None:
    """Raise `UserError` where a policy is for another kind of environment."""
    kind, low, high = action_bounds(env.single_action_space)
    inputs = (env.single_observation_space.shape or (0,))[0]
    outputs = len(low) if kind == "continuous" else int(high[0]) + 1
    found = len(policy.low) if policy.kind == "continuous" else int(policy.high[0]) + 1
    if (len(policy.mean), policy.kind, found) != (inputs, kind, outputs):
        raise UserError(
            f"{name} is a policy for another environment: it sees {len(policy.mean)} numbers and chooses from "
            f"{_has(policy.kind, found)}; {env.schema.env_id} shows {inputs} and takes {_has(kind, outputs)}"
        )


def _has(kind: str, count: int) -> str:
    return f"{count} choices" if kind == "discrete" else f"{count} continuous actions"


def _actions(episode: Episode, discrete: bool) -> Array:
    """[T] int64, or [T, A] float32."""
    actions = np.array(episode.actions, dtype=np.float64)
    return actions[:, 0].astype(np.int64) if discrete else actions.astype(np.float32)
