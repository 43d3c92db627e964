"""Seeds of one training, derived from its job's seed so that training and evaluations never share an episode."""

from __future__ import annotations

import zlib
from typing import Literal

import numpy as np

Purpose = Literal["environment", "learner", "evaluation", "final"]


def derive(seed: int, purpose: Purpose, count: int = 1) -> list[int]:
    """`count` 31-bit seeds for one purpose; different purposes and job seeds give independent ones."""
    sequence = np.random.SeedSequence([seed, zlib.crc32(purpose.encode())])
    return [int(word >> 1) for word in sequence.generate_state(count)]
