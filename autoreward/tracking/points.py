"""What is told of a training, as points of named curves over its environment steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from autoreward.training.contract import Evaluation, Progress, TrainingResult

Point = tuple[int, dict[str, float]]
"""Environment steps, and the value of each curve there."""


def of_progress(progress: Progress) -> dict[str, float]:
    """Means over the last training episodes: `training/success`, `term/reach`, `outcome/fell` ..."""
    return _finite({_name(name): value for name, value in progress.recent.items()})


def of_evaluation(evaluation: Evaluation, kind: str = "evaluation") -> dict[str, float]:
    """`evaluation/success` and the like, of the true aim."""
    found = {"success": evaluation.success_rate, "score": evaluation.score, "length": evaluation.length}
    found |= {f"outcome/{name}": share for name, share in evaluation.outcomes.items()}
    found |= {f"measure/{name}": mean for name, mean in evaluation.measures.items()}
    return _finite({f"{kind}/{name}": value for name, value in found.items()})


def of_curves(result: TrainingResult) -> Iterator[Point]:
    """The curves of a training that was not watched: about ten points."""
    for at, step in enumerate(result.points):
        values = {"training/own_return": result.own_return[at], "training/success": result.train_success[at]}
        values |= {f"term/{name}": term.curve[at] for name, term in result.terms.items()}
        yield step, _finite(values)


def _name(column: str) -> str:
    """`term/reach` for the column `term.reach` of an episode log; `training/success` for `success`."""
    kind, _, name = column.partition(".")
    return f"{kind}/{name}" if name else f"training/{kind}"


def _finite(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None and math.isfinite(value)}
