"""Whether every reward fails alike, the environment's own too: then it is not the reward, and why it may be."""

from __future__ import annotations

from collections.abc import Sequence

from autoreward.analyzer.causes.case import Case
from autoreward.analyzer.causes.hidden import hidden_from_policy
from autoreward.analyzer.causes.learnt import LATE, LOST, NEVER, RISING, TREND
from autoreward.analyzer.recorded import Training
from autoreward.designer.contract import Finding
from autoreward.schema import EnvSchema
from autoreward.task import Task

FAILS = 0.1
"""Success up to which a policy fails: ten times what chance may give, a ninth of what counts as solved."""
MOST = 0.5
"""Share of the trainings that a reason must hold for."""

Reason = tuple[str, str, str]
"""Its name, what shows it, and what to try."""


def hopeless(
    task: Task, schema: EnvSchema, candidates: Sequence[Sequence[Training]], reference: Sequence[Training]
) -> Finding | None:
    """The finding `not_the_reward` where no policy of any reward comes above 10% success.

    Trainings that were stopped because they hacked their reward are no evidence of it: there it was the reward.

    Args:
        task: what all of them were trained for.
        schema: the environment's fields.
        candidates: the trainings of each candidate that had the task's whole steps.
        reference: those of the reward that somebody else wrote for it: the environment's own, or a pack's.

    Returns:
        None where some policy does better, or either side has no training that came to its end.
    """
    designed, own = _ended([one for trainings in candidates for one in trainings]), _ended(reference)
    whole = [one for one in designed if one.result.stopped is None]
    if not whole or not own or any(_success(one) > FAILS for one in (*designed, *own)):
        return None
    trainings = (*whole, *own)
    case = Case(task, schema, trainings)
    reasons = [reason for rule in (_unstable, _hidden, _too_short, _never) if (reason := rule(case))]
    reasons = reasons or [
        ("unknown", "no single reason holds for half of the trainings", "an easier start or success rule")
    ]
    shown = "; ".join(shown for _, shown, _ in reasons)
    best = max(map(_success, trainings))
    return Finding(
        diagnosis="not_the_reward",
        text=f"none of {len(candidates)} designed rewards, nor the one that was there, brings a policy above "
        f"{FAILS:.0%} success ({best:.0%} at best, {len(trainings)} trainings): {shown}",
        suggestion=f"Try {', or '.join(advice for _, _, advice in reasons)}",
        evidence={"best": best, "trainings": float(len(trainings)), **{name: 1.0 for name, _, _ in reasons}},
    )


def _ended(trainings: Sequence[Training]) -> list[Training]:
    return [one for one in trainings if one.result.status == "ok" and one.result.final is not None]


def _success(training: Training) -> float:
    return training.result.final.success_rate if training.result.final else 0.0


def _unstable(case: Case) -> Reason | None:
    """The learner reaches success and loses it, whatever it is paid for."""
    lost = sum(fall >= LOST for fall in case.falls)
    if lost < MOST * len(case.trainings):
        return None
    shown = f"success was reached and lost in {lost} of {len(case.trainings)} trainings, so the learner is unstable"
    return "unstable", shown, "a smaller --trainer.learning-rate, or more --trainer.num-envs"


def _hidden(case: Case) -> Reason | None:
    """Success hangs on a field that the policy neither sees nor can tell from what it sees."""
    if not (found := hidden_from_policy(case)):
        return None
    shown = f"the policy neither sees {' and '.join(found)}, which success reads, nor can tell it from what it sees"
    return "hidden", shown, "an environment whose observation tells it, or another success rule"


def _too_short(case: Case) -> Reason | None:
    """Most trainings were still getting better when their steps ran out."""
    rising = 0
    for training in case.trainings:
        one = Case(case.task, case.schema, (training,))
        steady, moved = one.score_rise
        scoring = steady >= TREND and moved >= LATE
        rising += one.late_gain >= RISING or scoring
    if rising < MOST * len(case.trainings):
        return None
    shown = f"{rising} of {len(case.trainings)} trainings were still getting better at their end"
    return "budget", shown, f"more steps than {case.task.steps:,} (--steps)"


def _never(case: Case) -> Reason | None:
    """No policy has ever come across success."""
    if case.best_seen > NEVER:
        return None
    return (
        "never",
        "success was never reached by any policy",
        "an easier tier or start, or a success rule that begins nearer",
    )
