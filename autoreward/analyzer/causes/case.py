"""A candidate's trainings as the rules of the labels ask for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from autoreward.analyzer.recorded import Array, Training
from autoreward.analyzer.trends import correlation, known_mean, mean, shift, stretches, trend
from autoreward.schema import EnvSchema
from autoreward.task import Task
from autoreward.training.contract import TermStatistics
from autoreward.training.statistics import POINTS

SHORT = 0.8
"""An episode that ends before this share of the step limit was cut short: late falls of a policy that all but survives
are another thing than deaths."""


@dataclass(frozen=True)
class Case:
    """What the trainings of one candidate came to; every number is a mean over its seeds."""

    task: Task
    schema: EnvSchema
    trainings: tuple[Training, ...]
    """Those that ended well, one at least."""

    @cached_property
    def success(self) -> float:
        """Of the kept policies."""
        return mean(self.by_seed)

    @cached_property
    def by_seed(self) -> tuple[float, ...]:
        """Success of the kept policy on each seed."""
        finals = (training.result.final for training in self.trainings)
        return tuple(final.success_rate for final in finals if final is not None)

    @cached_property
    def best_seen(self) -> float:
        """The highest success of any evaluation, and of any tenth of a training."""
        rates = list(self.by_seed)
        for training in self.trainings:
            rates += [evaluation.success_rate for evaluation in training.result.evaluations]
            rates += training.result.train_success
        return max(rates, default=0.0)

    @cached_property
    def own_trend(self) -> float:
        """How steadily own return rose: its correlation with time."""
        return mean(trend(training.result.own_return) for training in self.trainings)

    @cached_property
    def score_rise(self) -> tuple[float, float]:
        """Of the score in the second half of the training: correlation with time, and rise in standard deviations."""
        found = [
            _rise(one.episodes["score"], one.episodes["step"], one.result.trained)
            for one in self.trainings
            if one.episodes
        ]
        return mean(trend_ for trend_, _ in found), mean(rise for _, rise in found)

    @cached_property
    def late_gain(self) -> float:
        """By how much success rose over the last three tenths of the training."""
        curves = [training.result.train_success for training in self.trainings]
        return mean(curve[-1] - curve[-3] for curve in curves if len(curve) >= 4)

    @cached_property
    def score_shift(self) -> float | None:
        """How far training moved the score, in its standard deviations; None where there is none."""
        return self._of_episodes(lambda rows, steps: shift(rows["score"], rows["step"], steps))

    @cached_property
    def length_shift(self) -> float | None:
        """The same of the episodes' length."""
        return self._of_episodes(lambda rows, steps: shift(rows["length"], rows["step"], steps))

    @cached_property
    def own_with_score(self) -> float | None:
        """Correlation of own return with the score, over training episodes."""
        return self._of_episodes(lambda rows, _: correlation(rows["own_return"], rows["score"]))

    @cached_property
    def own_with_success(self) -> float | None:
        """Correlation of own return with success, over training episodes."""
        return self._of_episodes(lambda rows, _: correlation(rows["own_return"], rows["success"]))

    @cached_property
    def own_with_length(self) -> float | None:
        """Correlation of own return with length, over training episodes."""
        return self._of_episodes(lambda rows, _: correlation(rows["own_return"], rows["length"]))

    @cached_property
    def own_spread(self) -> float | None:
        """Standard deviation of own return over training episodes, as a share of its mean size."""

        def spread(rows: dict[str, Array], _: int) -> float:
            return float(rows["own_return"].std() / max(float(np.abs(rows["own_return"]).mean()), 1e-9))

        return self._of_episodes(spread)

    @cached_property
    def pay_each_step(self) -> tuple[float, float] | None:
        """Own return of a step, mean and standard deviation over the episodes of the last quarter of the training."""
        means, spreads = [], []
        for training in self.trainings:
            if rows := training.episodes:
                late = rows["step"] > 0.75 * training.result.trained
                rate = (rows["own_return"] / np.maximum(rows["length"], 1))[late]
                if len(rate):
                    means.append(float(rate.mean()))
                    spreads.append(float(rate.std()))
        return (mean(means), mean(spreads)) if means else None

    @cached_property
    def late_length(self) -> float:
        """Mean length of the final evaluation's episodes as a share of the step limit."""
        finals = (training.result.final for training in self.trainings)
        return mean(final.length for final in finals if final) / self.schema.step_limit

    @cached_property
    def deaths(self) -> tuple[float, float, str]:
        """Share of final episodes cut short in failure, their mean length in steps, and the outcome most had."""
        shares, lengths, causes = [], [], Counter[str]()
        for training in self.trainings:
            if not (final := training.final):
                continue
            short = ~final["success"].astype(bool) & (final["length"] < SHORT * self.schema.step_limit)
            shares.append(float(short.mean()))
            lengths += final["length"][short].tolist()
            for name in self.task.outcomes:
                causes[name] += int((final.get(f"outcome.{name}", np.zeros(len(short))).astype(bool) & short).sum())
        name, count = causes.most_common(1)[0] if causes else ("", 0)
        return mean(shares), mean(lengths), name if count >= 0.5 * max(len(lengths), 1) else ""

    @cached_property
    def falls(self) -> tuple[float, ...]:
        """On each seed, how far success lay below its highest evaluation at the end."""
        courses = [[each.success_rate for each in training.result.evaluations] for training in self.trainings]
        return tuple(max(course) - course[-1] for course in courses if course)

    @cached_property
    def terms(self) -> dict[str, tuple[TermStatistics, ...]]:
        """Each term's statistics, seed by seed."""
        names = dict.fromkeys(name for training in self.trainings for name in training.result.terms)
        return {
            name: tuple(one.result.terms[name] for one in self.trainings if name in one.result.terms) for name in names
        }

    def share(self, name: str) -> float:
        """A term's share of the absolute return."""
        return mean(entry.share for entry in self.terms[name])

    def goes_with(self, name: str) -> float | None:
        """A term's correlation with success; where that is not known, with the score."""
        success = known_mean(entry.success_correlation for entry in self.terms[name])
        return known_mean(entry.score_correlation for entry in self.terms[name]) if success is None else success

    def fired(self, name: str) -> float:
        """Share of the training episodes in which a term's sum was not 0."""
        rates = []
        for training in self.trainings:
            sums = training.episodes.get(f"term.{name}")
            if sums is not None:
                rates.append(float((sums != 0).mean()))
            elif name in training.result.terms:
                entry = training.result.terms[name]
                rates.append(0.0 if entry.constant and entry.mean == 0.0 else 1.0)
        return mean(rates)

    def _of_episodes(self, number: Callable[[dict[str, Array], int], float | None]) -> float | None:
        found = [number(one.episodes, one.result.trained) for one in self.trainings if one.episodes]
        return known_mean(value for value in found if value is None or np.isfinite(value))


def _rise(values: Array, step: Array, steps: int) -> tuple[float, float]:
    means, used = stretches(np.asarray(values, dtype=np.float64), step, steps)
    late, spread = means[used >= POINTS // 2], float(values.std())
    if len(late) < 4 or not np.isfinite(late).all() or spread <= 1e-9:
        return 0.0, 0.0
    return trend(late.tolist()), float(late[-1] - late[0]) / spread
