"""The typed grammar's forms: what makes a named term of a quantity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from autoreward.designer.composing.quantities import Quantity, divided, number

GAIN = 25.0
"""What progress over a quantity's whole scale is worth: as much as 25 steps of a level term at its best."""


@dataclass(frozen=True)
class Term:
    """One named term of a reward program. The name tells form and quantity, so a program can be read back."""

    name: str
    form: str
    quantity: str
    """Name of the quantity; `success` and `action` for terms about these."""
    setup: tuple[str, ...]
    """Statements before the `return`; equal ones of several terms are written once."""
    value: str
    """Expression, [N]."""
    phrase: str
    """As IDEA says it."""


def _kept(q: Quantity, key: str, default: str, update: str) -> tuple[str, str]:
    """Read something remembered of this episode, then store its update under the same key."""
    return f'{key}_{q.name} = memory.get("{key}_{q.name}", {default})', f'memory["{key}_{q.name}"] = {update}'


def _gained(change: str, scale: float) -> str:
    """What a change is worth when the whole scale is worth `GAIN`."""
    gain = number(GAIN / scale)
    return change if gain == "1" else f"{gain} * {change}"


def _low(q: Quantity) -> Term:
    return _make(q, "low", q.after, divided(f"-{q.name}", q.scale), f"keep {q.phrase} low")


def _near(q: Quantity) -> Term:
    value = f"np.exp(-{q.name} / {number(q.scale / 4)})"
    return _make(q, "near", q.after, value, f"be close in {q.phrase}")


def _tight(q: Quantity) -> Term:
    width = 2 * q.tolerance if q.tolerance else q.scale / 20
    value = f"np.exp(-{q.name} / {number(width)})"
    return _make(q, "tight", q.after, value, f"be exact in {q.phrase}")


def _progress(q: Quantity) -> Term:
    value = _gained(f"({q.name}_before - {q.name})", q.scale)
    return _make(q, "progress", (*q.after, *q.before), value, f"reduce {q.phrase} in each step")


def _best(q: Quantity) -> Term:
    v = q.name
    kept = _kept(q, "least", f"{v}_before", f"np.minimum(least_{v}, {v})")
    value = _gained(f"np.maximum(least_{v} - {v}, 0.0)", q.scale)
    return _make(q, "best", (*q.after, *q.before, *kept), value, f"pay each new least of {q.phrase}")


def clean(q: Quantity) -> Term:
    """Turning while high, not while falling: what closes one gap and opens another is worth little."""
    best = _best(q)
    others = " + ".join(divided(other.name, other.scale / 8) for other in q.others)
    others = f"({others})" if len(q.others) > 1 else others
    setup = dict.fromkeys((*(line for other in q.others for line in other.after), *best.setup))
    value = f"{best.value} * np.exp(-{others})"
    return _make(q, "clean", tuple(setup), value, f"{best.phrase} as far as the rest of the condition holds")


def _high(q: Quantity) -> Term:
    return _make(q, "high", q.after, divided(q.name, q.scale), f"drive {q.phrase} up")


def _down(q: Quantity) -> Term:
    return _make(q, "down", q.after, divided(f"-{q.name}", q.scale), f"drive {q.phrase} down")


def _small(q: Quantity) -> Term:
    return _make(q, "small", q.after, divided(f"-np.abs({q.name})", q.scale), f"keep {q.phrase} near zero")


def _calm(q: Quantity) -> Term:
    value = f"np.exp(-np.abs({q.name}) / {number(q.scale / 8)})"
    return _make(q, "calm", q.after, value, f"pay {q.phrase} near zero")


def _keep(q: Quantity) -> Term:
    v = q.name
    kept = _kept(q, "first", f"{v}_before", f"first_{v}")
    value = f"np.exp(-np.abs({v} - first_{v}) / {number(q.scale / 8)})"
    return _make(q, "keep", (*q.after, *q.before, *kept), value, f"keep {q.phrase} as the episode began")


def _record(q: Quantity) -> Term:
    v = q.name
    kept = _kept(q, "most", f"{v}_before", f"np.maximum(most_{v}, {v})")
    value = _gained(f"np.maximum({v} - most_{v}, 0.0)", q.scale)
    return _make(q, "record", (*q.after, *q.before, *kept), value, f"pay each new most of {q.phrase}")


def _dip(q: Quantity) -> Term:
    v = q.name
    kept = _kept(q, "least", f"{v}_before", f"np.minimum(least_{v}, {v})")
    value = _gained(f"np.maximum(least_{v} - {v}, 0.0)", q.scale)
    return _make(q, "dip", (*q.after, *q.before, *kept), value, f"pay each new least of {q.phrase}")


def rise(q: Quantity) -> Term:
    """Each change, for the better and for the worse."""
    value = _gained(f"({q.name} - {q.name}_before)", q.scale)
    return _make(q, "rise", (*q.after, *q.before), value, f"raise {q.phrase} in each step")


def stride(q: Quantity, step: int) -> Term:
    """Each further `step` of a quantity that counts."""
    v = q.name
    stages = tuple(f"stage_{v}{at} = np.floor({v}{at} / {step})" for at in ("", "_before"))
    kept = (
        f'farthest_{v} = memory.get("farthest_{v}", stage_{v}_before)',
        f'memory["farthest_{v}"] = np.maximum(farthest_{v}, stage_{v})',
    )
    value = f"np.where(stage_{v} > farthest_{v}, 1.0, 0.0)"
    return _make(q, "stride", (*q.after, *q.before, *stages, *kept), value, f"pay each {step} more of {q.phrase}")


def _range(q: Quantity) -> Term:
    v = q.name
    highest = _kept(q, "highest", f"{v}_before", f"np.maximum(highest_{v}, {v})")
    lowest = _kept(q, "lowest", f"{v}_before", f"np.minimum(lowest_{v}, {v})")
    beyond = f"wider_{v} = np.maximum({v} - highest_{v}, 0.0) + np.maximum(lowest_{v} - {v}, 0.0)"
    value = _gained(f"wider_{v}", q.scale)
    phrase = f"pay whatever widens the range of {q.phrase}"
    return _make(q, "range", (*q.after, *q.before, *highest, *lowest, beyond), value, phrase)


def _fast(q: Quantity) -> Term:
    return _make(q, "fast", q.after, divided(f"np.abs({q.name})", q.scale), f"pay {q.phrase} either way")


def _energy(q: Quantity) -> Term:
    return _make(q, "energy", q.after, f"np.square({divided(q.name, q.scale)})", f"build up {q.phrase} squared")


def _burst(q: Quantity) -> Term:
    v = q.name
    kept = _kept(q, "fastest", f"np.abs({v}_before)", f"np.maximum(fastest_{v}, np.abs({v}))")
    value = _gained(f"np.maximum(np.abs({v}) - fastest_{v}, 0.0)", q.scale)
    return _make(q, "burst", (*q.after, *q.before, *kept), value, f"pay each new largest size of {q.phrase}")


def _make(q: Quantity, form: str, setup: tuple[str, ...], value: str, phrase: str) -> Term:
    return Term(f"{form}_{q.name}", form, q.name, setup, value, phrase)


Form = Callable[[Quantity], Term]
COST_FORMS: dict[str, Form] = {"low": _low, "near": _near, "tight": _tight, "progress": _progress, "best": _best}
"""Forms over gaps and distances, which are at least 0 and should become small."""
VALUE_FORMS: dict[str, Form] = {
    "high": _high,
    "down": _down,
    "small": _small,
    "calm": _calm,
    "keep": _keep,
    "record": _record,
    "dip": _dip,
    "range": _range,
    "fast": _fast,
    "energy": _energy,
    "burst": _burst,
}
"""Forms over field values, which can be wanted either way."""
ONE_SIGNED = frozenset(("low", "near", "tight", "small", "calm", "keep", "fast", "energy", "alive", "effort", "smooth"))
"""Forms that never change their sign."""
EVENTS = ("success", "hold")
SPARSE = (*EVENTS, "failure")
"""Forms that the `signs` grammar counts as events."""
