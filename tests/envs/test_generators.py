"""Random generators survive being saved."""

from __future__ import annotations

import numpy as np
from gymnasium.utils.seeding import np_random

from autoreward.envs.generators import load_generators, save_generators


def test_they_go_on_where_they_stood() -> None:
    generators = [np_random(seed)[0] for seed in range(4)]
    for number, generator in enumerate(generators):
        generator.uniform(size=number)
        generator.integers(5, size=number, dtype=np.uint32)  # leaves half a draw behind
    again = load_generators(save_generators(generators))
    for one, other in zip(generators, again, strict=True):
        np.testing.assert_array_equal(
            one.integers(9, size=3, dtype=np.uint32), other.integers(9, size=3, dtype=np.uint32)
        )
        np.testing.assert_array_equal(one.standard_normal(5), other.standard_normal(5))


def test_none_is_an_empty_table() -> None:
    assert save_generators([]).shape == (0, 6)
    assert load_generators(save_generators([])) == []
