"""Successive halving: all candidates train a little, the better half goes on to twice the steps, and so to the end.

Jamieson and Talwalkar 2016, Non-stochastic Best Arm Identification and Hyperparameter Optimization,
https://arxiv.org/abs/1502.07943. Candidates are compared by true success and score, as everywhere in the search. A rung
is the same training taken to fewer steps, from whose checkpoint it goes on: nothing is trained twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from autoreward.errors import UserError
from autoreward.search.trainings import rank
from autoreward.task import Task

ERRORS = 2.0
"""Standard errors within which two success rates cannot be told apart."""
TOLERANCE = 0.05
"""How much lower a score may be that cannot be told apart, as a share of the range of scores at the rung."""


@dataclass(frozen=True)
class Standing:
    """A candidate at a rung."""

    index: int
    success: float
    """Mean over its seeds."""
    score: float | None
    episodes: int
    """Evaluation episodes of all its seeds."""


def rungs(task: Task, halvings: int) -> tuple[int, ...]:
    """The steps that trainings are taken to, one after the other; the last are the task's.

    A rung is the number of whole rollouts that is nearest to its share, since a rollout that a rung cuts short would
    make another training of it.

    Args:
        task: with its trainer's settings.
        halvings: how often the field is halved, H; the first rung is at `steps / 2**H`.

    Raises:
        UserError: the training is too short for so many, or its trainer cannot go on from where it was.
    """
    if not halvings:
        return (task.steps,)
    if task.trainer.name == "sb3":
        raise UserError("--halvings needs trainings that go on, and those of sb3 begin anew; leave one of the two out")
    rollout = task.trainer.num_envs * task.trainer.rollout
    found = [rollout * round(task.steps / 2**left / rollout) for left in range(halvings, 0, -1)]
    if found[0] == 0 or len({*found, task.steps}) <= halvings:
        raise UserError(
            f"--halvings {halvings} is too much for trainings of {task.steps:,} steps: a rung is a whole number of "
            f"rollouts of {rollout:,} steps. Halve less often, or type a smaller --trainer.rollout"
        )
    return (*found, task.steps)


def places(candidates: int, rung: int) -> int:
    """How many of a round's candidates go on from a rung (from 0): half, a quarter ..., rounded up."""
    return -(-candidates // (2 << rung))


def most_steps(candidates: int, rungs_: Sequence[int], extra: int = 1) -> int:
    """Environment steps that a round takes on one seed, at most.

    Args:
        candidates: that are trained.
        rungs_: as `rungs` gives them.
        extra: candidates kept at each rung beyond its places; `survivors` keeps one at most.
    """
    total, before, going = 0, 0, candidates
    for rung, steps in enumerate(rungs_):
        total += going * (steps - before)
        before, going = steps, min(going, places(candidates, rung) + extra)
    return total


def ranked(field: Sequence[Standing]) -> list[Standing]:
    """The best first; of equals the earlier candidate."""
    return sorted(field, key=lambda one: (*(-part for part in rank(one.success, one.score)), one.index))


def survivors(field: Sequence[Standing], count: int) -> list[Standing]:
    """Who goes on from a rung: the best `count`, and at most one more, the next, where it may only be a slow starter.

    The next one goes on where it cannot be told from the last of the best: their success rates differ by two standard
    errors of that difference at most (binomial, both rates pooled: sqrt(p (1 - p) (1/n + 1/m)) over their n and m
    episodes), and its score is lower by at most 5% of the range of scores among all at this rung. Where the task has no
    score, success alone tells; so all at 0 keep one more.
    """
    order = ranked(field)
    best, rest = order[:count], order[count:]
    return [*best, rest[0]] if best and rest and _alike(best[-1], rest[0], _range(order)) else best


def _alike(last: Standing, following: Standing, scores: float) -> bool:
    episodes = last.episodes + following.episodes
    pooled = (last.success * last.episodes + following.success * following.episodes) / episodes
    variance = max(pooled * (1.0 - pooled), 0.0)  # rounding may leave less than nothing of it
    error = math.sqrt(variance * (1.0 / last.episodes + 1.0 / following.episodes))
    if last.success - following.success > ERRORS * error:
        return False
    if last.score is None or following.score is None:
        return last.score == following.score
    return last.score - following.score <= TOLERANCE * scores


def _range(field: Sequence[Standing]) -> float:
    scores = [one.score for one in field if one.score is not None]
    return max(scores) - min(scores) if scores else 0.0
