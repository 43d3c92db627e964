"""What a candidate's trainings show, as computed labels with their numbers and what to change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from autoreward.analyzer.parted import parted
from autoreward.analyzer.trends import known_mean, mean, trend
from autoreward.designer.contract import Finding
from autoreward.task import Task
from autoreward.training.contract import TermStatistics, TrainingResult

SOLVED = 0.9
"""Success rate from which a task counts as solved."""
NEVER = 0.01
FLOOD = 0.8
"""Share of the absolute return from which one term drowns the others."""
LEAST_SHARE = 0.02
"""Below it a term's sign hardly matters."""
LOST = 0.3
"""How far success must fall from its height to count as lost."""
EARLY = 0.5
"""Episodes shorter than this share of the step limit end early."""
TREND = 0.7
"""Correlation with time from which a curve rises."""
SIGN = -0.3
"""Correlation with success or score from which a term points the wrong way."""


_BOUNDED = "Keep terms bounded and finite in every state; avoid divisions and powers that can grow."
_NO_ADVICE = "Change nothing in the reward for this: it says nothing about the reward."


def diagnose(task: Task, results: Sequence[TrainingResult]) -> tuple[Finding, ...]:
    """Findings about one candidate from the results of its search seeds, the gravest first.

    Args:
        task: what the candidate was trained for.
        results: one a seed; failed ones are counted and otherwise left out.
    """
    trained = [result for result in results if result.status == "ok" and result.final is not None]
    findings = [*_failed(results)]
    if trained:
        hacked = parted(trained)
        findings += [hacked] if hacked else []
        findings += [*_outcome(trained), *_early_death(task, trained), *_misaligned(trained), *_unstable(trained)]
        findings += [*_terms(trained), *_still_improving(trained)]
    return tuple(findings)


def success_rate(results: Iterable[TrainingResult]) -> float:
    """Mean success rate of the final evaluations; 0 where there is none."""
    return mean(result.final.success_rate for result in results if result.final is not None)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _failed(results: Sequence[TrainingResult]) -> list[Finding]:
    """A finding for the trainings that the reward may have broken, and one for those that the machine did."""
    failed = [result for result in results if result.status == "failed"]
    found = []
    for machine in (False, True):
        of_kind = [result for result in failed if (result.failure == "machine") is machine]
        if of_kind:
            text = f"{len(of_kind)} of {len(results)} trainings gave no result: {of_kind[0].error}"
            evidence = {"failed": float(len(of_kind)), "trainings": float(len(results))}
            advice = _NO_ADVICE if machine else _BOUNDED
            found.append(Finding(diagnosis="training_failed", text=text, suggestion=advice, evidence=evidence))
    return found


def _outcome(trained: Sequence[TrainingResult]) -> list[Finding]:
    """Solved, or success never seen."""
    reached = success_rate(trained)
    seen = max(chain((reached,), *(_successes(result) for result in trained)))
    evidence = {"success_rate": reached, "best_seen": seen, "seeds": float(len(trained))}
    if reached >= SOLVED:
        text = f"{_percent(reached)} of the evaluation episodes succeed, over {len(trained)} seed(s)"
        suggestion = "Keep the structure; try smaller changes of weights, and leave out terms that add nothing."
        return [Finding(diagnosis="solved", text=text, suggestion=suggestion, evidence=evidence)]
    if seen <= NEVER:
        rarely = f"hardly any episode succeeded: at most {seen:.2%} of them, in training or evaluation"
        text = rarely if seen > 0 else "no episode succeeded, neither in training nor in evaluation"
        suggestion = (
            "The success was never seen, so a bonus for it taught nothing: pay for partial progress (the decrease of "
            "the gap, each new best in an episode), or for motion that explores (speed, new extremes of a field)."
        )
        return [Finding(diagnosis="never_succeeds", text=text, suggestion=suggestion, evidence=evidence)]
    return []


def _successes(result: TrainingResult) -> tuple[float, ...]:
    return (*(evaluation.success_rate for evaluation in result.evaluations), *result.train_success)


def _step_limit(task: Task, trained: Sequence[TrainingResult]) -> float:
    """The episode's step limit: the task's, Gymnasium's, else the longest mean length that was seen."""
    if task.env.step_limit:
        return task.env.step_limit
    from gymnasium.envs.registration import registry

    known = registry.get(task.env.id)
    if known is not None and known.max_episode_steps:
        return known.max_episode_steps
    return max(
        evaluation.length for result in trained for evaluation in (*result.evaluations, result.final) if evaluation
    )


def _early_death(task: Task, trained: Sequence[TrainingResult]) -> list[Finding]:
    limit, reached = _step_limit(task, trained), success_rate(trained)
    length = mean(result.final.length for result in trained if result.final)
    if task.success.ends_episode and reached > NEVER:
        return []
    if reached >= 0.5 or length >= EARLY * limit:
        return []
    text = f"episodes last {length:.0f} of {limit:.0f} steps on average, and {_percent(1 - reached)} of them fail"
    suggestion = "Pay for staying in a safe posture (height, uprightness) in each step, and less for haste."
    evidence = {"length": length, "step_limit": float(limit), "success_rate": reached}
    return [Finding(diagnosis="early_death", text=text, suggestion=suggestion, evidence=evidence)]


def _scores(result: TrainingResult) -> list[float]:
    return [evaluation.score for evaluation in result.evaluations if evaluation.score is not None]


def _misaligned(trained: Sequence[TrainingResult]) -> list[Finding]:
    """Own return rises, success and score do not: the agent is paid for something else."""
    if success_rate(trained) >= 0.5:
        return []
    rising = mean(trend(result.own_return) for result in trained)
    succeeding = max(trend(result.train_success) for result in trained)
    scoring = max((trend(_scores(result)) for result in trained), default=0.0)
    if rising < TREND or succeeding > TREND or scoring > TREND:
        return []
    text = (
        f"own return rises steadily (correlation with time {rising:.2f}) while success ({succeeding:.2f}) "
        f"and score ({scoring:.2f}) do not"
    )
    suggestion = (
        "The agent learns what it is paid for, and that is not the task: pay for progress and new bests in what the "
        "success rule reads, no longer for staying in a state."
    )
    evidence = {"own_return_trend": rising, "success_trend": succeeding, "score_trend": scoring}
    return [Finding(diagnosis="misaligned", text=text, suggestion=suggestion, evidence=evidence)]


def _unstable(trained: Sequence[TrainingResult]) -> list[Finding]:
    """Success was reached in an evaluation and lost by the last one, on at least half of the seeds."""
    courses = [[evaluation.success_rate for evaluation in result.evaluations] for result in trained]
    falls = [max(course) - course[-1] for course in courses if course]
    lost = sum(fall >= LOST for fall in falls)
    if not falls or lost < len(falls) / 2:
        return []
    highest = max(max(course) for course in courses if course)
    text = (
        f"success rose to {_percent(highest)} during training and fell by up to {_percent(max(falls))} until the end, "
        f"on {lost} of {len(falls)} seeds"
    )
    suggestion = "Weigh the success itself more and the dense terms less, and pay for smooth actions."
    evidence = {"highest": highest, "fall": max(falls)}
    return [Finding(diagnosis="unstable", text=text, suggestion=suggestion, evidence=evidence)]


def _terms(trained: Sequence[TrainingResult]) -> list[Finding]:
    names = dict.fromkeys(name for result in trained for name in result.terms)
    solved = success_rate(trained) >= SOLVED
    findings: list[Finding] = []
    for name in names:
        statistics = [result.terms[name] for result in trained if name in result.terms]
        finding = _constant(name, statistics)
        if finding is None and not solved:
            finding = _wrong_sign(name, statistics)
            if finding is None and len(names) > 1:
                finding = _flooding(name, statistics)
        if finding is not None:
            findings.append(finding)
    return findings


def _constant(name: str, statistics: Sequence[TermStatistics]) -> Finding | None:
    # The same number in each step still counts where episodes differ in length (std over episode sums).
    if not all(entry.constant and entry.std <= 1e-6 * max(1.0, abs(entry.mean)) for entry in statistics):
        return None
    value = mean(entry.mean for entry in statistics)
    text = f"{name} never changed from step to step (mean episode sum {value:.3g})"
    suggestion = f"{name} taught nothing: drop it, or pay for progress towards what it rewards."
    if value == 0.0:
        text = f"{name} was 0 in every step: what it pays for never happened"
        suggestion = f"Pay for the way to what {name} pays for; keep it only if it is the bonus for success itself."
    return Finding(diagnosis="constant_term", text=text, suggestion=suggestion, term=name, evidence={"mean": value})


def _wrong_sign(name: str, statistics: Sequence[TermStatistics]) -> Finding | None:
    """Paid more in episodes that fail. Where no success was seen, the score tells; it needs a clearer sign."""
    share = mean(entry.share for entry in statistics)
    success = known_mean(entry.success_correlation for entry in statistics)
    score = known_mean(entry.score_correlation for entry in statistics)
    told, value = ("success", success) if success is not None else ("score", score)
    if value is None or share < LEAST_SHARE or value > (SIGN if told == "success" else 1.5 * SIGN):
        return None
    text = f"the sum of {name} correlates with {told} by {value:.2f}: episodes that do better are paid less by it"
    suggestion = (
        f"Drop {name}, turn its sign, or pay for the progress in it in place of the level. A cost in each step shows "
        "the same where episodes that do better are longer; then it may stay."
    )
    evidence = {f"{told}_correlation": value, "share": share}
    return Finding(diagnosis="wrong_sign", text=text, suggestion=suggestion, term=name, evidence=evidence)


def _flooding(name: str, statistics: Sequence[TermStatistics]) -> Finding | None:
    """One term makes up nearly all of the return and does not go with success."""
    share = mean(entry.share for entry in statistics)
    success = known_mean(entry.success_correlation for entry in statistics)
    if share < FLOOD or (success is not None and success > -SIGN):
        return None
    text = f"{name} makes up {_percent(share)} of the return and drowns the other terms"
    suggestion = f"Give {name} a third of its weight or less."
    evidence = {"share": share} | ({} if success is None else {"success_correlation": success})
    return Finding(diagnosis="flooding", text=text, suggestion=suggestion, term=name, evidence=evidence)


def _still_improving(trained: Sequence[TrainingResult]) -> list[Finding]:
    """Success, or where none was seen the score, was still rising when the steps ran out."""
    if success_rate(trained) >= SOLVED:
        return []
    late = [
        (result.train_success[-1] - result.train_success[-3]) for result in trained if len(result.train_success) >= 4
    ]
    gain = mean(late)
    scoring = mean(trend(_scores(result)[-4:]) for result in trained)
    if gain < 0.1 and not (success_rate(trained) <= NEVER and scoring > TREND):
        return []
    what = f"success rose by {_percent(gain)} in the last fifth" if gain >= 0.1 else "the score was rising to the end"
    text = f"{what} of the training"
    suggestion = "The direction is right: keep the structure, and let the terms that lead to success weigh more."
    evidence = {"late_gain": gain, "score_trend": scoring}
    return [Finding(diagnosis="still_improving", text=text, suggestion=suggestion, evidence=evidence)]
