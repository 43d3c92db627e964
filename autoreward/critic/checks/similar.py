"""It is another reward than the earlier candidates of the run: one that is trained already teaches nothing again."""

from __future__ import annotations

from autoreward.critic.checks.outcome import Outcome, fault, no_evidence, suspicion
from autoreward.critic.checks.trial import Trial
from autoreward.critic.earlier import Measured, measure
from autoreward.critic.similarity import TOLERANCE, factor, pearson_distance, starc_distance

CLOSE = 0.02
"""Distances below which two rewards ask for the same: a hundredth of the variance tells them apart, or less."""


def check(trial: Trial) -> Outcome:
    """Compare text, pay on all states, and EPIC and STARC distances with each earlier candidate, the latest first."""
    others = list(trial.earlier.sources.items())[::-1]
    if not others:
        return Outcome(tried="no earlier candidates")
    own, nearest, compared = measure(trial, trial.program.source), (2.0, "", False), 0
    try:
        for name, source in others:
            if trial.left <= 0:
                break
            other = measure(trial, source)
            compared += 1
            if found := _same(own, other, name):
                return found
            told, apart = _distances(own, other)
            nearest = min(nearest, (apart, f"{name} ({told})", own.seen and other.seen))
    finally:
        trial.cell.load(trial.program.source, trial.schema, trial.program.grammar)
    tried = f"{compared} of {len(others)} earlier candidates on {trial.tried}"
    # A term that no recorded step fires is in neither distance.
    if nearest[0] <= CLOSE and nearest[2]:
        told = "shaped or scaled otherwise, or with another constant, which counts where episodes end"
        return suspicion(f"it asks for what {nearest[1]} asks for, {told}", tried=tried)
    if compared < len(others):
        return no_evidence("the seconds were spent before all were compared; allow more with --probe-seconds", tried)
    return Outcome(message=f"nearest: {nearest[1]}", tried=tried)


def _same(own: Measured, other: Measured, name: str) -> Outcome | None:
    """A failure where it is the same reward, a warning where a factor or what no state showed may tell them apart.

    Trainers that scale rewards even a factor out; others need not.
    """
    advice = "its trainings are known, so pay for something else"
    if own.digest == other.digest:
        return fault(f"the same program as candidate {name}, but for names and comments; {advice}")
    times = factor(own.pays, other.pays)
    if times is None:
        return None
    tried = f"{sum(pay.size for pay in own.pays.values()):,} transitions"
    if abs(times - 1.0) > TOLERANCE:
        return suspicion(f"it pays {times:.3g} times what candidate {name} pays in every step: {advice}", tried=tried)
    # Between the states that were tried, only a threshold or an event that none of them met can hide a difference.
    if (own.smooth and other.smooth) or own.numbers == other.numbers:
        return fault(f"it pays what candidate {name} pays in every step; {advice}", tried=tried)
    return suspicion(f"it pays what candidate {name} pays in every step: only rare events tell them apart", tried=tried)


def _distances(own: Measured, other: Measured) -> tuple[str, float]:
    """In words, and the one that counts: EPIC where it is defined, since it takes off any shaping, else STARC."""
    starc = starc_distance(own.starc, other.starc)
    if own.epic is None or other.epic is None:
        return f"STARC {starc:.2f}", starc
    epic = pearson_distance(own.epic, other.epic)
    return f"EPIC {epic:.2f}, STARC {starc:.2f}", epic
