"""The states that a program is tried on beyond the recorded ones: perturbed and extreme, the same ones each time.

They need not be reachable: angles and their sines are drawn apart, speeds without places. What is found there tells
what a program can do, never what it will do; a fault seen there alone is a suspicion.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.schema import EnvSchema

Array = NDArray[Any]
Inputs = dict[str, Array]

FAR = 100.0
"""How many times what was recorded a declared bound may reach and still be tried."""
STEPS, ROWS = 4, 256
"""Of perturbed and extreme states: a few steps, so that what is kept in memory has a past."""


def ends(name: str, recorded: Array, schema: EnvSchema) -> tuple[Array, Array]:
    """Lowest and highest value of an input, [...] each: the schema's bounds, and where it has none, the recorded ones.

    Args:
        name: `state.x`, `next_state.x` or `action`.
        recorded: [T, N, ...].
        schema: says what is declared.
    """
    rows = recorded.reshape(-1, *recorded.shape[2:])
    low, high = rows.min(axis=0), rows.max(axis=0)
    about = schema.action if name == "action" else schema.field(name.partition(".")[2])
    # Bounds that are declared far beyond what is ever seen, such as -1e9 to 1e9, say nothing about the field.
    limit = FAR * max(1.0, float(np.abs(recorded).max()))
    if about.low is not None and abs(about.low) <= limit:
        low = np.full_like(low, about.low)
    if about.high is not None and abs(about.high) <= limit:
        high = np.full_like(high, about.high)
    return low, high


def edges(inputs: Mapping[str, Array], schema: EnvSchema) -> Inputs:
    """One step of five rows: every field 0, lowest, highest, and lowest to highest and back between the steps."""
    made = {}
    for name, recorded in inputs.items():
        low, high = ends(name, recorded, schema)
        before = not name.startswith("next_state.")
        rows = [np.zeros_like(low), low, high, low if before else high, high if before else low]
        made[name] = np.stack(rows)[None].astype(recorded.dtype)
    return made


def perturbed(names: Iterable[str], inputs: Mapping[str, Array], schema: EnvSchema) -> Inputs:
    """Rows [STEPS, ROWS, ...] in and around what fields can be, from their whole range down to hardly moved ones.

    Each row draws how far each field strays from a recorded value towards another one of its range, and half of the
    rows step on by a recorded difference, so that what compares before and after meets small steps as well as jumps.
    An input is the same whichever others are asked for, so that programs are compared on the same rows.

    Args:
        names: of the inputs that are wanted.
        inputs: recorded, [T, N, ...], all of them.
        schema: says what the fields' bounds are.
    """
    made = {name: _strayed(name, inputs[name], schema) for name in names}
    near = np.random.default_rng(1).random((STEPS, ROWS)) < 0.5
    for name, after in made.items():
        before = name.removeprefix("next_")
        if name != before and after.dtype.kind == "f":
            steps = (inputs[name] - inputs[before]).reshape(-1, *after.shape[2:])
            step = steps[_generator(name, 1).integers(len(steps), size=STEPS * ROWS)].reshape(after.shape)
            moved = _strayed(before, inputs[before], schema) + step
            made[name] = np.where(near.reshape(STEPS, ROWS, *[1] * (after.ndim - 2)), moved, after).astype(after.dtype)
    return made


def extreme(names: Iterable[str], inputs: Mapping[str, Array], schema: EnvSchema, width: float = 1.0) -> Inputs:
    """Rows [STEPS, ROWS, ...] whose fields are 0, at an end, or as far beyond it as `width` times their range.

    Arguments as for `perturbed`.
    """
    made: Inputs = {}
    for name in names:
        recorded = inputs[name]
        low, high = ends(name, recorded, schema)
        shape = (STEPS * ROWS, *low.shape)
        which = _generator(name, 2).integers(5, size=(STEPS * ROWS, *[1] * low.ndim))
        if recorded.dtype.kind == "f":
            span = np.maximum(high - low, 1e-3)
            values = [np.zeros_like(low), low, high, low - width * span, high + width * span]
        else:
            values = [low, low, high, low, high]
        found = np.choose(which, [np.broadcast_to(value, shape) for value in values])
        made[name] = found.reshape(STEPS, ROWS, *low.shape).astype(recorded.dtype)
    return made


def begun() -> NDArray[np.bool_]:
    """[STEPS, ROWS]: each row is an episode of its own."""
    found = np.zeros((STEPS, ROWS), np.bool_)
    found[0] = True
    return found


def _generator(name: str, use: int) -> np.random.Generator:
    """Of an input's own draws."""
    return np.random.default_rng([zlib.crc32(name.encode()), use])


def _strayed(name: str, recorded: Array, schema: EnvSchema) -> Array:
    """Recorded values, each moved by a share towards another one of the input's range: [STEPS, ROWS, ...]."""
    generator = _generator(name, 0)
    rows = recorded.reshape(-1, *recorded.shape[2:])
    low, high = ends(name, recorded, schema)
    chosen = rows[generator.integers(len(rows), size=STEPS * ROWS)]
    reach = generator.random((STEPS * ROWS, *[1] * (rows.ndim - 1))) ** 2
    drawn = _drawn(generator, low, high, recorded.dtype, STEPS * ROWS)
    if recorded.dtype.kind == "f":
        chosen = (1 - reach) * chosen + reach * drawn
    else:
        chosen = np.where(reach > 0.5, drawn, chosen)
    return chosen.reshape(STEPS, ROWS, *rows.shape[1:]).astype(recorded.dtype)


def _drawn(generator: np.random.Generator, low: Array, high: Array, dtype: np.dtype[Any], rows: int) -> Array:
    """Uniform values [rows, ...] between the bounds, both included."""
    if dtype.kind == "b":
        return generator.random((rows, *low.shape)) < 0.5
    if dtype.kind == "f":
        return low + (high - low) * generator.random((rows, *low.shape))
    return generator.integers(low, high + 1, size=(rows, *low.shape))
