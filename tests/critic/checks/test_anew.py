"""Memory begins anew: with a cell that forgets, and with one that does not."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from autoreward.critic.checks import episodes
from autoreward.critic.checks.trial import Trial
from autoreward.sandbox.contract import Inputs, Memory, Scores
from autoreward.sandbox.process import ProcessCell
from tests.critic.checks.conftest import program

BEST = 'best = memory.get("best", distance); memory["best"] = np.minimum(best, distance)'
SOURCE = program(BEST, gain="np.maximum(best - distance, 0.0)")


class Clinging(ProcessCell):
    """A cell with a fault: it begins no episode anew but the first."""

    def score(self, inputs: Inputs, begun: NDArray[np.bool_], memory: Memory) -> Scores:
        first = np.zeros_like(begun)
        first[0] = True
        return super().score(inputs, first, memory)


def test_a_cell_that_forgets(trial_of: Callable[[str], Trial]) -> None:
    found = episodes.check(trial_of(SOURCE))
    assert (found.verdict, found.message) == ("pass", "")
    assert found.tried.startswith("7 streams of ")


def test_a_cell_that_remembers_another_episode(trial_of: Callable[[str], Trial]) -> None:
    trial = trial_of(SOURCE)
    cell = Clinging()
    cell.load(SOURCE, trial.schema, "terms")
    try:
        found = episodes.check(replace(trial, cell=cell))
    finally:
        cell.close()
    assert found.verdict == "fail"
    assert "`gain`" in found.message
    assert found.rows[0].values["gain"] != found.rows[0].values["gain by itself"]


def test_without_memory_there_is_nothing_to_forget(trial_of: Callable[[str], Trial]) -> None:
    assert episodes.check(trial_of(program(near="-distance"))).tried == "it keeps nothing"
