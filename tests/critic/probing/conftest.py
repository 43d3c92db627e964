"""A car in a valley, whose success a short search finds, under a reward of the test's own."""

from collections.abc import Callable

import pytest

from autoreward.critic.checks.trial import Trial
from autoreward.envs.record import record_transitions
from autoreward.envs.registry import describe
from autoreward.language.static import grammar_of
from autoreward.sandbox.process import ProcessCell
from autoreward.task import load_task
from tests.critic.checks.conftest import cell as cell  # one cell for all

PROGRAM = """
IDEA = "Climb the hill."
WEIGHTS = {weights}

def compute_reward(state, action, next_state, memory):
    position, before = next_state["position"], state["position"]
    return {terms}
"""


@pytest.fixture(scope="session")
def valley(cell: ProcessCell) -> Callable[..., Trial]:
    """A reward of terms, each an expression over `position` and `before`, loaded into the cell."""
    task = load_task("mountain_car_continuous")
    schema, recorded = describe(task.env), record_transitions(task, 0, steps=8, num_envs=4)

    def make(**terms: str) -> Trial:
        shown = "{" + ", ".join(f'"{name}": {text}' for name, text in terms.items()) + "}"
        source = PROGRAM.format(weights=dict.fromkeys(terms, 1.0), terms=shown)
        program = cell.load(source, schema, grammar_of(source))
        return Trial(program, schema, cell, ProcessCell, recorded.inputs, recorded.begun, task)

    return make
