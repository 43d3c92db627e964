"""Behaviours without learning: scripted rhythms, and the policies that a search draws."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from autoreward.envs.contract import BatchEnv
from autoreward.schema import ActionSpec

Array = NDArray[Any]
Drive = Callable[[int, Array], Array]
"""Step, observations [N, D] -> what is wanted, [N, A]: an action's size before tanh, or how a choice is liked."""
FULL = 20.0
"""A drive whose tanh is 1, and which no other choice of an action outbids."""
HALVES = (1, 2, 4, 8)
"""Steps after which a rhythm turns round."""
_CHOICE = re.compile(r"(\d+):? ([^,;(]+)")
_OPPOSITE = (("forward", "back"), ("forward", "backward"), ("left", "right"), ("up", "down"), ("1", "-1"))
"""Words of actions' names, each way."""


@dataclass(frozen=True)
class Rhythm:
    """A sequence of actions that repeats."""

    words: str
    """What it does, such as `turn left and turn right in turn, every 4 steps`."""
    drive: Array
    """[period, A]."""


def width(spec: ActionSpec) -> int:
    """A: parts of a continuous action, or choices of a discrete one."""
    return spec.choices or int(np.prod(spec.shape))


def rhythms(spec: ActionSpec, rng: np.random.Generator) -> list[Rhythm]:
    """Idle, one action for ever, two in turn, and jitter; the kinds that differ most come first.

    Args:
        spec: of the environment.
        rng: draws the jitter.
    """
    count = width(spec)
    steady, turning = _choices(spec, count) if spec.kind == "discrete" else _parts(spec, count)
    jitter = [Rhythm("jitter (random actions)", FULL * rng.uniform(-1, 1, (997, count))) for _ in range(2)]
    idle = [] if spec.kind == "discrete" else [Rhythm("idle (no action)", np.zeros((1, count)))]
    mixed = [rhythm for pair in zip(steady, turning, strict=False) for rhythm in pair]
    shorter = min(len(steady), len(turning))
    return [*idle, jitter[0], *mixed, *steady[shorter:], *turning[shorter:], jitter[1]]


def _choices(spec: ActionSpec, count: int) -> tuple[list[Rhythm], list[Rhythm]]:
    """Every choice for ever, and neighbours and opposites in turn."""
    found = _names(spec)
    names = [f"`{found[choice]}`" if choice in found else f"action {choice}" for choice in range(count)]
    liked = FULL * np.eye(count)
    steady = [Rhythm(f"{name} for ever", liked[choice : choice + 1]) for choice, name in enumerate(names)]
    pairs = [(one, one + 1) for one in range(count - 1)]
    pairs += [(one, other) for one, other in enumerate(_opposites(spec, count)) if other > one + 1]
    turning = [
        Rhythm(_in_turn(f"{names[one]} and {names[other]} in turn", half), np.repeat(liked[[one, other]], half, 0))
        for half in HALVES
        for one, other in pairs
    ]
    return steady, turning


def _names(spec: ActionSpec) -> dict[int, str]:
    return {int(number): text.strip() for number, text in _CHOICE.findall(spec.meaning)}


def _opposites(spec: ActionSpec, count: int) -> list[int]:
    """Of each choice the one whose name says the other way, such as `turn right` of `turn left`; else itself."""
    names = _names(spec)
    numbers = {name: choice for choice, name in names.items()}
    found = list(range(count))
    for choice, name in names.items():
        words = name.split()
        for one, other in (way for pair in _OPPOSITE for way in (pair, pair[::-1])):
            turned = " ".join(other if word == one else word for word in words)
            if choice < count and turned != name and turned in numbers:
                found[choice] = numbers[turned]
    return found


def _parts(spec: ActionSpec, count: int) -> tuple[list[Rhythm], list[Rhythm]]:
    """All parts or one at an end of its range for ever, and to and fro."""
    several = [("the action", np.ones(count))] if count > 1 else []
    parts = [
        (f"part {part} of the action" if count > 1 else "the action", np.eye(count)[part]) for part in range(count)
    ]
    steady, turning = [], []
    for name, way in [*several, *parts]:
        for end, sign in (("highest", FULL), ("lowest", -FULL)):
            steady.append(Rhythm(f"{name} at its {end} for ever", sign * way[None]))
    for half in (4, 1, 8, 2):
        for name, way in [*several, *parts]:
            turning.append(
                Rhythm(_in_turn(f"{name} to and fro", half), np.repeat(FULL * np.array([way, -way]), half, 0))
            )
    return steady, turning


def _in_turn(words: str, half: int) -> str:
    return f"{words}, {'every step' if half == 1 else f'every {half} steps'}"


def scripted(chosen: list[Rhythm]) -> Drive:
    """A rhythm a row."""
    return lambda step, _: np.stack([rhythm.drive[step % len(rhythm.drive)] for rhythm in chosen])


def sequences(parameters: Array, hold: int) -> Drive:
    """Open loop: each row repeats its own knots, each for `hold` steps.

    Args:
        parameters: [N, knots, A].
        hold: steps.
    """
    return lambda step, _: parameters[:, (step // hold) % parameters.shape[1]]


def there_and_back(spec: ActionSpec, sequence: Array, hold: int, turns: list[int]) -> Drive:
    """A sequence up to a step, and back from there by its opposite actions in reverse order; a turn a row.

    Of choices, those are opposite whose names say so.

    Args:
        spec: of the environment.
        sequence: [knots, A], each held for `hold` steps.
        hold: steps.
        turns: of each row, the steps after which it turns round.
    """
    there = np.repeat(sequence, hold, axis=0)
    back = there[:, _opposites(spec, width(spec))] if spec.kind == "discrete" else -there

    def drive(step: int, _: Array) -> Array:
        at = [(step % (2 * turn), turn) for turn in turns]
        rows = [there[now % len(there)] if now < turn else back[(2 * turn - 1 - now) % len(back)] for now, turn in at]
        return np.stack(rows)

    return drive


def linear(parameters: Array, features: Callable[[Array], Array]) -> Drive:
    """A linear policy a row.

    Args:
        parameters: [N, F, A].
        features: observations [N, D] -> [N, F].
    """
    return lambda _, obs: np.einsum("nf,nfa->na", features(obs), parameters)


def actions(env: BatchEnv, drive: Array) -> Array:
    """What `env.step` takes, of drives [N, A]: [N, A] float32 within the space's bounds, or the choices [N]."""
    space = env.single_action_space
    if not isinstance(space, Box):
        mask = env.action_mask()
        start = int(getattr(space, "start", 0))
        return np.asarray(np.argmax(drive if mask is None else np.where(mask, drive, -np.inf), axis=1) + start)
    low, high = np.maximum(space.low, -1e3).reshape(-1), np.minimum(space.high, 1e3).reshape(-1)
    action = low + (high - low) * (np.tanh(drive) + 1) / 2
    return np.asarray(np.clip(action, low, high), np.float32).reshape(len(drive), *space.shape)
