"""Plays rhythms, then searches for what pays a candidate's reward without success, and for success itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from autoreward.critic.checks.trial import Trial
from autoreward.critic.probing.loops import Loop, loops
from autoreward.critic.probing.playing import Floats, Paid, Steps, paid, play
from autoreward.critic.probing.policies import Array, Drive, linear, rhythms, scripted, sequences, there_and_back, width
from autoreward.critic.probing.search import Search
from autoreward.envs.contract import BatchEnv
from autoreward.envs.registry import make_env
from autoreward.task import Task

ROWS = 32
FEWER_ROWS = 16
"""Where environments are stepped one by one in Python."""
STARTS = (20_001, 20_002)
"""Seeds: every row begins in one of these two states, so that what behaviours earn can be compared."""
KNOTS = 40
"""Of a sequence of actions, spread over an episode of full length."""
FEATURES = 24
"""Numbers of an observation that a linear policy sees at most; of more it sees fixed random mixtures."""
STEPS = 60_000
"""Of all rows together that are played at most, so that a verdict is the clock's only on a slow machine."""
SCRIPTED_SHARE = 0.4
"""Of seconds and steps that rhythms may take; what is left is for the search."""


@dataclass(frozen=True)
class Episode:
    """What one behaviour came to, and what the candidate pays for it."""

    words: str
    start: int
    success: bool
    failed: bool
    ended: bool
    length: int
    worth: float
    early: float
    pace: float
    score: float
    """The task's own; without one, the length."""
    terms: dict[str, float]
    """Mean weighted pay of a step."""
    last: dict[str, Array]
    """What the program reads, in the last step."""


@dataclass
class Campaign:
    """Everything that was played."""

    episodes: list[Episode] = field(default_factory=list)
    loops: list[tuple[str, Loop]] = field(default_factory=list)
    """Behaviour, and the loop in it that pays most; of episodes without success."""
    steps: int = 0
    generations: int = 0
    searched: int = 0
    """Episodes of the search."""
    size: float = 0.0
    """Largest mean absolute pay of a step over the episodes of a round: what a loop's gain is measured by."""

    def tell(self, trial: Trial, words: list[str], starts: list[int], played: Steps, pay: Paid) -> None:
        """Take in what was played."""
        lengths = played.lengths
        for row, what in enumerate(words):
            last = int(lengths[row]) - 1
            self.episodes.append(
                Episode(
                    what,
                    starts[row],
                    bool(played.success[row]),
                    bool(played.failed[row]),
                    bool(played.ended[row]),
                    int(lengths[row]),
                    float(pay.worth[row]),
                    float(pay.early[row]),
                    float(pay.pace[row]),
                    float(played.task_score[row]),
                    {name: float(term[:, row].sum() / max(lengths[row], 1)) for name, term in pay.terms.items()},
                    {name: played.inputs[name][last, row] for name in trial.program.inputs},
                )
            )
        self.steps += int(played.counts.sum())
        self.size = max(self.size, float(np.abs(pay.reward).sum() / max(played.counts.sum(), 1)))


def carry_out(trial: Trial, task: Task, until: float, most: int = STEPS, seed: int = 0) -> Campaign:
    """Play until the clock says so.

    Args:
        trial: the candidate.
        task: of the trial.
        until: on the clock `time.monotonic`.
        most: steps of all rows after which no generation begins; so a machine fast enough finds the same each time.
        seed: of what is drawn.

    Raises:
        CellFailed: as `Trial.score`.
    """
    env = make_env(task.env, ROWS)
    if not env.together:
        env.close()
        env = make_env(task.env, FEWER_ROWS)
    try:
        return _Player(trial, task, env, until, np.random.default_rng(seed)).played(most)
    finally:
        env.close()


class _Player:
    def __init__(self, trial: Trial, task: Task, env: BatchEnv, until: float, rng: np.random.Generator) -> None:
        self._trial, self._task, self._env, self._until, self._rng = trial, task, env, until, rng
        self._names = sorted({name.partition(".")[2] for name in trial.program.inputs if "." in name})
        self._starts = [STARTS[row % 2] for row in range(env.num_envs)]
        self._campaign = Campaign()
        self._began = time.monotonic()

    def played(self, most: int) -> Campaign:
        obs = self._scripted(most)
        self._search(obs, most)
        return self._campaign

    def _one(self, words: list[str], drive: Drive, until: float) -> tuple[Steps, Paid]:
        limit = self._env.schema.step_limit
        played = play(self._env, self._task, drive, self._starts, self._names, limit, until)
        pay = paid(self._trial, played, self._task.trainer.gamma)
        self._campaign.tell(self._trial, words, self._starts, played, pay)
        return played, pay

    def _scripted(self, most: int) -> Array:
        """Each rhythm from both starts; the last observations say how observations are scaled."""
        kinds = rhythms(self._env.schema.action, self._rng)
        until = self._began + SCRIPTED_SHARE * (self._until - self._began)
        obs: list[Array] = []
        for first in range(0, len(kinds), self._env.num_envs // 2):
            late = 2 * time.monotonic() > until + self._began
            if obs and (late or 2 * self._campaign.steps > SCRIPTED_SHARE * most):
                break
            chosen = [kinds[(first + row // 2) % len(kinds)] for row in range(self._env.num_envs)]
            words = [rhythm.words for rhythm in chosen]
            played, pay = self._one(words, scripted(chosen), until)
            obs.append(played.obs)
            self._walk_loops(words, played, pay)
        return np.concatenate(obs)

    def _search(self, obs: Array, most: int) -> None:
        """Half of the rows look for success, half for pay without it; half of each in open loop, half with eyes."""
        count, half = width(self._env.schema.action), self._env.num_envs // 2
        hold = -(-self._env.schema.step_limit // KNOTS)
        features = _features(obs.astype(np.float64), self._rng)
        shapes = ((KNOTS, count), (features(obs[:1]).shape[1], count))
        searches = [[Search(shape, self._rng) for shape in shapes] for _ in range(2)]
        words = [f"{kind} that a search found" for kind in ("a sequence of actions", "a linear policy")]
        named = [words[0]] * half + [words[1]] * half
        took, last = 0.0, None
        while self._campaign.steps < most and time.monotonic() + 2 * took < self._until:  # one more is played after it
            began = time.monotonic()
            asked = [[search.ask(half // 2) for search in pair] for pair in searches]
            kinds = [np.concatenate(drawn) for drawn in zip(*asked, strict=True)]
            drive = _both(sequences(kinds[0], hold), linear(kinds[1], features), half)
            played, pay = self._one(named, drive, self._until)
            last = played, pay
            aims = _success_first(played, pay), np.where(played.success, -np.inf, pay.worth)
            for kind in range(2):
                for aim in range(2):
                    rows = slice(kind * half + aim * half // 2, kind * half + (aim + 1) * half // 2)
                    searches[aim][kind].tell(asked[aim][kind], aims[aim][rows])
            self._campaign.generations += 1
            self._campaign.searched += self._env.num_envs
            took = time.monotonic() - began
        if last is not None:
            self._walk_loops(named, *last)
            self._there_and_back(searches[0][0], hold)

    def _there_and_back(self, search: Search, hold: int) -> None:
        """What comes nearest to the task and leaves again, over ways of several lengths."""
        if search.best is None:
            return
        pairs = self._env.num_envs // 2
        lengths = np.geomspace(4, max(self._env.schema.step_limit // 2, 4), pairs).astype(int)
        turns = [int(lengths[row // 2]) for row in range(self._env.num_envs)]
        words = [f"approach and leave (a sequence that a search found, and back), {turn} steps a way" for turn in turns]
        drive = there_and_back(self._env.schema.action, search.best, hold, turns)
        played, pay = self._one(words, drive, self._until)
        self._walk_loops(words, played, pay)

    def _walk_loops(self, words: list[str], played: Steps, pay: Paid) -> None:
        found = loops(self._trial, played, pay)
        self._campaign.loops += [(words[loop.row], loop) for loop in found if not played.success[loop.row]]


def _both(first: Drive, second: Drive, half: int) -> Drive:
    """The first half of the rows driven by the one, the rest by the other."""
    return lambda step, obs: np.concatenate([first(step, obs[:half]), second(step, obs[half:])])


def _success_first(played: Steps, pay: Paid) -> Floats:
    """[N]: episodes with success by what they are worth, above all others by the task's own score."""
    spread = float(np.ptp(played.task_score)) + 1.0
    worth = pay.worth - pay.worth.min()
    return played.task_score + np.where(played.success, 10 * spread + worth / max(float(worth.max()), 1e-9), 0.0)


def _features(obs: Array, rng: np.random.Generator) -> Callable[[Array], Array]:
    """Observations [N, D] -> scaled, mixed where there are many, with a constant: [N, F]."""
    mean, std = obs.mean(axis=0), np.maximum(obs.std(axis=0), 1e-3)
    size = obs.shape[1]
    mixed = np.eye(size) if size <= FEATURES else rng.standard_normal((size, FEATURES)) / np.sqrt(size)

    def features(seen: Array) -> Array:
        scaled = np.clip((seen - mean) / std, -10, 10) @ mixed
        return np.concatenate([scaled / np.sqrt(scaled.shape[1]), np.ones((len(seen), 1))], axis=1)

    return features
