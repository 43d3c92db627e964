"""The anatomy of a reward: what each term pays over recorded episodes, and what the reward were without it.

Lucy-SKG (Moschopoulos et al., 2023, https://arxiv.org/abs/2305.15801) came with a library that shows what the parts of
a reward pay, and left its parts out one by one to see what each is worth. Here nothing is trained again: recorded
episodes are paid for once more, by the reward without a term.

What that shows: whether a success still earns more than a failure. What it does not show: what a policy would become
that is trained without the term.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoreward.analyzer.contract import Anatomy, Count, Returns, Term
from autoreward.analyzer.recorded import Array
from autoreward.analyzer.scored import Scored
from autoreward.analyzer.shown import rounded, tell
from autoreward.analyzer.trends import correlation
from autoreward.critic.checks.saturation import NEAR
from autoreward.language.program import Program
from autoreward.schema import EnvSchema
from autoreward.task import Task
from autoreward.training.hacking import agreement

FEW = 3
"""A term of so many values is an event, and not saturated."""


def anatomy(program: Program, task: Task, schema: EnvSchema, episodes: Sequence[Scored]) -> Anatomy | None:
    """Compute it; None where no episode of a policy that was trained on the reward is recorded.

    Args:
        program: the reward.
        task: that it is for.
        schema: of the environment.
        episodes: of policies trained on it and of others, scored by it.
    """
    own = [one for one in episodes if one.source.own]
    if not own:
        return None
    names = list(own[0].episode.terms)
    sums = {name: float(np.mean([abs(one.episode.terms[name].sum(dtype=np.float64)) for one in own])) for name in names}
    whole = max(sum(sums.values()), 1e-12)
    terms = [_term(name, sums[name] / whole, program, episodes, own) for name in names]
    return Anatomy(
        grammar=program.grammar,
        trainings=tuple(dict.fromkeys(one.source.training for one in episodes)),
        own=_count(own),
        others=_count([one for one in episodes if not one.source.own]),
        whole=_returns(episodes, [one.value for one in episodes]),
        terms=tuple(sorted(terms, key=lambda term: -term.share)),
        shown=tuple(tell(title, one, task, schema, episodes) for title, one in _worth_showing(episodes, own)),
    )


def _count(episodes: Sequence[Scored]) -> Count:
    done = sum(one.episode.success for one in episodes)
    return Count(
        trainings=len({one.source.training for one in episodes}), successes=done, failures=len(episodes) - done
    )


def _returns(episodes: Sequence[Scored], values: Sequence[float]) -> Returns:
    paid, success = np.array(values), np.array([one.episode.success for one in episodes])
    own = np.array([one.source.own for one in episodes])
    ordered = agreement(paid, success.astype(np.float64))
    mixed = bool(success.any() and not success.all())
    return Returns(
        own=_mean(paid[own]),
        success=_mean(paid[success]),
        failure=_mean(paid[~success]),
        # Where all returns are equal, so is every pair.
        order=(1 + (ordered or 0.0)) / 2 if mixed else None,
    )


def _mean(values: Array) -> float | None:
    return rounded(float(values.mean())) if len(values) else None


def _term(name: str, share: float, program: Program, episodes: Sequence[Scored], own: Sequence[Scored]) -> Term:
    steps = np.concatenate([one.episode.terms[name] for one in own]).astype(np.float64)
    sums = np.array([one.episode.terms[name].sum(dtype=np.float64) for one in episodes])
    level, saturated = _end(steps)
    return Term(
        name=name,
        weight=program.weights.get(name),
        share=share,
        active=float((steps != 0).mean()),
        level=level,
        saturated=saturated,
        correlation=correlation(sums, np.array([one.episode.success for one in episodes])),
        score_correlation=correlation(sums, np.array([one.episode.score for one in episodes])),
        without=_returns(episodes, [one.without[name] for one in episodes]),
    )


def _end(values: Array) -> tuple[float | None, float]:
    """The end of a term's range that it has more often, and the share of the steps in which it lies there."""
    if len(np.unique(values)) <= FEW:
        return None, 0.0
    near = NEAR * float(np.ptp(values))
    shares = {float(end): float((np.abs(values - end) <= near).mean()) for end in (values.min(), values.max())}
    level = max(shares, key=lambda end: shares[end])
    return rounded(level), shares[level]


# Episodes that are shown -------------------------------------------------------------------------------------------


def _worth_showing(episodes: Sequence[Scored], own: Sequence[Scored]) -> list[tuple[str, Scored]]:
    """A typical success and the failure that is paid most: between these two the reward has to tell.

    Those of the reward's own policies go before those of others.
    """
    found = []
    for title, success in (("a typical success", True), ("the failure that is paid most", False)):
        kind = [one for one in own if one.episode.success is success] or [
            one for one in episodes if one.episode.success is success
        ]
        ranked = sorted(kind, key=lambda one: one.value)
        if ranked:
            found.append((title, ranked[len(ranked) // 2 if success else -1]))
    return found
