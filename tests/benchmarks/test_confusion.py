"""The confusion matrix of the Analyzer's labels on the Critic's set."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from autoreward.designer.contract import Label


@pytest.fixture(autouse=True)
def beside_the_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))


def test_every_fault_of_the_set_has_labels_that_fit_it() -> None:
    from _critic_set import members
    from diagnosis import FITTING, GOOD

    assert {member.entry.fault or GOOD for member in members()} <= set(FITTING)
    assert {label for labels in FITTING.values() for label in labels} <= set(get_args(Label))


def test_fitting_labels_are_counted() -> None:
    from diagnosis import table

    entry = {"fault": "wrong_sign", "label": "wrong_sign"}
    text = table(
        {"a": entry, "b": entry, "c": {**entry, "label": "exploit"}, "d": {"fault": "good", "label": "solved"}}
    )
    assert "| fault | exploit | solved | wrong_sign | fitting |" in text
    assert "| wrong_sign | 1 |  | **2** | 2 of 3 |" in text
    assert text.endswith("3 of 4 files have a fitting label.")
