"""What is read out of SLURM's words, and what a user may add to them."""

from __future__ import annotations

import json
import math

import pytest

from autoreward.engine.slurm_cluster import minutes_of, options_of
from autoreward.errors import UserError


@pytest.mark.parametrize(
    ("limit", "minutes"),
    [
        ("30:00", 30),
        ("2:30:00", 150),
        ("1-00:00:00", 24 * 60),
        ("2-12:30:00", 60 * 60 + 30),
        ("0:30", 1),
        ("infinite", math.inf),
        ("n/a", math.inf),
    ],
)
def test_the_times_of_partitions(limit: str, minutes: float) -> None:
    assert minutes_of(limit) == minutes


def test_options_are_words_or_numbers_of_one_line() -> None:
    assert options_of('{"account": "robots", "nice": 10}') == {"account": "robots", "nice": 10}
    assert options_of(None) == {}
    for options in ({"account": "a\nrm x"}, {"x y": 1}, {"gres": ["gpu"]}):
        with pytest.raises(UserError, match=r"--engine\.options takes options of sbatch"):
            options_of(json.dumps(options))
