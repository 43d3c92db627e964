"""Recorded episodes with true outcomes: a success must earn more than a failure.

CARD's trajectory preference evaluation (Sun et al., 2025) made strict: episodes of one kind alone are no evidence, all
pairs are counted, and an episode is worth what a learner makes of it, its discounted return.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.critic.checks.outcome import Outcome, fault, no_evidence, suspicion
from autoreward.critic.checks.trial import Trial
from autoreward.critic.contract import Shown
from autoreward.critic.probing.playing import Paid, Steps, paid
from autoreward.critic.stored import Episode, origin_of_program
from autoreward.errors import CellFailed
from autoreward.task import Task

LEAST = 4
"""Episodes of each kind."""
ORIGINS = 2
"""Rewards that their policies were trained on: of one alone, its policies are told apart and not outcomes."""
TRAININGS = 3
"""Of each kind, before a reward is refused: two may differ by more than their outcomes. With so many, hardly a reward
that trains its task is suspect (`docs/critic-and-analyzer.md`, Measured)."""
LOW = 0.8
"""Share of pairs below which the order is suspect, by worth and by plain return alike."""
FEW = 0.2
"""Share of successes that are worth more than the best failure below which that failure is suspect, likewise."""
TIE = 1e-6
"""Of the largest worth: what is closer is equal."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Ranked:
    """What a candidate pays for N episodes."""

    episodes: Sequence[Episode]
    paid: Paid
    success: Bools
    """[N]."""

    @property
    def returns(self) -> Floats:
        """[N]: what all steps pay together."""
        return np.asarray(self.paid.reward.sum(axis=0))

    def beats_best(self, worth: Floats) -> float:
        """Share of the successes that are worth more than the best failure."""
        return float((worth[self.success] > worth[~self.success].max()).mean())

    def accuracy(self, worth: Floats) -> float:
        """Share of the pairs of a success and a failure in which the success is worth more; a tie counts half."""
        return float(_wins(worth, self.success).mean())

    def trainings(self, success: bool) -> int:
        """How many trainings the episodes of one kind come from."""
        return len({episode.training for episode in self.episodes if (episode.kind == "success") == success})


def check(trial: Trial) -> Outcome:
    """Score the stored episodes, and compare each success with each failure."""
    if trial.task is None or trial.stored is None:
        return no_evidence("no episodes with outcomes are given")
    fields = sorted({name.partition(".")[2] for name in trial.program.inputs if "." in name})
    episodes = trial.stored.episodes(fields, origin_of_program(trial.program.source))
    if lacking := _lacking(episodes, trial):
        return no_evidence(lacking, _tried(episodes))
    try:
        return judged(trial, ranked(trial, trial.task, episodes))
    except CellFailed as error:
        if error.reason not in ("output", "exception"):
            raise
        told = f"in episodes of trained policies it fails, as a training would that comes there: {error}"
        return suspicion(told, tried=_tried(episodes))


def ranked(trial: Trial, task: Task, episodes: Sequence[Episode]) -> Ranked:
    """Score episodes as one padded chunk, in one call of the cell; memory begins anew with each.

    Raises:
        CellFailed: as `Trial.score`.
    """
    steps = chunk(episodes, task, trial.schema.step_limit)
    return Ranked(episodes, paid(trial, steps, task.trainer.gamma), steps.success)


def chunk(episodes: Sequence[Episode], task: Task, limit: int) -> Steps:
    """N episodes side by side, each padded with its last step.

    Args:
        episodes: one at least, all with the same fields.
        task: says whether a success ends its episode.
        limit: steps after which an episode is cut off.
    """
    lengths = np.array([len(episode) for episode in episodes])
    longest = int(lengths.max())
    counts = np.arange(longest)[:, None] < lengths
    begun = np.zeros_like(counts)
    begun[0] = True
    inputs = {"action": _columns([episode.action for episode in episodes], longest)}
    for name in episodes[0].fields:
        inputs[f"state.{name}"] = _columns([episode.fields[name][:-1] for episode in episodes], longest)
        inputs[f"next_state.{name}"] = _columns([episode.fields[name][1:] for episode in episodes], longest)
    success = np.array([episode.kind == "success" for episode in episodes])
    ended = (lengths < limit) | (success & task.success.ends_episode)
    scores = np.array([episode.score for episode in episodes])
    return Steps(inputs, begun, counts, success, ~success, ended, scores, np.zeros((len(lengths), 0)))


def judged(trial: Trial, found: Ranked) -> Outcome:
    """The verdict. Only where worth and plain return agree that failing pays is it more than a note."""
    tried = _tried(found.episodes)
    worth, returns = found.paid.worth, found.returns
    shares = found.accuracy(worth), found.accuracy(returns)
    beaten = found.beats_best(worth), found.beats_best(returns)
    told = (
        f"a success earns more than a failure in {shares[0]:.0%} of the pairs ({shares[1]:.0%} undiscounted), and more "
        f"than the best failure in {beaten[0]:.0%} of the successes ({beaten[1]:.0%}){_agreement(found)}"
    )
    if max(shares) >= LOW and max(beaten) >= FEW:
        return Outcome(message=told, tried=tried)
    advice = f"{told}; the best failure is paid by {_payers(found)}. Let success earn more than what fails"
    enough = min(found.trainings(True), found.trainings(False)) >= TRAININGS
    return (fault if enough else suspicion)(advice, _rows(trial, found), tried)


def kendall(first: Floats, second: Floats) -> float | None:
    """Kendall's tau-b of two rankings [N]; None where either is constant.

    Of returns and preferences it is the trajectory alignment coefficient (Muslimani et al., 2025).
    """
    one, other = np.sign(first[:, None] - first), np.sign(second[:, None] - second)
    size = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum() / size) if size else None


def _columns(episodes: list[NDArray[Any]], longest: int) -> NDArray[Any]:
    rows = np.arange(longest)
    return np.stack([values[np.minimum(rows, len(values) - 1)] for values in episodes], axis=1)


def _wins(worth: Floats, success: Bools) -> Floats:
    """[successes, failures]: 1 where the success is worth more, 0.5 where they are equal."""
    more = worth[success][:, None] - worth[~success]
    tie = np.abs(more) <= TIE * np.abs(worth).max()
    return np.where(tie, 0.5, (more > 0).astype(np.float64))


def _lacking(episodes: Sequence[Episode], trial: Trial) -> str:
    """What is missing to compare; empty where nothing is."""
    assert trial.stored is not None and trial.task is not None
    train = f"`autoreward train FILE --env {trial.task.name} --baselines` or a run leaves some"
    if not episodes:
        return f"no other reward's episodes of the task are kept in {trial.stored.folder.parent} yet; {train}"
    done = sum(episode.kind == "success" for episode in episodes)
    if done in (0, len(episodes)):
        return (
            f"all {len(episodes)} stored episodes {'succeed' if done else 'fail'}, so nothing can be compared; {train}"
        )
    if min(done, len(episodes) - done) < LEAST or len({episode.origin for episode in episodes}) < ORIGINS:
        return f"it takes {LEAST} episodes of each kind, and of {ORIGINS} rewards together; {train}"
    return ""


def _tried(episodes: Sequence[Episode]) -> str:
    parts = []
    for kind, words in (("success", "successes"), ("failure", "failures")):
        origins = {episode.origin for episode in episodes if episode.kind == kind}
        count = sum(episode.kind == kind for episode in episodes)
        parts.append(f"{count} {words} of {len(origins)} reward{'' if len(origins) == 1 else 's'}")
    return " and ".join(parts)


def _agreement(found: Ranked) -> str:
    scores = np.array([episode.score for episode in found.episodes])
    if not np.isfinite(scores).all() or (tau := kendall(found.paid.worth, scores)) is None:
        return ""
    return f"; pay and the task's score agree by {tau:.2f} (Kendall's tau)"


def _payers(found: Ranked) -> str:
    sums = _sums(found, _extremes(found)[0])
    best = sorted((name for name in sums if sums[name] > 0), key=lambda name: -sums[name])
    return ", ".join(f"`{name}`" for name in best[:3]) or "no term: others cost more"


def _extremes(found: Ranked) -> tuple[int, int]:
    """The failure that is worth most, and the success that is worth least."""
    worth = found.paid.worth
    return int(np.where(found.success, -np.inf, worth).argmax()), int(np.where(found.success, worth, np.inf).argmin())


def _sums(found: Ranked, place: int) -> dict[str, float]:
    return {name: float(pay[:, place].sum()) for name, pay in found.paid.terms.items()}


def _rows(trial: Trial, found: Ranked) -> tuple[Shown, ...]:
    unit = trial.task.score.unit if trial.task and trial.task.score else ""
    rows = []
    for place in _extremes(found):
        episode = found.episodes[place]
        values = {"worth": f"{found.paid.worth[place]:.4g}", "return": f"{found.returns[place]:.4g}"}
        if np.isfinite(episode.score):
            values["score"] = f"{episode.score:.4g} {unit}".rstrip()
        values |= {f"{name} in all": f"{pay:.4g}" for name, pay in _sums(found, place).items()}
        where = f"{episode.kind}: episode {episode.number} of training {episode.training} on {episode.origin}"
        rows.append(Shown(where=f"{where}, {len(episode)} steps", values=values))
    return tuple(rows)
