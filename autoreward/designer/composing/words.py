"""Matching a task's words with an environment's fields: what a field is, and what a text asks for."""

from __future__ import annotations

import re
from typing import Literal

from autoreward.schema import EnvSchema, Field

Trait = Literal["speed", "spin", "angle", "height", "place", "other"]
Intent = Literal["fast", "high", "upright", "turn", "still", "near", "gentle", "find"]


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


INTENTS: dict[Intent, frozenset[str]] = {
    "fast": _set("run sprint fast speed quick quickly walk gallop travel race hop"),
    "high": _set("jump high height up upward climb rise raise lift hill top hop leap tall fly"),
    "upright": _set("upright balance balanced stand standing stable vertical straight pole"),
    "turn": _set("turn flip spin rotate rotation somersault roll twirl pirouette revolution"),
    "still": _set("stop still rest motionless park hover calm"),
    "near": _set("reach touch near close goal target toward towards approach push pull"),
    "gentle": _set("gentle gently smooth smoothly effort efficient efficiently energy economical soft softly"),
    "find": _set("find search explore discover seek obtain look"),
}
"""What a word of the task's text asks for."""

BACKWARD = _set("backward backwards back reverse down downward downwards")
FORWARD = _set("forward forwards ahead front")
GOALS = _set("target goal destination desired reference marker")
VISITED = _set("visited explored discovered")
"""Words in the names of fields that count places that are new in the episode."""
DEATHS = _set("death died dead dies drowned burned crashed fell")
"""Words in the names of outcomes that nobody wants."""
BODY = _set("torso root body trunk pole head base pitch upright")
"""Words in the names of fields that tell of the whole body rather than of one joint."""

_SPEED_UNITS = frozenset(("m/s", "v", "units/s"))
_SPIN_UNITS = frozenset(("rad/s", "deg/s"))
_ANGLES = _set("angle pitch roll yaw tilt theta rotation orientation heading")
_HEIGHTS = _set("height altitude z elevation")
_PLACES = _set("position location x y place")
_STOP = _set("the a an of in is it and or as at by on for with be that this its from one than")


def tokens(text: str) -> frozenset[str]:
    """Words of a text or an identifier, lower case, without stop words; plurals count as singulars."""
    words = re.findall(r"[a-z]+", text.lower())
    return frozenset(word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words) - _STOP


def overlap(text: frozenset[str], other: frozenset[str]) -> int:
    """How many words of `other` occur in `text`; a long word counts when it contains the other one."""
    return sum(any(_same(word, known) for known in text) for word in other)


def _same(one: str, other: str) -> bool:
    return one == other or (min(len(one), len(other)) >= 4 and (one in other or other in one))


def intents(text: str) -> frozenset[Intent]:
    """What a task's text asks for."""
    words = frozenset(re.findall(r"[a-z]+", text.lower()))
    return frozenset(intent for intent, known in INTENTS.items() if words & known)


def backward(text: str) -> bool:
    """Whether the text asks for the negative direction (and does not speak of the positive one too)."""
    words = frozenset(re.findall(r"[a-z]+", text.lower()))
    return bool(words & BACKWARD) and not words & FORWARD


def ends_early(schema: EnvSchema) -> bool:
    """Whether the environment's description tells of episodes that end before their limit."""
    told = " ".join((schema.description, *(field.meaning for field in schema.fields))).lower()
    ends = re.search(r"ends? early|episodes? ends?\b|terminat|until .{0,20} falls?", told)
    return bool(ends) and not re.search(r"never (ends?|terminates?)|without terminat", told)


def trait(field: Field) -> Trait:
    """What kind of quantity a field is, by unit and name."""
    words = tokens(field.name)
    moving = bool(words & {"velocity", "speed", "vel"})
    if field.unit in _SPIN_UNITS or (moving and words & (_ANGLES | {"angular"})):
        return "spin"
    if field.unit in _SPEED_UNITS or moving:
        return "speed"
    if field.unit in ("rad", "deg") or words & _ANGLES:
        return "angle"
    if words & _HEIGHTS:
        return "height"
    if field.unit == "m" or words & _PLACES:
        return "place"
    return "other"


def relevance(field: Field, text: frozenset[str], in_success: frozenset[str]) -> float:
    """How much a task is about a field: the success rule reads it, or the text shares words with it."""
    meant = min(overlap(text, tokens(field.meaning)), 4)
    return 3.0 * (field.name in in_success) + overlap(text, tokens(field.name)) + 0.25 * meant
