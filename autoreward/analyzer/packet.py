"""What is computed of a candidate beside its label, findings and episodes, for whoever designs or analyses the next."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np

from autoreward.analyzer.recorded import Array, Training
from autoreward.analyzer.telling import number, recorded_episodes
from autoreward.analyzer.trends import stretches
from autoreward.designer.contract import Course, Measured, PastCandidate
from autoreward.llm.reading import what_runs
from autoreward.training.statistics import POINTS

OFTEN = 0.5
"""Share of the steps from which a term at its largest or smallest value is worth a word."""
DIFF_LINES = 5
DIFF_WIDTH = 80
TRIED = 3


def measured(told: Training, trainings: Sequence[Training]) -> Measured:
    """What the files of a candidate's trainings say.

    Args:
        told: the training that is told of.
        trainings: all of them; of the others only success is told.
    """
    others = {one.seed: tuple(each.success_rate for each in one.result.evaluations) for one in trainings}
    others.pop(told.seed, None)
    return Measured(
        seed=told.seed,
        others=others,
        course=_course(told.episodes, told.result.trained) if told.episodes else None,
        saturation=_saturation(told.final) if told.final else {},
    )


def _course(episodes: dict[str, Array], steps: int) -> Course:
    _, used = stretches(episodes["step"], episodes["step"], steps)

    def means(name: str) -> tuple[float, ...]:
        return tuple(stretches(episodes[name], episodes["step"], steps)[0].tolist())

    outcomes = [name for name in episodes if name.startswith("outcome.") and episodes[name].any()]
    return Course(
        points=tuple(int(steps * (index + 1) // POINTS) for index in used),
        success=means("success"),
        length=means("length"),
        own_return=means("own_return"),
        score=means("score") if np.isfinite(episodes["score"]).all() else (),
        outcomes={name.removeprefix("outcome."): means(name) for name in outcomes},
    )


def _saturation(final: dict[str, Array]) -> dict[str, float]:
    found: dict[str, list[Array]] = {}
    for episode in recorded_episodes(final):
        for name, values in episode.terms.items():
            found.setdefault(name, []).append(values)
    shares = {name: _at_an_end(np.concatenate(values)) for name, values in found.items()}
    return {name: share for name, share in shares.items() if share >= OFTEN}


def _at_an_end(values: Array) -> float:
    """Share of the steps at the largest or the smallest value, whichever is had more often."""
    return float(max((values == values.max()).mean(), (values == values.min()).mean())) if len(values) else 0.0


def change(candidate: PastCandidate, parent: PastCandidate) -> str:
    """What differs from the candidate that one was made from, and what became of success, score and length."""
    before, after = _lines(parent.source), _lines(candidate.source)
    lines = [
        line[:DIFF_WIDTH]
        for line in difflib.unified_diff(before, after, lineterm="", n=0)
        if line.strip("+- ") and not line.startswith(("---", "+++", "@@"))
    ]
    if len(lines) > DIFF_LINES:
        lines = [*lines[:DIFF_LINES], f"... and {len(lines) - DIFF_LINES} more changed lines"]
    return "\n".join([_became(candidate, parent), *(lines or ["(the program is the same)"])])


def _lines(source: str) -> list[str]:
    """A program's lines without comments, each weight on a line of its own."""
    lines = what_runs(source).splitlines()
    return [part for line in lines for part in (line.split(", ") if line.startswith("WEIGHTS") else [line])]


def _became(candidate: PastCandidate, parent: PastCandidate) -> str:
    told = [f"success {_known(parent.success_rate)} -> {_known(candidate.success_rate)}"]
    told += [f"score {_known(parent.score)} -> {_known(candidate.score)}"] if candidate.score is not None else []
    lengths = [past.evaluations[-1].length if past.evaluations else None for past in (parent, candidate)]
    told += [f"length {_known(lengths[0])} -> {_known(lengths[1])} on the seed told of"] if all(lengths) else []
    return ", ".join(told)


def _known(value: float | None) -> str:
    return "-" if value is None else number(value)


def tried(history: Sequence[PastCandidate], candidate: PastCandidate) -> list[PastCandidate]:
    """Earlier candidates that a reader should not ask for again: the latest that were trained, the parent left out."""
    trained = [
        past
        for past in history
        if past.status == "trained"
        and (past.round, past.index) not in (candidate.parent, (candidate.round, candidate.index))
    ]
    return trained[-TRIED:]
