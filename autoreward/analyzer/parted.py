"""What is told of trainings that were stopped because they hacked their reward."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from autoreward.analyzer.telling import number
from autoreward.designer.contract import Finding
from autoreward.training.contract import HackingAlarm, TrainingResult

_MOVED = {
    "fell": "went with it at first, and fell",
    "flat": "went with it at first, and does not follow",
    "lost": "was reached and lost",
}


def parted(results: Sequence[TrainingResult]) -> Finding | None:
    """That trainings were stopped, with the figures of the first of them; None where none was.

    The term is the one that most of them name.
    """
    alarms = [result.stopped for result in results if result.stopped is not None]
    if not alarms:
        return None
    terms = Counter(alarm.term for alarm in alarms if alarm.term is not None)
    term = terms.most_common(1)[0][0] if terms else None
    shown = next((alarm for alarm in alarms if alarm.term == term), alarms[0])
    return Finding(
        diagnosis="exploit",
        text=_text(shown, len(alarms), len(results)),
        suggestion=_suggestion(term),
        term=term,
        evidence=_evidence(shown),
    )


def _text(alarm: HackingAlarm, count: int, trainings: int) -> str:
    aim = alarm.success if alarm.aim == "success" else alarm.score or alarm.success
    seeds = f" on {count} of {trainings} seeds" if trainings > 1 else ""
    return (
        f"stopped at step {alarm.step:,}{seeds}: since step {alarm.since:,} own return "
        f"{_course(alarm.own_return)}, {alarm.aim} {_course(aim)}: it {_MOVED[alarm.kind]}; {_experiment(alarm)}"
    )


def _experiment(alarm: HackingAlarm) -> str:
    """Which term is responsible, by the return without it."""
    if not alarm.without and alarm.term is None:
        return "which term it is, what was recorded does not tell"
    orders = f"own return orders episodes as {alarm.aim} does by {alarm.both or 0.0:.2f}"
    if alarm.term is None:
        return f"no single term: {orders}, without one by {max(alarm.without.values()):.2f} at most"
    if alarm.term not in alarm.without:
        return f"{orders}, and {alarm.term} is its only term"
    return f"{orders}, without {alarm.term} by {alarm.without[alarm.term]:.2f}"


def _suggestion(term: str | None) -> str:
    if term is None:
        return "Find in the episodes what is collected, and pay for it once, or only as far as success needs it."
    return f"Drop {term}, or pay for it once, or only as far as success needs it: without it the rest leads to the aim."


def _course(pair: tuple[float, float]) -> str:
    return f"{number(pair[0])} -> {number(pair[1])}"


def _evidence(alarm: HackingAlarm) -> dict[str, float]:
    pairs = {"own_return": alarm.own_return, "success": alarm.success, "score": alarm.score}
    found = {f"{name}_{when}": pair[at] for name, pair in pairs.items() if pair for at, when in enumerate(_WHEN)}
    found |= {f"correlation_{when}": known for when, known in zip(_WHEN, alarm.correlation, strict=True) if known}
    return {"step": float(alarm.step), **found, **{f"without.{name}": one for name, one in alarm.without.items()}}


_WHEN = ("then", "now")
