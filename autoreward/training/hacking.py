"""Whether a training hacks its reward: own return rises, and the true aim no longer follows it.

A proxy goes with the true reward under the base policy, and not any more under optimisation (Laidlaw et al., ORPO,
https://arxiv.org/abs/2403.03185). The base policy is that of the first tenth of the training. Three kinds of it:

- `fell`: own return went with the aim at first and has risen since, and the aim has fallen;
- `flat`: the same, and the aim stays where it was, although it should have risen with so much own return;
- `lost`: success was reached and is lost, while own return is as high as it was, or higher.

The aim is the task's score, and success where it has none; `lost` looks at success alone. Everything is computed from
the training episodes, and from the evaluations, which have a say against it: a policy that succeeds without exploration
is not stopped. An alarm has to hold a tenth of the training before as well.

The term responsible is named by experiment: own return without each term in turn, over the same episodes.

Not seen: a reward that never went with the aim (a wrong sign), success that a task's own rule counts wrongly, episodes
too few to tell, and anything in the first two fifths of a training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from autoreward.training.contract import Evaluation, HackingAlarm
from autoreward.training.statistics import POINTS

LEAST = 30
"""Episodes of each stretch: a mean of fewer has an error of a fifth of their spread and more."""
CHECKS = tuple(range(4, POINTS))
"""After so many tenths of a training it is looked for: before, much is chance; later there is nothing left to save."""
HELD = 0.15
"""Rank correlation (Kendall's) with the aim from which own return goes with it; 30 episodes reach it by chance in 1 of
8 cases, so it has to be `SURE_HELD` errors from 0 as well."""
SURE_HELD = 2.0
ROSE = 1.0
"""Standard deviations of an episode's return by which own return has risen."""
SURE_ROSE = 5.0
"""Standard errors, many since six checks of every training look at two stretches each."""
FELL = 0.5
"""Standard deviations of an episode's score by which the aim has fallen."""
SURE_FELL = 4.0
EXPECTED = 0.5
"""By how much, in standard deviations, the aim should have risen at least (correlation times own return's rise) before
it is worth a word that it did not."""
FLAT = 0.25
"""Standard deviations up to which the aim stays where it was."""
FLAT_FROM = 0.6
"""Share of the training before which an aim that does not follow may only be slow."""
RISEN = 0.02
"""Rise of the success rate from which it does follow."""
FAILS = 0.5
"""Success rate from which nothing is stopped."""
EVALUATED = 0.1
"""The same for evaluations of a policy whose training episodes fail: exploration can hide success."""
LOST = 0.3
"""Fall of the success rate that is a loss however it came about ..."""
LEFT = 0.25
"""... and of rarer success the share that may be left, where own return rose on."""
MOST = 500
"""Episodes of a stretch that are compared pair by pair; evenly spaced, where it has more."""
RESTORED = 0.2
"""Rank correlation, and gain of it, from which leaving a term out restores that own return goes with the aim."""

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Kind = Literal["fell", "flat", "lost"]


@dataclass(frozen=True)
class _Change:
    """Of a mean, from one stretch to another: in standard deviations over its episodes, and in standard errors."""

    mean: float
    deviations: float
    errors: float


@dataclass(frozen=True)
class _Sign:
    """What has been found at one point of a training."""

    kind: Kind
    then: Bools
    now: Bools


def hacked(
    episodes: Mapping[str, Array], whole: int, now: int, evaluations: Callable[[], Sequence[Evaluation]] = tuple
) -> HackingAlarm | None:
    """The alarm, where own return and the true aim have parted ways by step `now`.

    Args:
        episodes: arrays [E] as in `episodes.npz`, in the order in which episodes ended; those after `now` are ignored.
        whole: environment steps of the whole training.
        now: of them so far.
        evaluations: gives those of policies up to now; only asked where there would be an alarm, since they take time.
    """
    past = {name: values[episodes["step"] <= now] for name, values in episodes.items()}
    sign = _sign(past, whole, now)
    if sign is None or _sign(past, whole, now - whole // POINTS) is None:
        return None
    if _speak_against(sign, past, evaluations()):
        return None
    return _alarm(sign, past, now)


def due(whole: int) -> list[int]:
    """The steps after which a training is looked at."""
    return [whole * tenths // POINTS for tenths in CHECKS]


def agreement(own: Array, aim: Array) -> float | None:
    """Rank correlation of own return [E] with an aim [E]: Kendall's tau, or Somers' D where there are ties.

    Of the pairs of episodes that differ in the aim, the share that own return orders alike less the share that it
    orders the other way. None where no pair differs in the aim, or own return is constant.
    """
    signs = np.sign(aim[:, None] - aim[None])
    pairs = np.abs(signs).sum()
    if not pairs or np.ptp(own) <= 1e-9 * max(1.0, float(np.abs(own).max())):
        return None
    return float((signs * np.sign(own[:, None] - own[None])).sum() / pairs)


def _sign(past: Mapping[str, Array], whole: int, now: int) -> _Sign | None:
    step, width = past["step"], max(whole // POINTS, 1)
    recent = _last(step, now, width)
    base = _first(step, width)
    if recent is None or base is None or (recent & base).any():
        return None
    return _lost(past, width, now, recent) or _parted(past, base, recent, now / whole)


def _parted(past: Mapping[str, Array], base: Bools, recent: Bools, share: float) -> _Sign | None:
    """`fell` or `flat`: own return went with the aim under the base policy, and the two have parted since."""
    own, aim = past["own_return"], _aim(past)[1]
    held, rose, moved = _agreement(own, aim, base), _change(own, base, recent), _change(aim, base, recent)
    success = past["success"].astype(np.float64)
    if held is None or held < max(HELD, SURE_HELD * _error(min(int(base.sum()), MOST))):
        return None
    if rose.deviations < ROSE or rose.errors < SURE_ROSE:
        return None
    if success[recent].mean() >= FAILS or _change(success, base, recent).mean > RISEN:
        return None
    if moved.deviations <= -FELL and moved.errors <= -SURE_FELL:
        return _Sign("fell", base, recent)
    if share >= FLAT_FROM and held * rose.deviations >= EXPECTED and abs(moved.deviations) <= FLAT:
        return _Sign("flat", base, recent)
    return None


def _lost(past: Mapping[str, Array], width: int, now: int, recent: Bools) -> _Sign | None:
    """Success was reached and is lost, while own return is as high or higher."""
    success, own = past["success"].astype(np.float64), past["own_return"]
    stretches = [_last(past["step"], end, width) for end in range(width, now + 1, width)]
    apart = [one for one in stretches if one is not None and not (one & recent).any()]
    if not apart:
        return None
    best = max(apart, key=lambda one: float(success[one].mean()))
    height, fall, rose = float(success[best].mean()), _change(success, best, recent), _change(own, best, recent)
    left = height + fall.mean
    if fall.errors > -SURE_FELL or left > height / 2:
        return None
    much = fall.mean <= -LOST and rose.errors > 0
    rare = left <= LEFT * height and rose.deviations >= ROSE and rose.errors >= SURE_ROSE
    return _Sign("lost", best, recent) if much or rare else None


def _speak_against(sign: _Sign, past: Mapping[str, Array], evaluations: Sequence[Evaluation]) -> bool:
    """Whether the latest evaluation succeeds where the training episodes do not."""
    if not evaluations:
        return False
    then = float(past["success"][sign.then].mean())
    return evaluations[-1].success_rate > (max(then / 2, EVALUATED) if sign.kind == "lost" else then + EVALUATED)


def _alarm(sign: _Sign, past: Mapping[str, Array], now: int) -> HackingAlarm:
    name, aim = ("success", past["success"].astype(np.float64)) if sign.kind == "lost" else _aim(past)
    own, score = past["own_return"], past["score"]
    both, without, term = _responsible(sign, past, aim)
    return HackingAlarm.model_validate(
        {
            "step": now,
            "since": int(past["step"][sign.then].max()),
            "kind": sign.kind,
            "aim": name,
            "own_return": _means(own, sign),
            "success": _means(past["success"], sign),
            "score": _means(score, sign) if np.isfinite(score).all() else None,
            "correlation": (_agreement(own, aim, sign.then), _agreement(own, aim, sign.now)),
            "both": both,
            "without": without,
            "term": term,
        }
    )


def _responsible(
    sign: _Sign, past: Mapping[str, Array], aim: Array
) -> tuple[float | None, dict[str, float], str | None]:
    """Rank correlation over both stretches, the same without each term, and the term that restores it when left out."""
    count = min(int(sign.then.sum()), int(sign.now.sum()))
    rows = np.concatenate([_spaced(sign.then, count), _spaced(sign.now, count)])
    own, aim = past["own_return"][rows], aim[rows]
    both, left = agreement(own, aim), _left(past)
    if both is None or not left:
        return both, {}, None
    found = {name: agreement(values[rows], aim) for name, values in left.items()}
    without = {name: value for name, value in found.items() if value is not None}
    best = max(without, key=lambda name: without[name], default=None)
    if best is None or without[best] < max(RESTORED, both + RESTORED):
        # Without its only term a return is nothing, which restores nothing.
        return both, without, next(iter(left)) if len(left) == 1 else None
    return both, without, best


def _left(past: Mapping[str, Array]) -> dict[str, Array]:
    """Own return [E] without each term; empty where it was not recorded, and is no sum of terms."""
    recorded = {name.removeprefix("without."): past[name] for name in past if name.startswith("without.")}
    terms = {name.removeprefix("term."): past[name] for name in past if name.startswith("term.")}
    if recorded or not terms:
        return recorded
    own = past["own_return"]
    # Not so in the grammar `signs`, whose total is made step by step of the signs of sums.
    added = np.allclose(sum(terms.values()), own, rtol=1e-3, atol=1e-3 * float(np.ptp(own)))
    return {name: own - values for name, values in terms.items()} if added else {}


def _aim(past: Mapping[str, Array]) -> tuple[str, Array]:
    if np.isfinite(past["score"]).all():
        return "score", past["score"].astype(np.float64)
    return "success", past["success"].astype(np.float64)


def _first(step: Array, width: int) -> Bools | None:
    """The episodes of the first tenth of a training, `LEAST` at least; None where there are not so many."""
    if len(step) < LEAST:
        return None
    found: Bools = step <= max(width, step[LEAST - 1])
    return found


def _last(step: Array, end: int, width: int) -> Bools | None:
    """The episodes of a tenth of a training up to a step, `LEAST` at least; None where there are not so many."""
    ended = int(np.searchsorted(step, end, side="right"))
    if ended < LEAST:
        return None
    begin = min(int(np.searchsorted(step, end - width, side="right")), ended - LEAST)
    found = np.zeros(len(step), dtype=np.bool_)
    found[begin:ended] = True
    return found


def _change(values: Array, then: Bools, now: Bools) -> _Change:
    before, after = values[then], values[now]
    moved, (one, two) = float(after.mean() - before.mean()), (float(before.var()), float(after.var()))
    spread, error = np.sqrt((one + two) / 2), np.sqrt(one / len(before) + two / len(after))
    return _Change(moved, moved / max(float(spread), 1e-12), moved / max(float(error), 1e-12))


def _agreement(own: Array, aim: Array, mask: Bools) -> float | None:
    rows = _spaced(mask, MOST)
    return agreement(own[rows], aim[rows])


def _spaced(mask: Bools, count: int) -> NDArray[np.int64]:
    """Rows of a mask, evenly spaced, `count` and `MOST` at most."""
    rows = np.flatnonzero(mask)
    kept = min(len(rows), count, MOST)
    return rows[np.linspace(0, len(rows) - 1, kept).astype(np.int64)]


def _error(count: int) -> float:
    """Standard error of Kendall's tau of `count` independent rows."""
    return float(np.sqrt(2 * (2 * count + 5) / (9 * count * (count - 1))))


def _means(values: Array, sign: _Sign) -> tuple[float, float]:
    return float(values[sign.then].mean()), float(values[sign.now].mean())
