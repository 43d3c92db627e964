"""Labels of what was paid: nothing, merely lasting, the opposite, another thing, one term above all."""

from __future__ import annotations

import numpy as np

from autoreward.analyzer.causes.case import Case
from autoreward.analyzer.causes.learnt import LOST, MOVED, TREND
from autoreward.analyzer.parted import parted
from autoreward.designer.contract import Finding
from autoreward.language.expressions import Expression
from autoreward.language.program import Grammar

RARE = 0.01
"""Share of the training episodes up to which a term has not fired: it cannot be learnt from so few."""
SAME = 0.01
"""Spread of own return, as a share of its size, up to which it is the same whatever the agent does."""
FAILS = 0.5
"""Success below which pay is asked for the reason."""
LASTING = 0.8
"""Correlation of own return with length from which pay is for lasting."""
EVEN = 0.35
"""Spread of a step's pay, as a share of its mean, up to which each step pays about the same."""
LONG = 0.5
"""Share of the step limit that farmed episodes last at least."""
MOST = 0.5
"""Share of the return from which a term decides."""
OPPOSED = -0.45
"""Correlation with the score from which pay is for the opposite; that with success is surer, since it is the aim."""
AGAINST = -0.3
"""Correlation with success or score from which pay points the wrong way; 50 episodes reach it by chance in 3%."""
UNRELATED = 0.2
"""Correlation with the score below which pay has nothing to do with it."""
FLOOD = 0.8
"""Share of the return from which one term drowns the others: four times as much as all of them."""
STILL = 0.05
"""Share of a field's range up to which it stays where it is."""


def stopped(case: Case) -> Finding | None:
    """Half of the trainings were stopped, because own return rose and the aim did not follow."""
    results = [training.result for training in case.trainings]
    if case.success >= FAILS or 2 * sum(result.stopped is not None for result in results) < len(results):
        return None
    return parted(results)


def never_fires(case: Case) -> Finding | None:
    """Nothing that could be gained ever was: what pays never happened, or the return is the same whatever happens."""
    fired = {name: case.fired(name) for name in case.terms}
    silent = [name for name, rate in fired.items() if rate <= RARE]
    pays = [name for name in fired if name not in silent and np.mean([entry.mean for entry in case.terms[name]]) > 0]
    spread = case.own_spread
    if silent and not pays:
        text = (
            f"{', '.join(silent)} fired in {max(fired[name] for name in silent):.1%} of the training episodes at most"
        )
        text += ", and nothing else pays"
    elif spread is not None and spread <= SAME and case.terms and not _paid_for_lasting(case):
        text = f"own return is the same in every episode (it varies by {spread:.1%}), whatever the agent does"
    else:
        return None
    return Finding(
        diagnosis="never_fires",
        text=text,
        suggestion="Pay for the way there: for each new best, or for the decrease of the gap.",
        term=silent[0] if len(silent) == 1 and not pays else None,
        evidence={f"fired.{name}": fired[name] for name in silent},
    )


def _paid_for_lasting(case: Case) -> bool:
    """Whether the same return in every episode is pay for each step that success would end."""
    same = case.own_spread is not None and case.own_spread <= SAME
    return same and case.task.success.ends_episode and case.pay_each_step is not None and case.pay_each_step[0] > 0


def survival_farming(case: Case) -> Finding | None:
    """Episodes last, each step pays about the same, and the task is not done."""
    if case.success >= FAILS or case.late_length < LONG or case.pay_each_step is None:
        return None
    rate, spread = case.pay_each_step
    lasting = case.own_with_length or 0.0
    steady = [name for name, found in case.terms.items() if all(entry.constant for entry in found)]
    alive = next((name for name in steady if case.share(name) >= MOST), None)
    goes_with_length = lasting >= LASTING and spread <= EVEN * rate
    if rate <= 0 or not (alive or goes_with_length or _paid_for_lasting(case)):
        return None
    text = f"episodes last {case.late_length:.0%} of the step limit, and each step pays about {rate:.3g}"
    text += f" (own return goes with length by {lasting:.2f}) without the task being done"
    return Finding(
        diagnosis="survival_farming",
        text=text,
        suggestion="Pay for each new progress once; what is paid for lasting must stay below what success pays.",
        term=alive,
        evidence={"own_with_length": lasting, "pay_each_step": rate, "length_share": case.late_length},
    )


def wrong_sign(case: Case) -> Finding | None:
    """Training raises own return and lowers the score; or own return falls where success or score rise."""
    if case.success >= FAILS:
        return None
    moved, with_score = case.score_shift, case.own_with_score
    with_success = case.own_with_success
    worse = moved is not None and moved <= -MOVED and (with_score or 0.0) <= OPPOSED
    opposed = with_score is None or with_score <= OPPOSED
    against = with_success is not None and with_success <= AGAINST and case.own_trend > 0 and opposed
    if not (worse or against):
        return None
    told, value = ("score", with_score) if worse else ("success", with_success)
    text = f"own return goes against the {told} (correlation {value or 0.0:.2f})"
    text += f", which training moved by {moved:.1f} standard deviations" if moved is not None else ""
    ranked = sorted((case.goes_with(name) or 0.0, name) for name in case.terms if case.share(name) >= RARE)
    term = ranked[0][1] if ranked and ranked[0][0] <= AGAINST else None
    return Finding(
        diagnosis="wrong_sign",
        text=text,
        suggestion=f"Turn the sign of {term or 'what is paid most'}, or pay for the opposite direction.",
        term=term,
        evidence={f"own_with_{told}": value or 0.0} | ({} if moved is None else {"score_shift": moved}),
    )


def hacked(case: Case) -> Finding | None:
    """Success was reached and lost while own return held or rose: the return is had without the success."""
    lost = [
        (fall, training)
        for fall, training in zip(case.falls, (one for one in case.trainings if one.result.evaluations), strict=True)
        if fall >= LOST and _held(training.result.own_return)
    ]
    if len(lost) < max(1.0, len(case.falls) / 2) or case.success >= FAILS:
        return None
    fall = max(each for each, _ in lost)
    return Finding(
        diagnosis="exploit",
        text=f"success fell by up to {fall:.0%} while own return went on rising: more is paid without it than with it",
        suggestion="Find what pays beside success, and pay for it once or not at all.",
        evidence={"fall": fall, "own_return_trend": case.own_trend},
    )


def _held(own_return: tuple[float, ...]) -> bool:
    return len(own_return) >= 4 and own_return[-1] >= max(own_return[:-1]) - 0.05 * (max(own_return) - min(own_return))


def wrong_frame(case: Case) -> Finding | None:
    """Own return rises and has nothing to do with the score, and episodes come to rest where they do not succeed."""
    related, moved = case.own_with_score, case.score_shift
    if case.success >= FAILS or related is None or moved is None or case.own_trend < TREND:
        return None
    resting = _resting(case)
    if abs(related) > UNRELATED or abs(moved) >= MOVED or resting < MOST:
        return None
    return Finding(
        diagnosis="wrong_frame",
        text=f"own return rises (with time {case.own_trend:.2f}) and has nothing to do with the score ({related:.2f}); "
        f"{resting:.0%} of the failed episodes come to rest at another place than success asks for",
        suggestion="Check axis, origin and reference of what is paid most against the quantity that success reads.",
        term=max(case.terms, key=case.share, default=None),
        evidence={"own_with_score": related, "score_shift": moved, "resting": resting},
    )


def _resting(case: Case) -> float:
    """Share of the recorded failed episodes in whose last fifth nothing that success or score reads still moves."""
    texts = [case.task.success.expression, *([case.task.score.expression] if case.task.score else [])]
    names = {f"field.{name}" for text in texts for name in Expression(text, case.schema.names).fields}
    rests = []
    for training in case.trainings:
        for place, episode in enumerate(training.final.get("recorded", ())):
            if training.final["success"][episode]:
                continue
            length = int(training.final["length"][episode])
            rests.append(
                all(
                    _stays(training.final[name][place][: length + 1].astype(np.float64))
                    for name in names & training.final.keys()
                )
            )
    return float(np.mean(rests)) if rests else 0.0


def _stays(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> bool:
    last = values[-max(len(values) // 5, 2) :]
    return bool((np.ptp(last, axis=0) <= STILL * max(float(np.ptp(values)), 1e-9)).all())


def reward_flooding(case: Case) -> Finding | None:
    """One term makes up nearly all of the return and does not go with success, and another that does is drowned."""
    if len(case.terms) < 2 or case.success >= FAILS:
        return None
    name = max(case.terms, key=case.share)
    related, share = case.goes_with(name), case.share(name)
    drowned = [other for other in case.terms if other != name and (case.goes_with(other) or 0.0) > -AGAINST]
    if share < FLOOD or not drowned or (related is not None and related > -AGAINST):
        return None
    return Finding(
        diagnosis="reward_flooding",
        text=f"{name} makes up {share:.0%} of the return and does not go with success or score; "
        f"{', '.join(drowned[:3])} would, and is drowned",
        suggestion=_less_of(name, case.task.grammar),
        term=name,
        evidence={"share": share} | ({} if related is None else {"correlation": related}),
    )


def _less_of(name: str, grammar: Grammar) -> str:
    """How one term is to count less. In `signs` no weight and no size counts, but the sign of the sum in each step."""
    if grammar == "signs":
        return f"Let {name} pay in fewer steps: only for a new best, or only where no other term pays."
    return f"Give {name} a tenth of its weight."


def exploit(case: Case) -> Finding | None:
    """Own return rises, success and score do not."""
    moved = case.score_shift or 0.0
    if case.success >= FAILS or case.own_trend < TREND or case.late_gain >= LOST or moved >= MOVED:
        return None
    text = f"own return rises steadily (with time {case.own_trend:.2f}) while success stays at {case.success:.0%}"
    text += (
        f" and the score {'fell' if moved <= -MOVED else 'stays about where it was'} ({moved:+.1f} standard deviations)"
        if case.score_shift is not None
        else ""
    )
    return Finding(
        diagnosis="exploit",
        text=text,
        suggestion="Find in the episodes what is collected, and pay for it once, or only as far as success needs it.",
        term=max(case.terms, key=case.share, default=None),
        evidence={"own_return_trend": case.own_trend, "score_shift": moved},
    )
