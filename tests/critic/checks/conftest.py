"""One reacher and one cell for all tests of the Critic's checks."""

from collections.abc import Callable, Iterator

import pytest

from autoreward.critic.checks.trial import Trial
from autoreward.envs.contract import Transitions
from autoreward.envs.record import record_transitions
from autoreward.envs.registry import describe
from autoreward.language.static import grammar_of
from autoreward.sandbox.process import ProcessCell
from autoreward.schema import EnvSchema
from autoreward.task import Task, load_task

PROGRAM = """
IDEA = "Come close."
WEIGHTS = {weights}

def compute_reward(state, action, next_state, memory):
    offset = next_state["target_offset"]
    distance = np.linalg.norm(offset, axis=-1)
    before = np.linalg.norm(state["target_offset"], axis=-1)
    {body}
    return {terms}
"""


def program(body: str = "pass", **terms: str) -> str:
    """A program of the terms, each an expression, after the statements of `body`."""
    shown = "{" + ", ".join(f'"{name}": {text}' for name, text in terms.items()) + "}"
    return PROGRAM.format(weights=dict.fromkeys(terms, 1.0), body=body, terms=shown)


@pytest.fixture(scope="session")
def reacher() -> tuple[Task, EnvSchema, Transitions]:
    task = load_task("reacher")
    return task, describe(task.env), record_transitions(task, 0, steps=64, num_envs=7)


@pytest.fixture(scope="session")
def cell() -> Iterator[ProcessCell]:
    cell = ProcessCell()
    yield cell
    cell.close()


@pytest.fixture
def trial_of(reacher: tuple[Task, EnvSchema, Transitions], cell: ProcessCell) -> Callable[[str], Trial]:
    """A program under test, loaded into the cell."""
    task, schema, recorded = reacher

    def make(source: str) -> Trial:
        loaded = cell.load(source, schema, grammar_of(source))
        return Trial(loaded, schema, cell, ProcessCell, recorded.inputs, recorded.begun, task)

    return make
