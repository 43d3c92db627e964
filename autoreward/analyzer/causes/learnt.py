"""Labels of what was learnt: solved, still rising, lost again, cut short by deaths, never seen."""

from __future__ import annotations

from autoreward.analyzer.causes.case import Case
from autoreward.analyzer.causes.hidden import hidden_from_policy
from autoreward.designer.contract import Finding

SOLVED = 0.9
"""Success rate from which a task counts as solved."""
NEVER = 0.01
"""Success up to this was not seen: one episode of a hundred is what chance gives on many tasks."""
RISING = 0.1
"""By how much success must have risen over the last three tenths: two standard errors of 100 episodes at 50%."""
TREND = 0.7
"""Correlation with time from which a curve rises; four points by chance reach it in 15% of cases, ten in 1%."""
MOVED = 0.5
"""Standard deviations by which training must move a number of episodes to count: a medium effect (Cohen 1988)."""
LATE = 0.3
"""Standard deviations by which the score must rise in the second half alone: more than its last points scatter."""
LOST = 0.3
"""How far success must fall from its height to count as lost: three standard errors of 20 episodes."""
APART = 0.5
"""Difference in success between seeds from which luck decides rather than the reward."""
DEATHS = 0.5
"""Share of the final episodes that must be cut short in failure: then that is what most of them teach."""


def solved(case: Case) -> Finding | None:
    """The task is done on every seed."""
    if case.success < SOLVED:
        return None
    return Finding(
        diagnosis="solved",
        text=f"{case.success:.0%} of the evaluation episodes succeed, over {len(case.by_seed)} seed(s)",
        suggestion="Keep the structure.",
        evidence={"success_rate": case.success},
    )


def budget_too_short(case: Case) -> Finding | None:
    """Success, or where none was seen the score, was still rising when the steps ran out."""
    steady, moved = case.score_rise
    scoring = case.best_seen <= NEVER and steady >= TREND and moved >= LATE
    if case.late_gain < RISING and not scoring:
        return None
    rose = f"success rose by {case.late_gain:.0%} in the last three tenths of the training"
    return Finding(
        diagnosis="budget_too_short",
        text=f"the score rose to the end, by {moved:.1f} standard deviations in the second half" if scoring else rose,
        suggestion="The direction is right: keep the structure; what leads to success may weigh more, to be faster.",
        evidence={"late_gain": case.late_gain, "score_trend": steady, "score_rise": moved},
    )


def lost_again(case: Case) -> Finding | None:
    """Success was reached and lost again, on half of the seeds at least."""
    lost = sum(fall >= LOST for fall in case.falls)
    if lost < max(1.0, len(case.falls) / 2):
        return None
    fell = f"success fell by up to {max(case.falls):.0%} from its height to the end"
    return _unstable(f"{fell}, on {lost} of {len(case.falls)} seeds", {"fall": max(case.falls)})


def seeds_apart(case: Case) -> Finding | None:
    """One seed learns the task and another does not."""
    apart = max(case.by_seed) - min(case.by_seed)
    if apart < APART:
        return None
    return _unstable(f"seeds differ by {apart:.0%} in success: luck decides whether it is learnt", {"apart": apart})


def _unstable(text: str, evidence: dict[str, float]) -> Finding:
    return Finding(
        diagnosis="unstable_learning",
        text=text,
        suggestion="Keep what works; make the first steps towards success pay more surely, and extreme pay smaller.",
        evidence=evidence,
    )


def ending_pays(case: Case) -> Finding | None:
    """Most episodes end early in failure, and each step costs, so that an early end is the better paid one."""
    related = case.own_with_length
    costs = case.pay_each_step is not None and case.pay_each_step[0] < 0
    if case.deaths[0] < DEATHS or related is None or related > -TREND or not costs:
        return None
    text = f"{_deaths(case)}; steps cost, and own return is the higher the shorter an episode is ({related:.2f})"
    return Finding(
        diagnosis="premature_death",
        text=text,
        suggestion="Let no step cost more than what is lost by the end: charge for the end, or pay for lasting.",
        evidence={"share": case.deaths[0], "length": case.deaths[1], "own_with_length": related},
    )


def premature_death(case: Case) -> Finding | None:
    """Most of the final episodes end early in failure; the outcome that most of them have is the cause."""
    if case.deaths[0] < DEATHS:
        return None
    return Finding(
        diagnosis="premature_death",
        text=_deaths(case),
        suggestion="Charge for what leads there before it happens, or pay for staying clear of it.",
        evidence={"share": case.deaths[0], "length": case.deaths[1]},
    )


def _deaths(case: Case) -> str:
    share, length, outcome = case.deaths
    of_it = f", of {outcome}" if outcome else ""
    return f"{share:.0%} of the episodes fail after {length:.0f} of {case.schema.step_limit} steps{of_it}"


def observation_limited(case: Case) -> Finding | None:
    """Success was not seen, and it hangs on a field that the policy neither sees nor can tell from what it sees."""
    if case.best_seen > NEVER or not (found := hidden_from_policy(case)):
        return None
    told = ", ".join(f"{name} (explained: {share:.0%})" for name, share in found.items())
    return Finding(
        diagnosis="observation_limited",
        text=f"success reads what the policy does not see and cannot tell from what it sees: {told}",
        suggestion="Reward what the policy sees of it, such as looking about where it may come into view.",
        evidence={f"explained.{name}": share for name, share in found.items()},
    )


def exploration_failure(case: Case) -> Finding | None:
    """Success was never seen, and training has not come closer to it."""
    if case.best_seen > NEVER or (case.score_shift or 0.0) >= MOVED:
        return None
    evidence = {"best_seen": case.best_seen}
    text = "no episode succeeded"
    if case.score_shift is not None:
        evidence["score_shift"] = case.score_shift
        text += f", and training moved the score by {case.score_shift:.1f} standard deviations only"
    return Finding(
        diagnosis="exploration_failure",
        text=text,
        suggestion="Pay for partial progress towards success, or for motion that explores.",
        evidence=evidence,
    )


def weak_shaping(case: Case) -> Finding | None:
    """What is left: the reward leads somewhere near, and not all the way."""
    if case.best_seen <= NEVER:
        text = (
            f"training moved the score by {case.score_shift or 0.0:.1f} standard deviations, and stopped before success"
        )
    else:
        text = (
            f"{case.success:.0%} of the episodes succeed ({case.best_seen:.0%} at best), and no other rule explains it"
        )
    return Finding(
        diagnosis="weak_shaping",
        text=text,
        suggestion="The direction is right: make the last stretch before success pay more clearly than what is near.",
        evidence={"success_rate": case.success, "best_seen": case.best_seen},
    )
