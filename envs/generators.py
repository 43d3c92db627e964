"""Random generators as plain arrays, so that a snapshot can hold them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_LOW = (1 << 64) - 1


def save_generators(generators: Sequence[np.random.Generator]) -> NDArray[np.uint64]:
    """Generators of Gymnasium's kind (PCG64) as [N, 6]: state and increment in two halves each, and the spare bits."""
    rows = []
    for generator in generators:
        state = generator.bit_generator.state
        inner = state["state"]
        rows.append(
            [
                *(part for key in ("state", "inc") for part in (inner[key] >> 64, inner[key] & _LOW)),
                state["has_uint32"],
                state["uinteger"],
            ]
        )
    return np.array(rows, dtype=np.uint64).reshape(len(rows), 6)


def load_generators(saved: NDArray[np.uint64]) -> list[np.random.Generator]:
    """Generators that go on where those of `save_generators` stood."""
    generators = []
    for row in saved:
        state_high, state_low, inc_high, inc_low, has, spare = (int(part) for part in row)
        bits = np.random.PCG64()
        bits.state = {
            "bit_generator": "PCG64",
            "state": {"state": state_high << 64 | state_low, "inc": inc_high << 64 | inc_low},
            "has_uint32": has,
            "uinteger": spare,
        }
        generators.append(np.random.Generator(bits))
    return generators
